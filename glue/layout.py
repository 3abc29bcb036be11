"""The places of objects in the bucket, and the formats that a lake may have. No other file spells them.

data-pipeline/parquet/sale/partition_date=2025-01-01/prd3292-dev1-dmnd-sale-1-2025-01-01-10-00-00-....parquet
data-pipeline/avro/sale/partition_date=2025-01-01/....avro
data-pipeline/iceberg/sale/data/partition_date=2025-01-01/....parquet
data-pipeline/iceberg/sale/metadata/....metadata.json
data-pipeline/iceberg/sale_current/data/entity_bucket=7/....parquet
data-pipeline/errors/records/partition_date=2025-01-01/....jsonl
data-pipeline/errors/firehose/processing-failed/...
dmd-replay/....json
dmd-jobs/....json
"""

from enum import StrEnum

ROOT = "data-pipeline"
PARTITION = "partition_date"  # a date of UTC, 2025-01-01


class Format(StrEnum):
    """The format of a lake's files; a mode of the pipeline has the same name."""

    PARQUET = "parquet"
    AVRO = "avro"
    ICEBERG = "iceberg"


# The formats whose tables are the files below their prefixes. An Iceberg table is what its newest snapshot names: a
# file that others put there is not part of it, and one that they remove breaks it.
FILE_FORMATS = (Format.PARQUET, Format.AVRO)

# The Iceberg tables of a folder: PyIceberg's SQL catalog, and the namespace in it that holds a table for each type.
ICEBERG_CATALOG = f"{ROOT}/{Format.ICEBERG}/catalog.sqlite"
ICEBERG_NAMESPACE = "dmnd_pipeline"

# The column of a current table that says which entity its row is of: each has one row.
ENTITY_COLUMN = "entity"
ENTITY_BUCKET = f"{ENTITY_COLUMN}_bucket"  # by which it is partitioned
_CURRENT = "_current"

ERRORS = f"{ROOT}/errors/"
# Error documents, which the function puts: why a record failed, and the original.
ERROR_DOCUMENTS = f"{ERRORS}records/"
# Firehose's own error objects, a folder for each error output type.
FIREHOSE_ERRORS = f"{ERRORS}firehose/"
# The progress of `dmd replay` in each error object, beside the pipeline's own data.
REPLAY_JOURNAL = "dmd-replay/"
# The notes by which jobs over a lake exclude each other, and the records of objects that a job has replaced.
JOBS = "dmd-jobs/"
# The list of erased subjects: a keyed hash and a time for each.
ERASED = f"{JOBS}erased/"


def data_format(file_format: Format) -> Format:
    """Return the format of a table's data files, whose columns it has: Parquet for Iceberg, else the format itself."""
    return file_format if file_format in FILE_FORMATS else Format.PARQUET


def format_prefix(file_format: str) -> str:
    """Return the prefix of all data of one format: "avro" -> "data-pipeline/avro/"."""
    return f"{ROOT}/{file_format}/"


def iceberg_tables(record_type: str) -> tuple[str, str]:
    """Return the Iceberg tables of a type, of its history and its current state: "Sale" -> "sale", "sale_current"."""
    name = record_type.lower()
    return name, current_table(name)


def iceberg_key(address: str) -> str:
    """Return the key of a file of an Iceberg table: "s3://b/data-pipeline/iceberg/a" -> "data-pipeline/iceberg/a"."""
    prefix = format_prefix(Format.ICEBERG)
    return prefix + address.rpartition(f"/{prefix}")[2]


def type_prefix(file_format: str, record_type: str) -> str:
    """Return the prefix of a table's data: "avro", "sale" -> "data-pipeline/avro/sale/"."""
    return f"{format_prefix(file_format)}{record_type}/"


def current_table(table: str) -> str:
    """Return the name of the Iceberg table with the current state of a table's entities: "sale" -> "sale_current"."""
    return f"{table}{_CURRENT}"


def is_current_table(table: str) -> bool:
    """Return True for the name of a current table: "sale_current"."""
    return table.endswith(_CURRENT)


def partition(prefix: str, date: str) -> str:
    """Return the prefix of one date: "p/sale/", "2025-01-01" -> "p/sale/partition_date=2025-01-01/"."""
    return f"{prefix}{PARTITION}={date}/"


def partition_date(key: str) -> str:
    """Return the date in an object's key, or "": "p/partition_date=2025-01-01/a.avro" -> "2025-01-01"."""
    return key.partition(f"{PARTITION}=")[2].partition("/")[0]
