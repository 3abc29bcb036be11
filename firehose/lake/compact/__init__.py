"""Compaction: makes the many small files of a partition into few."""
