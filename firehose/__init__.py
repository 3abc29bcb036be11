"""Managed delivery: what a delivery stream is, a local data plane that runs one as AWS does, and the command line."""
