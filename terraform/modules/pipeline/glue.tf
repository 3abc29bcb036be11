# Databases, tables and views of every mode, whether it is written now or not: an archive stays queryable after the
# environment has moved to another mode. Tables without data cost nothing.

resource "aws_glue_catalog_database" "this" {
  for_each = local.databases

  name        = each.value
  description = "Every change of demand, event, notification and sale in ${var.environment}, as ${title(each.key)} ${local.modes[each.key].files == null ? "tables" : "files"}."
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  name          = each.value.input.Name
  database_name = aws_glue_catalog_database.this[split("/", each.key)[0]].name
  description   = each.value.input.Description
  table_type    = each.value.input.TableType
  parameters    = each.value.input.Parameters

  dynamic "partition_keys" {
    for_each = each.value.input.PartitionKeys
    content {
      name    = partition_keys.value.Name
      type    = partition_keys.value.Type
      comment = partition_keys.value.Comment
    }
  }

  storage_descriptor {
    location      = each.value.input.StorageDescriptor.Location
    input_format  = each.value.input.StorageDescriptor.InputFormat
    output_format = each.value.input.StorageDescriptor.OutputFormat

    dynamic "columns" {
      for_each = each.value.input.StorageDescriptor.Columns
      content {
        name    = columns.value.Name
        type    = columns.value.Type
        comment = columns.value.Comment
      }
    }

    ser_de_info {
      serialization_library = each.value.input.StorageDescriptor.SerdeInfo.SerializationLibrary
      parameters            = each.value.input.StorageDescriptor.SerdeInfo.Parameters
    }
  }
}

resource "aws_glue_catalog_table" "view" {
  for_each = local.views

  name               = each.value.input.Name
  database_name      = aws_glue_catalog_database.this[split("/", each.key)[0]].name
  description        = each.value.input.Description
  table_type         = "VIRTUAL_VIEW"
  parameters         = { presto_view = "true", comment = "Presto View" }
  view_original_text = "/* Presto View: ${base64encode(jsonencode(each.value.input.View))} */"
  view_expanded_text = "/* Presto View */"

  storage_descriptor {
    dynamic "columns" {
      for_each = each.value.input.Columns
      content {
        name = columns.value.Name
        type = columns.value.Type
      }
    }

    # Athena refuses a view without this block, and with an empty one the provider plans a change every time.
    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }
  }

  depends_on = [aws_glue_catalog_table.this]
}
