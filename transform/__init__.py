"""The Lambda function: Firehose hands it change records, it answers with rows. Ships in the zip, with glue/."""
