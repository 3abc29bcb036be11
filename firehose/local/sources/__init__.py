"""Sources of records: files, and Kinesis streams as Firehose reads them."""
