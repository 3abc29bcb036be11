"""Backfill: sends the items of a table, or of its export, through the pipeline."""
