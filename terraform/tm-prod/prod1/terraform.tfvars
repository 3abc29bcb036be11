environment     = "prod1"
modes           = ["parquet"]
protect_streams = true
operated        = true
bucket_managed  = true
# The source stream's peak, as CloudWatch shows it (IncomingRecords, IncomingBytes).
ingest = {
  records_per_second = 300
  kib_per_second     = 500
}
# Add who hears them: emails or topic_arn.
alarms = {
  silent_hours = 6
}
