"""Replay: sends failed records through the pipeline again."""
