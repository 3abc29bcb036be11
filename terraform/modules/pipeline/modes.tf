# The modes, and everything in which they differ. A further mode is one row here and one in the MODES of
# firehose/pipeline/modes.py; no other file of this module names a mode. Constants alone: the validations of variables
# refer to the table, and Terraform skips a validation that depends on a variable which is itself refused.

locals {
  modes = {
    # A delivery stream converts by one table, so each record type has a stream and a function of its own.
    parquet = {
      key         = "%s" # what a stream and its function are called by; %s is the record type
      per_type    = true
      destination = "extended_s3" # what its streams deliver to
      converts    = true
      partitions  = true
      files       = "parquet"  # the format of glue/tables that its tables have
      database    = "_parquet" # what the name of its Glue database ends with
      prefix      = "${local.root}/parquet/!{partitionKeyFromLambda:type}/partition_date=!{partitionKeyFromLambda:date}/"
      delivers_to = "parquet" # the folder that Firehose writes rows to, with a folder for each type in it
      writes_to   = []        # the folders that the function itself writes rows to
      # The reply holds the rows, in base64, and must not exceed 6 MB. So batches are small, and calls short.
      lambda_buffer   = { mib = 1, seconds = 60 }
      memory_mib      = 512
      timeout_seconds = 60
    }
    # The function writes the containers itself, for all types, and answers Dropped: the reply is short.
    avro = {
      key         = "avro"
      per_type    = false
      destination = "extended_s3"
      converts    = false
      partitions  = false
      files       = "avro"
      database    = ""
      # Nothing is delivered. An Ok would come from a function of another mode: its rows are no container, and belong
      # where the alarm and the tighter policy are.
      prefix      = "${local.root}/errors/firehose/unexpected-ok/"
      delivers_to = null
      writes_to   = ["avro"]
      # A container holds one batch, so batches are large; with 3 MiB the request itself could exceed 6 MB.
      lambda_buffer   = { mib = 2, seconds = 50 }
      memory_mib      = 1024
      timeout_seconds = 300
    }
    # Rows say which Iceberg table they go to, so one stream serves all types. `dmd iceberg tables` makes the tables, and
    # Firehose finds their places in the catalog: there is no prefix, and no table of glue/tables.
    iceberg = {
      key         = "iceberg"
      per_type    = false
      destination = "iceberg"
      converts    = false
      partitions  = false
      files       = null
      database    = "_iceberg"
      prefix      = null
      delivers_to = "iceberg"
      writes_to   = []
      # As in Parquet mode: the reply holds the rows.
      lambda_buffer   = { mib = 1, seconds = 60 }
      memory_mib      = 512
      timeout_seconds = 60
    }
  }

  # Firehose's metrics by destination. Source: Firehose guide, "Monitor with CloudWatch metrics".
  delivery_metrics = {
    extended_s3 = {
      freshness = "DeliveryToS3.DataFreshness", success = "DeliveryToS3.Success", arrived = "DeliveryToS3.Records"
      misfits   = "FailedConversion.Records"
    }
    iceberg = {
      freshness = "DeliveryToIceberg.DataFreshness", success = "DeliveryToIceberg.Success"
      arrived   = "DeliveryToIceberg.SuccessfulRowCount", misfits = "DeliveryToIceberg.FailedRowCount"
    }
  }

  # The modes whose tables are Iceberg's.
  table_modes = [for mode, one in local.modes : mode if one.destination == "iceberg"]

  # The folders of the archive, of all modes.
  archive_folders = distinct(flatten([for one in local.modes : one.delivers_to == null ? one.writes_to : concat([one.delivers_to], one.writes_to)]))

  # The delivery streams that poll the source for a mode.
  readers_of_mode = { for mode, one in local.modes : mode => one.per_type ? length(local.record_types) : 1 }

  databases = { for mode, one in local.modes : mode => "${local.database}${one.database}" }

  # Every delivery stream and function that any mode has, by key. In each mode exactly one function also handles records
  # without a readable type: the only one, or that of the first type by name.
  functions_of_mode = {
    for mode, one in local.modes : mode => {
      for type in one.per_type ? local.record_types : [local.record_types[0]] :
      one.per_type ? format(one.key, type) : one.key => merge(one, {
        mode            = mode
        database        = local.databases[mode]
        metrics         = local.delivery_metrics[one.destination]
        types           = one.per_type ? [type] : local.record_types
        claims          = type == local.record_types[0]
        memory_mib      = lookup(var.function.memory_mib, mode, one.memory_mib)
        timeout_seconds = lookup(var.function.timeout_seconds, mode, one.timeout_seconds)
        lambda_buffer   = lookup(var.lambda_buffer, mode, one.lambda_buffer)
      })
    }
  }
  functions_of_all_modes = merge(values(local.functions_of_mode)...)
  functions              = merge([for mode in sort(var.modes) : local.functions_of_mode[mode]]...)
}
