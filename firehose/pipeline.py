"""The pipeline as a laptop runs it: a delivery stream, a table and a function for each record type, into one lake."""

from collections.abc import Callable
from pathlib import Path

from firehose.data_plane import DataPlane, LocalStream
from firehose.definition import create_delivery_stream
from firehose.destination import Sink
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import parquet_table, with_bucket
from transform.function import build
from transform.settings import ERROR_PREFIX

BUCKET = "local-lake"
_REGION, _ACCOUNT = "us-east-1", "123456789012"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/prd3292-local-dmnd-firehose"
_SOURCE = f"arn:aws:kinesis:{_REGION}:{_ACCOUNT}:stream/prd3292-local-dmnd-table-stream"


def local_pipeline(
    sink: Sink, *, schemas: Path = SCHEMAS, on_printed: Callable[[str, str], None] = lambda _stream, _text: None
) -> DataPlane:
    """A data plane with a delivery stream for every schema of a folder. The first by name claims what has no type.

    `on_printed` gets what a function printed in an invocation, with the name of its delivery stream.

    Raises:
        SchemaError: a schema is not one of ours.
    """
    types = load(schemas)
    claiming = min(types)
    streams = [
        _stream(record_type, sink, schemas, claims=record_type.name == claiming) for record_type in types.values()
    ]
    return DataPlane(streams, sink, on_printed=on_printed)


def stream_name(record_type: str) -> str:
    """The delivery stream of a record type: prd3292-local-dmnd-sale."""
    return f"prd3292-local-dmnd-{record_type}"


def _stream(record_type: RecordType, sink: Sink, schemas: Path, *, claims: bool) -> LocalStream:
    name = record_type.name
    request = create_delivery_stream(
        name,
        name=stream_name(name),
        stream_arn=_SOURCE,
        function_arn=f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:prd3292-local-dmnd-{name}",
        bucket=BUCKET,
        role_arn=_ROLE,
        database="prd3292_local_dmnd_pipeline_parquet",
        region=_REGION,
    )
    environment = {
        "RECORD_TYPES": name,
        "CLAIMS_UNREADABLE": "true" if claims else "false",
        "BUCKET": BUCKET,
        "ERROR_PREFIX": ERROR_PREFIX,
        "FORMAT": "parquet",
    }
    function = build(environment, sink, schemas)
    return LocalStream(request, with_bucket(parquet_table(record_type), BUCKET), function, keeps_event=True)
