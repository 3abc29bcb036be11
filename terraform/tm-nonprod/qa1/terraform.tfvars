environment     = "qa1"
modes           = ["parquet"]
protect_streams = false
operated        = false
bucket_managed  = true
# The source stream's peak, as CloudWatch shows it (IncomingRecords, IncomingBytes).
ingest = {
  records_per_second = 50
  kib_per_second     = 100
}
