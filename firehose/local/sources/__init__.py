"""Kinesis streams: read as Firehose reads them, and written."""
