"""Any script: its hash alone is read."""
