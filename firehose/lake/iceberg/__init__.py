"""Iceberg tables of a lake: their catalogs, and what is done to whole tables."""
