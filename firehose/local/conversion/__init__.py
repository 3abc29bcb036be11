"""Record format conversion: JSON rows to Parquet by a Glue table, as OpenXJsonSerDe and Hive's Parquet writer do it."""
