"""Jobs over a lake: units of work, and the executors that share them among processes."""
