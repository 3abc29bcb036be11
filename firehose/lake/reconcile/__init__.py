"""Reconciles a table with a lake: the newest row of each item must be the item."""
