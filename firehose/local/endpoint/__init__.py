"""A local AWS endpoint in which Firehose works; and clients of it, and of what is deployed there."""
