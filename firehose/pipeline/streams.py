"""The delivery streams of a mode, each with its function and table, and the pipeline as a laptop runs it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from firehose.local.data_plane import Clock, DataPlane
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.local_stream import LocalStream
from firehose.local.sink import Sink
from firehose.pipeline.modes import MODES, ModeRow
from firehose.pipeline.names import REGION, Names
from firehose.pipeline.stream_requests import create_delivery_stream
from glue.layout import ERROR_DOCUMENTS, ICEBERG_NAMESPACE, Format
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import with_bucket
from transform.function import build
from transform.shared_types import TypesOfRecords

LOCAL = Names("local")
BUCKET = "local-lake"
_ACCOUNT = "123456789012"


class ModeStream(msgspec.Struct, frozen=True):
    """One delivery stream of a mode and its function, in one environment.

    `types` are the record types that the function serves. In each mode exactly one function also handles records
    without a readable type: the one that `claims` them.
    """

    names: Names
    format: Format
    types: tuple[str, ...]
    claims: bool

    @property
    def mode(self) -> ModeRow:
        """The stream's row in the table of modes."""
        return MODES[self.format]

    @property
    def name(self) -> str:
        """The name of the delivery stream, and of the function: prd3292-dev1-dmnd-sale."""
        return self.names.delivery_stream(self.mode.key_of(self.types[0]))

    def request(self, **surroundings: Any) -> dict[str, Any]:
        """Return the CreateDeliveryStream request; `surroundings` are further arguments of `create_delivery_stream`."""
        return create_delivery_stream(
            self.mode,
            name=self.name,
            database=self.names.database(self.format),
            table=self.types[0],
            **surroundings,
        )

    def variables(self, bucket: str, database: str | None = None) -> dict[str, str]:
        """Return the environment of the function (transform/settings.py); `database` is by default its own."""
        return {
            "RECORD_TYPES": ",".join(self.types),
            "CLAIMS_UNREADABLE": "true" if self.claims else "false",
            "BUCKET": bucket,
            "ERROR_PREFIX": ERROR_DOCUMENTS,
            "FORMAT": str(self.format),
            "DATABASE": database or self.names.database(self.format),
        }


def mode_streams(names: Names, mode: Format, types: Mapping[str, RecordType]) -> list[ModeStream]:
    """Return the delivery streams of a mode: one for each type, or one for all types.

    Records without a readable type go to the only stream, or to that of the first type by name.
    """
    first = min(types)
    if not MODES[mode].per_type:
        return [ModeStream(names, mode, tuple(types), claims=True)]
    return [ModeStream(names, mode, (name,), claims=name == first) for name in types]


def stream_names(names: Names, record_type: str) -> set[str]:
    """Return the delivery streams that serve this type alone, of all modes."""
    return {names.delivery_stream(mode.key_of(record_type)) for mode in MODES.values() if mode.per_type}


class StreamConfiguration(msgspec.Struct, frozen=True):
    """The configuration of one delivery stream.

    `request` is a CreateDeliveryStream request, `table_input` the Glue table that it converts by, `variables` the
    environment of its function (transform/settings.py).
    """

    request: Mapping[str, Any]
    table_input: Mapping[str, Any] | None
    variables: Mapping[str, str]


def local_streams(types: Mapping[str, RecordType], file_format: Format) -> list[StreamConfiguration]:
    """Return the delivery streams of a laptop, as those of an environment `local`."""
    return [_configured(one, types) for one in mode_streams(LOCAL, file_format, types)]


def _configured(stream: ModeStream, types: Mapping[str, RecordType]) -> StreamConfiguration:
    request = stream.request(
        stream_arn=f"arn:aws:kinesis:{REGION}:{_ACCOUNT}:stream/{LOCAL.stream}",
        function_arn=f"arn:aws:lambda:{REGION}:{_ACCOUNT}:function:{stream.name}",
        bucket=BUCKET,
        role_arn=f"arn:aws:iam::{_ACCOUNT}:role/{LOCAL.prefix}-firehose",
    )
    make_table = stream.mode.table
    table = with_bucket(make_table(types[stream.types[0]]), BUCKET) if make_table and stream.mode.converts else None
    return StreamConfiguration(request, table, stream.variables(BUCKET, ICEBERG_NAMESPACE))


class IcebergLake(msgspec.Struct, frozen=True):
    """The Iceberg tables that a local pipeline delivers to.

    `catalog` opens their catalog, `database` is their namespace in it, `source_of` names the source of a record, by
    which a table knows the rows that it has. `change_rows` is that of a LocalStream.
    """

    catalog: Callable[[], Any]
    database: str
    source_of: SourceOf
    change_rows: Callable[[str, Any], Any] | None = None


def local_pipeline(
    sink: Sink,
    *,
    schemas: Path = SCHEMAS,
    file_format: Format = Format.PARQUET,
    iceberg: IcebergLake | None = None,
    on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
    clock: Clock | None = None,
) -> DataPlane:
    """Return a data plane that runs the streams of a mode for every schema of a folder.

    Functions put what they write themselves into the sink, too. Iceberg mode needs its tables, `iceberg`. `on_printed`
    is called with the name of a delivery stream and what its function printed in one invocation. A live source needs a
    `clock`, which the buffer intervals run by.

    Raises:
        SchemaError: a schema is invalid.
    """
    own = {"DATABASE": iceberg.database} if iceberg else {}
    types_of_records: TypesOfRecords = {}
    streams = [
        LocalStream(
            one.request,
            one.table_input,
            build({**one.variables, **own}, sink, schemas, types_of_records=types_of_records),
            catalog=iceberg.catalog if iceberg else None,
            change_rows=iceberg.change_rows if iceberg else None,
            keeps_event=True,
        )
        for one in local_streams(load(schemas), file_format)
    ]
    return DataPlane(
        streams, sink, on_printed=on_printed, clock=clock, source_of=iceberg.source_of if iceberg else None
    )
