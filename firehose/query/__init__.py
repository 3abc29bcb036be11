"""SQL over a lake."""
