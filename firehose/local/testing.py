"""A local Firehose for tests: put records into a delivery stream, move the clock, and look at what landed.

The fixture is pytest_plugin.py's:

    def test_orders_land_by_day(firehose):
        orders = firehose.create(request, table=table, handler=handler)
        orders.put(b'{"id": "1", "day": "2026-01-01"}')
        firehose.advance(seconds=120)
        assert [row["id"] for row in orders.rows("orders/day=2026-01-01/")] == ["1"]

Nothing sleeps, and nothing leaves the process.
"""

import io
import json
import math
import sys
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from msgspec.structs import replace

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.iceberg_destination import IcebergDestination
from firehose.local.data_plane import DataPlane
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS
from firehose.local.delivery.source_marks import shard_of
from firehose.local.event_record import EventRecord, event_record, put_directly
from firehose.local.faults import Fault, Faults, FaultySink, faulty_function
from firehose.local.local_stream import LocalStream, described_stream
from firehose.local.metrics import Metrics
from firehose.local.processors.function_problems import FunctionProblems
from firehose.local.processors.invocation import Function
from firehose.local.sources.puts import FIRST_SEQUENCE_NUMBER, ONE_SHARD, PUT_BYTES

# An instant that is easy to write in tests.
START = datetime(2026, 1, 1, tzinfo=UTC)


class Landed(NamedTuple):
    """An object as S3 keeps it."""

    body: bytes
    content_type: str
    content_encoding: str


class Bucket(dict[str, Landed]):
    """A bucket in memory: objects by key."""

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Put an object."""
        self[key] = Landed(body, content_type, content_encoding)

    def below(self, prefix: str) -> dict[str, Landed]:
        """Return the objects whose keys begin with `prefix`, in order of key."""
        return {key: landed for key, landed in sorted(self.items()) if key.startswith(prefix)}


class TestedStream:
    """A delivery stream under test; made by `LocalFirehose.create`. Its source keeps every record put."""

    __test__ = False  # pytest must not collect it

    def __init__(self, firehose: "LocalFirehose", local: LocalStream) -> None:
        stream = local.read()
        self.name = stream.name
        self.bucket = firehose.bucket(stream.destination.bucket)
        self._iceberg = isinstance(stream.destination, IcebergDestination)
        self._converts = stream.destination.conversion is not None
        self._firehose = firehose
        self._faults = Faults()
        function = local.function and faulty_function(local.function, self._faults)
        self._catalog = local.catalog and cache(lambda: _faulty_catalog(firehose, self._faults))
        self._local = replace(local, function=function, catalog=self._catalog)
        self._from_kinesis = stream.source_arn is not None
        self._backup_bucket = stream.backup.bucket if stream.backup else stream.destination.bucket
        self._source: list[EventRecord] = []
        self._settled_before = 0  # by data planes that were killed
        self._plane = self._started()

    def _started(self) -> DataPlane:
        sink, backup_sink = (
            FaultySink(bucket, self._faults) for bucket in (self.bucket, self._firehose.bucket(self._backup_bucket))
        )
        return DataPlane(
            [self._local], sink, backup_sink=backup_sink, clock=lambda: self._firehose.now_ms, source_of=shard_of
        )

    def put(self, data: bytes | str | Mapping[str, Any], *, partition_key: str = "") -> str:
        """Put one record, which arrives now, into the stream or the Kinesis stream that it reads; return its recordId.

        A mapping is put as JSON, a text as UTF-8.

        Raises:
            ValueError: ValidationException, the record is larger than PutRecord takes.
        """
        if not isinstance(data, bytes):
            data = (data if isinstance(data, str) else json.dumps(data)).encode()
        if not self._from_kinesis and len(data) > PUT_BYTES:
            raise ValueError(f"ValidationException: a record of {len(data):,} bytes; PutRecord takes {PUT_BYTES:,}")
        record: EventRecord = event_record(
            data,
            shard_id=ONE_SHARD,
            partition_key=partition_key or str(len(self._source)),
            sequence_number=str(FIRST_SEQUENCE_NUMBER + len(self._source)),
            arrival_ms=self._firehose.now_ms,
        )
        if not self._from_kinesis:
            record = put_directly(record)
        self._source.append(record)
        self._plane.accept(record, self._firehose.now_ms)
        self.tick()
        return str(record["recordId"])

    def inject(self, fault: str, times: float = math.inf) -> None:
        """Inject a fault of firehose/local/faults.py, always or the next `times`: "throttle", "s3-denied".

        Raises:
            ValueError: an unknown fault.
        """
        self._faults.inject(Fault(fault), times)

    def rows(self, prefix: str = "") -> list[dict[str, Any]]:
        """Return the rows of the Parquet objects below a prefix, in order of key, with times in microseconds.

        The objects hold nanoseconds, which Python's datetime does not: for those, read `bucket` with pyarrow.
        Of a stream that delivers to Iceberg tables, return the rows of a table: "db.orders".

        Raises:
            ValueError: the stream converts no records, so its objects are not Parquet; or the table does not exist.
        """
        if self._iceberg:
            return self._firehose.table_rows(prefix)
        if not self._converts:
            raise ValueError(f"{self.name} does not convert records to Parquet: read its objects in `bucket`")
        found = self.bucket.below(prefix)
        tables = [_read(landed) for key, landed in found.items() if key.endswith(".parquet")]
        return [row for table in tables for row in table.to_pylist()]

    def errors(self, prefix: str = "") -> list[dict[str, Any]]:
        """Return the error records of the objects below a prefix, in order of key."""
        bodies = [landed.body for landed in self.bucket.below(prefix).values()]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    @property
    def metrics(self) -> Metrics:
        """The stream's CloudWatch metrics."""
        return self._plane.report.streams[0].metrics

    @property
    def function_problems(self) -> FunctionProblems:
        """The reasons of failed invocations, with logged exceptions; on AWS they are in the function's log group."""
        return self._plane.report.streams[0].function_problems

    @property
    def waiting(self) -> int:
        """The number of records put that have not landed, been dropped or been kept as errors yet."""
        return len(self._source) - self._settled_before - self._plane.settled()

    def tick(self) -> None:
        """Let the stream see the time; `LocalFirehose.advance` calls this."""
        self._plane.tick(self._firehose.now_ms)

    def restart(self) -> None:
        """Kill the delivery stream and start it again: records that were not settled are read once more.

        Firehose fails over like this: delivery is at least once, and records delivered after one that still waited are
        delivered again.
        """
        self._settled_before += self._plane.settled()
        self._plane = self._started()
        for record in self._source[self._settled_before :]:
            self._plane.accept(record, self._firehose.now_ms)

    def flush(self) -> None:
        """Deliver everything, whatever its age."""
        self._plane.finish()


def _faulty_catalog(firehose: "LocalFirehose", faults: Faults) -> Any:
    from firehose.local.faulty_catalog import FaultyCatalog  # noqa: PLC0415  loads PyIceberg

    return FaultyCatalog(firehose.catalog, faults)


def _read(landed: Landed) -> Any:
    # Threads of pyarrow 26 that still end when the interpreter does aborted it in 2 of 100 runs.
    return pq.read_table(io.BytesIO(landed.body), coerce_int96_timestamp_unit="us", use_threads=False)


class LocalFirehose:
    """Delivery streams, their buckets in memory, a catalog of Iceberg tables, and the clock that they share."""

    def __init__(self, start: datetime = START) -> None:
        self.now_ms = int(start.timestamp() * 1000)
        self._buckets: dict[str, Bucket] = {}
        self._running = ExitStack()
        self._streams: list[TestedStream] = []

    def create(
        self,
        request: Mapping[str, Any],
        *,
        table: Mapping[str, Any] | None = None,
        handler: Function | None = None,
        active_partitions: int = ACTIVE_PARTITIONS,
        behaviour: Behaviour = OBSERVED,
    ) -> TestedStream:
        """Create a delivery stream from a CreateDeliveryStream request, or an answer of DescribeDeliveryStream.

        `table` is the Glue table that it converts by, as a TableInput or as GetTable answers it; `handler` the function
        behind its Lambda ARN.

        Raises:
            SettingError: a setting that AWS refuses, with AWS's error code, or that is not supported here.
            ValueError: the function is missing, or the stream has no use for the one that is given, or for the table.
        """
        local = described_stream(
            request, table, handler, active_partitions=active_partitions, behaviour=behaviour, with_logs=True
        )
        read = local.read()
        if isinstance(read.destination, IcebergDestination):
            local = replace(local, catalog=lambda: self.catalog)
        uses = {"handler": (handler, read.processing.function), "table": (table, read.destination.conversion)}
        for name, (given, use) in uses.items():
            if given is not None and use is None:
                raise ValueError(f"{name} has no effect on {read.name}: leave it out")
        for warning in read.warnings:
            warnings.warn(warning, stacklevel=2)
        stream = TestedStream(self, local)
        self._streams.append(stream)
        return stream

    def bucket(self, name: str) -> Bucket:
        """Return a bucket by its name; a new one is empty."""
        return self._buckets.setdefault(name, Bucket())

    @cached_property
    def catalog(self) -> Any:
        """A PyIceberg catalog in a temporary folder, for the tables of Iceberg destinations; make them in it.

        firehose.catalog.create_namespace("db")
        firehose.catalog.create_table("db.orders", schema=pa.schema([("id", pa.string())]))
        """
        from firehose.local.iceberg_catalogs import folder_catalog  # noqa: PLC0415  loads PyIceberg

        folder = self._running.enter_context(TemporaryDirectory(prefix="firehose-"))
        found = folder_catalog(Path(folder))
        self._running.callback(found.close)
        return found

    def table_rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of an Iceberg table: "db.orders".

        Raises:
            ValueError: the table does not exist.
        """
        if name.count(".") != 1 or not self.catalog.table_exists(name):
            raise ValueError(f"{name} is not a table: write database.table")
        rows: list[dict[str, Any]] = self.catalog.load_table(name).scan().to_arrow().to_pylist()
        return rows

    def close(self) -> None:
        """Remove the catalog with its tables."""
        self._running.close()

    def advance(self, seconds: float) -> None:
        """Move the clock, second by second, so that each buffer interval ends in its own time."""
        end_ms = self.now_ms + int(seconds * 1000)
        while self.now_ms < end_ms:
            self.now_ms = min(self.now_ms + 1000, end_ms)
            for stream in self._streams:
                stream.tick()

    def print_problems(self) -> None:
        """Print the problems of each stream's function: pytest shows them beside a test that failed."""
        for stream in self._streams:
            for problem in stream.function_problems:
                sys.stderr.write(f"{stream.name}: {problem}\n")
