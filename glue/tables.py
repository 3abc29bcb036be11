"""Makes the Glue TableInputs of the record types and of the error documents.

They are generated as one file per record type, glue/tables/<type>.json: {"parquet": TableInput, "avro": TableInput},
and glue/tables/errors.json: {"json": TableInput}. Terraform and our own code both read this JSON. The bucket differs
per environment, so it is `${bucket}` there, and replaced in the text (HCL: `jsondecode(replace(file(...), "$${bucket}",
var.bucket))`). `${partition_date}` is Athena's own and stays.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glue import hive
from glue.columns import Column, columns
from glue.layout import ENTITY_COLUMN, ERROR_DOCUMENTS, PARTITION, Format, current_table, partition, type_prefix
from glue.model import RecordType, SchemaError

TABLES = Path(__file__).parent / "tables"
ERRORS = "errors"
BUCKET = "${bucket}"

TableInput = dict[str, Any]
TableInputs = dict[str, TableInput]

_HIVE = "org.apache.hadoop.hive"
_CLASSES = {
    "parquet": (
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "avro": (
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    # Hive's own and not OpenX's: Athena's guide ("OpenX JSON SerDe") warns of wrong counts and nulls with OpenX and
    # names this one as the alternative. It ignores the case of keys: column recordid reads "recordId".
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.apache.hive.hcatalog.data.JsonSerDe",
    ),
}

# Of the attributes that glue/schema.py accepts, those that Avro itself defines.
_AVRO_KEYS = frozenset(
    (
        *("type", "name", "namespace", "doc", "fields", "symbols", "items", "values", "default"),
        *("logicalType", "precision", "scale"),
    )
)

# Error documents are partitioned by the day of arrival, which is never before 1970 and on AWS never in the future. So
# this range covers them all, without the 58,000 days until 2199, the last that a time may have (BR-12). The end is
# relative, because a fixed one would hide the documents of later days.
ERRORS_RANGE = "1970-01-01,NOW+1DAYS"

# The columns of error documents (domain.md, REQ-6). The timestamp is text, because Hive's JSON SerDe reads times only
# as `yyyy-MM-dd HH:mm:ss`, not with T and Z. Such text sorts by time, and from_iso8601_timestamp() reads it.
ERRORS_COLUMNS = [
    Column(Name="timestamp", Type="string", Comment="arrival of the record, 2025-01-01T10:00:00.123Z"),
    Column(Name="type", Type="string", Comment="record type, null where it could not be read"),
    Column(
        Name="error",
        Type=str(hive.parse("struct<code:string,message:string,path:string>")),
        Comment="why it failed: a code, a sentence, and the path of the field where there is one",
    ),
    Column(Name="stream", Type="string", Comment="delivery stream that the record came through"),
    Column(Name="recordid", Type="string", Comment="record id that Firehose gave it"),
    Column(Name="sequence", Type="string", Comment="sequence number in the source stream"),
    Column(
        Name="digest",
        Type="string",
        Comment="SHA-256 of the original, its personal data redacted: joins it with Firehose's own copy",
    ),
    Column(Name="encoding", Type="string", Comment="base64 where the original is not UTF-8, else null"),
    Column(
        Name="events",
        Type="array<string>",
        Comment="the original; personal data redacted in a deletion, left out where it does not parse",
    ),
]


def table_inputs(types: Mapping[str, RecordType]) -> dict[str, TableInputs]:
    """All TableInputs, by the name of the generated file: {"demand": {"parquet": ..., "avro": ...}, "errors": ...}.

    Raises:
        SchemaError: two types have the same table name, one is called errors or as another's current table, or Glue
            would refuse columns; a line for each problem.
    """
    found: dict[str, TableInputs] = {ERRORS: {"json": errors_table()}}
    taken, problems = {ERRORS}, []
    for name, record_type in types.items():
        if name.lower() in taken:
            problems.append(f"{name}: there is a table {name.lower()} already (Glue's names are lower case)")
        taken |= {name.lower(), current_table(name.lower())}
        try:
            found[name] = {"parquet": parquet_table(record_type), "avro": avro_table(record_type)}
        except SchemaError as error:
            problems.append(str(error))
    if problems:
        raise SchemaError("\n".join(problems))
    return found


def parquet_table(record_type: RecordType) -> TableInput:
    """The TableInput of a record type's Parquet files; Firehose also converts rows by it."""
    return _data_table(record_type, "parquet", {"serialization.format": "1"})


def avro_table(record_type: RecordType) -> TableInput:
    """The TableInput of a record type's Avro containers.

    Hive reads fields by the schema literal, and Athena shows the columns; both come from the same schema.
    """
    return _data_table(record_type, "avro", {"avro.schema.literal": avro_literal(record_type)})


def current_input(history: TableInput) -> TableInput:
    """The table of the newest rows, by that of all changes: its partition date is a column like any other.

    sale -> {"Name": "sale_current", "Description": "The newest row of each entity: ...", "PartitionKeys": [], ...}
    """
    name, storage = current_table(history["Name"]), history["StorageDescriptor"]
    entity = Column(Name=ENTITY_COLUMN, Type="string", Comment="change.item, else reference.id")
    return history | {
        "Name": name,
        "Description": f"The newest row of each entity: {history['Description']}",
        "Parameters": {"EXTERNAL": "TRUE", "classification": Format.PARQUET},
        "PartitionKeys": [],
        "StorageDescriptor": storage
        | {
            "Columns": [*storage["Columns"], *history["PartitionKeys"], entity],
            "Location": f"s3://{BUCKET}/{type_prefix(Format.ICEBERG, name)}",
        },
    }


def errors_table() -> TableInput:
    """The TableInput of the error documents, which are JSON in every mode."""
    return _table(
        name=ERRORS,
        doc="Records that failed: why, and the original, to be sent through again.",
        file_format="json",
        prefix=ERROR_DOCUMENTS,
        table_columns=ERRORS_COLUMNS,
        serde={"serialization.format": "1"},
        dates=ERRORS_RANGE,
    )


def avro_literal(record_type: RecordType) -> str:
    """The schema of the type's Avro files as compact text, by which they are written and read.

    {"name": "email", "type": "string", "doc": "d", "pii": true} -> {"name":"email","type":"string","doc":"d"}

    Names keep their case: in lower case, Hive fails with "Found n.St, expecting n.st". Docs stay, because Hive takes
    its comments from them, and nested fields have no other place for them. The domain's facts are left out: Avro
    readers do not need them, and a wider range of dates must not change the literal, which must equal the schema in
    the files.
    """
    return json.dumps(_plain(record_type.avro), ensure_ascii=False, separators=(",", ":"))


def with_bucket(table_input: TableInput, bucket: str) -> TableInput:
    """The TableInput with the bucket's name in place of `${bucket}`, as in Terraform.

    "s3://${bucket}/data-pipeline/parquet/sale/" -> "s3://b/data-pipeline/parquet/sale/"
    """
    found: TableInput = json.loads(json.dumps(table_input).replace(BUCKET, bucket))
    return found


def read_table_inputs(folder: Path = TABLES) -> dict[str, TableInputs]:
    """The generated tables of a folder by file name: {"demand": {"parquet": ..., "avro": ...}, "errors": ...}."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def _plain(avro: Any) -> Any:
    """A schema without the attributes that Avro does not define. Lists are unions, fields or symbols."""
    if isinstance(avro, Mapping):
        return {key: _plain(value) for key, value in avro.items() if key in _AVRO_KEYS}
    return [_plain(one) for one in avro] if isinstance(avro, list) else avro


def _data_table(record_type: RecordType, file_format: str, serde: dict[str, str]) -> TableInput:
    return _table(
        name=record_type.name.lower(),
        doc=record_type.doc,
        file_format=file_format,
        prefix=type_prefix(file_format, record_type.name),
        table_columns=columns(record_type),
        serde=serde,
        dates=f"{record_type.partition_date.first},{record_type.partition_date.last}",
    )


def _table(
    *,
    name: str,
    doc: str,
    file_format: str,
    prefix: str,
    table_columns: list[Column],
    serde: dict[str, str],
    dates: str,
) -> TableInput:
    input_format, output_format, library = _CLASSES[file_format]
    location = f"s3://{BUCKET}/{prefix}"
    return {
        "Name": name,
        "Description": doc,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": file_format} | _projection(location, dates),
        "PartitionKeys": [{"Name": PARTITION, "Type": "string", "Comment": "UTC date of the row, YYYY-MM-DD"}],
        "StorageDescriptor": {
            "Columns": table_columns,
            "Location": location,
            "InputFormat": input_format,
            "OutputFormat": output_format,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": serde},
        },
    }


def _projection(location: str, dates: str) -> dict[str, str]:
    """The properties by which Athena computes partitions instead of looking them up, so that none need to be added.

    Source: Athena guide, "Partition projection": every day of the range is assumed to exist, no other day is shown.
    """
    return {
        "projection.enabled": "true",
        f"projection.{PARTITION}.type": "date",
        f"projection.{PARTITION}.format": "yyyy-MM-dd",
        f"projection.{PARTITION}.range": dates,
        f"projection.{PARTITION}.interval": "1",
        f"projection.{PARTITION}.interval.unit": "DAYS",
        "storage.location.template": partition(location, f"${{{PARTITION}}}"),
    }
