"""The processors of a delivery stream, run as a list of stages, and the functions behind its Lambda processor."""
