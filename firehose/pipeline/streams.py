"""The pipeline as a laptop runs it: delivery streams, their tables and functions, into one lake."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firehose.local.data_plane import Clock, DataPlane
from firehose.local.running_stream import LocalStream
from firehose.local.sinks import Sink
from firehose.pipeline.stream_requests import create_avro_delivery_stream, create_delivery_stream
from glue.layout import ERROR_DOCUMENTS, Format
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import parquet_table, with_bucket
from transform.function import build

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
    streams = [
        LocalStream(one.request, one.table_input, build(one.variables, sink, schemas), keeps_event=True)
        for one in local_streams(load(schemas), file_format)
    ]
    return DataPlane(streams, sink, on_printed=on_printed, clock=clock)


@dataclass(frozen=True, slots=True)
class StreamConfiguration:
    """What one delivery stream is configured by.

    `request` is a CreateDeliveryStream request, `table_input` the Glue table that it converts by, `variables` the
    environment of its function (transform/settings.py).
    """

    request: Mapping[str, Any]
    table_input: Mapping[str, Any] | None
    variables: Mapping[str, str]


def local_streams(types: Mapping[str, RecordType], file_format: Format) -> list[StreamConfiguration]:
    """The delivery streams of a laptop: in Parquet mode one for each type, in Avro mode one for all."""
    return _STREAMS[file_format](types)


def stream_name(served: str) -> str:
    """The delivery stream of a record type, or of all of them: prd3292-local-dmnd-sale, prd3292-local-dmnd-avro."""
    return f"prd3292-local-dmnd-{served}"


def _parquet_streams(types: Mapping[str, RecordType]) -> list[StreamConfiguration]:
    claiming = min(types)
    return [
        StreamConfiguration(
            create_delivery_stream(
                name, database="prd3292_local_dmnd_pipeline_parquet", region=_REGION, **_names(name)
            ),
            with_bucket(parquet_table(record_type), BUCKET),
            _variables(Format.PARQUET, [name], claims=name == claiming),
        )
        for name, record_type in types.items()
    ]


def _avro_streams(types: Mapping[str, RecordType]) -> list[StreamConfiguration]:
    request = create_avro_delivery_stream(**_names(Format.AVRO))
    return [StreamConfiguration(request, None, _variables(Format.AVRO, types, claims=True))]


_STREAMS: dict[Format, Callable[[Mapping[str, RecordType]], list[StreamConfiguration]]] = {
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


def _variables(file_format: Format, types: Iterable[str], *, claims: bool) -> dict[str, str]:
    return {
        "RECORD_TYPES": ",".join(types),
        "CLAIMS_UNREADABLE": "true" if claims else "false",
        "BUCKET": BUCKET,
        "ERROR_PREFIX": ERROR_DOCUMENTS,
        "FORMAT": file_format.value,
    }
