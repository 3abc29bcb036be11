"""Replay: what failed, sent through again."""
