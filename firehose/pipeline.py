"""The pipeline as a laptop runs it: delivery streams, their tables and functions, into one lake."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from firehose.commands import Format
from firehose.data_plane import Clock, DataPlane, LocalStream
from firehose.definition import create_avro_delivery_stream, create_delivery_stream
from firehose.destination import Sink
from firehose.processor import Function
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
    sink: Sink,
    *,
    schemas: Path = SCHEMAS,
    file_format: Format = Format.PARQUET,
    on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
    clock: Clock | None = None,
) -> DataPlane:
    """A data plane for every schema of a folder: in Parquet mode a delivery stream each, in Avro mode one for all.

    In Parquet mode the first by name claims what has no type. `on_printed` gets what a function printed in an
    invocation, with the name of its delivery stream. The sink is also where functions put what they write themselves. A
    live source needs a `clock`, by which the buffer intervals run.

    Raises:
        SchemaError: a schema is not one of ours.
    """
    types = load(schemas)
    streams = _STREAMS[file_format](types, sink, schemas)
    return DataPlane(streams, sink, on_printed=on_printed, clock=clock)


def stream_name(served: str) -> str:
    """The delivery stream of a record type, or of all of them: prd3292-local-dmnd-sale, prd3292-local-dmnd-avro."""
    return f"prd3292-local-dmnd-{served}"


def _parquet_streams(types: Mapping[str, RecordType], sink: Sink, schemas: Path) -> list[LocalStream]:
    claiming = min(types)
    return [
        LocalStream(
            create_delivery_stream(
                name, database="prd3292_local_dmnd_pipeline_parquet", region=_REGION, **_names(name)
            ),
            with_bucket(parquet_table(record_type), BUCKET),
            _function(Format.PARQUET, [name], sink, schemas, claims=name == claiming),
            keeps_event=True,
        )
        for name, record_type in types.items()
    ]


def _avro_streams(types: Mapping[str, RecordType], sink: Sink, schemas: Path) -> list[LocalStream]:
    request = create_avro_delivery_stream(**_names(Format.AVRO))
    function = _function(Format.AVRO, types, sink, schemas, claims=True)
    return [LocalStream(request, None, function, keeps_event=True)]


_STREAMS: dict[Format, Callable[[Mapping[str, RecordType], Sink, Path], list[LocalStream]]] = {
    Format.PARQUET: _parquet_streams,
    Format.AVRO: _avro_streams,
}


def _names(served: str) -> dict[str, Any]:
    """What a delivery stream and its surroundings are called here."""
    return {
        "name": stream_name(served),
        "stream_arn": _SOURCE,
        "function_arn": f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{stream_name(served)}",
        "bucket": BUCKET,
        "role_arn": _ROLE,
    }


def _function(file_format: Format, types: Iterable[str], sink: Sink, schemas: Path, *, claims: bool) -> Function:
    environment = {
        "RECORD_TYPES": ",".join(types),
        "CLAIMS_UNREADABLE": "true" if claims else "false",
        "BUCKET": BUCKET,
        "ERROR_PREFIX": ERROR_PREFIX,
        "FORMAT": file_format,
    }
    return build(environment, sink, schemas)
