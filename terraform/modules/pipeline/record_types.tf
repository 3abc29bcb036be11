# The record types and their tables, as `dmd glue build` makes them of glue/schemas: a new type is no HCL.

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

  # One for each table of each database; the error documents are the same in both.
  tables = merge([
    for mode, database in local.databases : {
      for name, formats in local.table_inputs :
      "${mode}/${name}" => { database = database, input = try(formats[mode], formats.json) }
    }
  ]...)

  views = merge([
    for mode, database in local.databases : {
      for name, input in jsondecode(replace(file("${local.glue}/athena/views.json"), "$${database}", database)) :
      "${mode}/${name}" => { database = database, input = input }
    }
  ]...)

  # A function and a delivery stream each. In Parquet mode one for each type, as a stream converts by one table; exactly
  # one of them, the first by name, answers for records with no readable type. In Avro mode one for all.
  parquet_functions = {
    for name in local.record_types : name => { mode = "parquet", types = [name], claims = name == local.record_types[0] }
  }
  avro_functions = { avro = { mode = "avro", types = local.record_types, claims = true } }
  functions = merge(
    contains(var.modes, "parquet") ? local.parquet_functions : {},
    contains(var.modes, "avro") ? local.avro_functions : {},
  )
}
