"""The sample maker: realistic change records and exports."""
