"""Backfill: what a table holds, or held, through the pipeline."""
