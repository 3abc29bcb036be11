"""The Lambda function: it takes change records from Firehose and answers with rows. It ships in the zip, with glue/."""
