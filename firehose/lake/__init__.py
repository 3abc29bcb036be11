"""A lake as it is read and kept: queries, errors, replay, backfill."""
