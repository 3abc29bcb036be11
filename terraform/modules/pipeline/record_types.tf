# The record types and their tables, which `dmd glue build` generates from glue/schemas. A new type needs no HCL.

locals {
  glue = "${path.module}/../../../glue"

  record_types = sort([
    for file in fileset("${local.glue}/tables", "*.json") : trimsuffix(file, ".json") if file != "errors.json"
  ])

  # {"demand": {"parquet": TableInput, "avro": TableInput}, "errors": {"json": TableInput}, ...}
  table_inputs = {
    for name in concat(local.record_types, ["errors"]) :
    name => jsondecode(replace(file("${local.glue}/tables/${name}.json"), "$${bucket}", var.bucket.name))
  }

  # Each table of each database. The table of error documents is the same in all. Iceberg's others are not Terraform's.
  tables = merge([
    for mode, database in local.databases : {
      for name, formats in local.table_inputs :
      "${mode}/${name}" => { database = database, input = try(formats[local.modes[mode].files], formats.json) }
      if local.modes[mode].files != null || can(formats.json)
    }
  ]...)

  # Views have the types of columns of files: an Iceberg table's timestamps have six digits, which Athena would refuse.
  views = merge([
    for mode, database in local.databases : {
      for name, input in jsondecode(replace(file("${local.glue}/athena/views.json"), "$${database}", database)) :
      "${mode}/${name}" => { database = database, input = input }
    } if local.modes[mode].files != null
  ]...)
}
