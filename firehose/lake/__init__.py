"""Reads and maintains a lake: queries, errors, replay, backfill, reconciliation."""
