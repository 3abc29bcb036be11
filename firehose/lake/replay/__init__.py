"""Replay: send what failed through again."""
