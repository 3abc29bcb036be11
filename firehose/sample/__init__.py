"""Realistic change records."""
