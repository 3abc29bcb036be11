"""The delivery half of a stream by itself, for tests: its description, and records for it."""

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from firehose.local.batch import Batch
from firehose.local.config.conversion_settings import ConversionSettings, ParquetSettings, TableReference
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import parse_error_prefix, parse_prefix
from firehose.local.config.processing import Processing
from firehose.local.config.s3_destination import S3Destination
from firehose.local.delivery.destinations import make_delivery
from firehose.local.event_record import EventRecord, event_record
from firehose.local.local_stream import LocalStream
from firehose.local.metrics import Metrics
from firehose.local.processors.invocation import LambdaCode
from firehose.local.processors.stage import OkRecord, Processed, ProcessorFailure
from firehose.local.report import StreamReport
from tests.fakes import MemorySink
from tests.firehose_streams import table

ARRIVAL_MS = 1_735_787_045_999  # 2025-01-02T03:04:05.999Z
BY_TYPE = "data/!{partitionKeyFromLambda:type}/"


def stream(prefix: str = "data/", error_prefix: str = "", **more: Any) -> DeliveryStream:
    """A stream of this prefix, partitioned if there are partition keys in it."""
    partitioned = "partitionKey" in prefix
    destination: dict[str, Any] = {
        "bucket": "lake",
        "prefix": parse_prefix(prefix, partitioned=partitioned),
        "error_prefix": parse_error_prefix(error_prefix or "errors/!{firehose:error-output-type}/"),
        "partitioned": partitioned,
        "buffer_bytes": 1024 * 1024,
        "buffer_seconds": 60,
        "time_zone": ZoneInfo("UTC"),
        "extension": "",
        "conversion": None,
    }
    given = {name: more.pop(name) for name in list(more) if name in S3Destination.__struct_fields__}
    described: dict[str, Any] = {
        "name": "orders",
        "region": "us-east-1",
        "arn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders",
        "source_arn": None,
        "destination": S3Destination(**{**destination, **given}),
        "processing": Processing(),
    }
    return DeliveryStream(**{**described, **more})


def conversion() -> ConversionSettings:
    """To Parquet by the table `order` of `order_table`."""
    parquet = ParquetSettings("SNAPPY", 256 * 1024 * 1024, 1024 * 1024, dictionary=False, writer_version="V1")
    return ConversionSettings(parquet, TableReference("db", "order", "us-east-1", "LATEST", "", "arn:role"))


ORDER_TABLE = table({"id": "string", "qty": "int"})


def record(data: bytes, number: int = 0, arrival_ms: int = ARRIVAL_MS) -> EventRecord:
    """A record as it came; `number` tells it from others."""
    return event_record(
        data,
        shard_id="shardId-000000000000",
        partition_key="k",
        sequence_number=f"49{number:054}",
        arrival_ms=arrival_ms,
    )


class Rig:
    """A delivery with a clock to move, and what was settled."""

    def __init__(self, described: DeliveryStream, sink: MemorySink | None = None, **more: Any) -> None:
        self.sink = MemorySink() if sink is None else sink
        self.now_ms: int | None = ARRIVAL_MS + 1000
        self.settled: dict[int, int] = {}
        table_input = ORDER_TABLE if described.destination.conversion else None
        clock = (lambda: self.now_ms or 0) if more.pop("live", True) else None
        if clock is None:
            self.now_ms = None
        delimiter = more.pop("delimiter", b"")
        local = LocalStream({}, table_input, **more)
        report = StreamReport(described.name, metrics=Metrics(clock))
        self.delivery = make_delivery(
            local, described, self.sink, report, settle=self.settle, clock=clock, delimiter=delimiter
        )
        self._first = 0

    def settle(self, ordinals: Iterable[int], fate: int) -> None:
        for ordinal in ordinals:
            assert ordinal not in self.settled
            self.settled[ordinal] = fate

    def give(self, *data: bytes, arrival_ms: int = ARRIVAL_MS, **keys: Any) -> None:
        """A batch of records that the function answered as they came, with these partition keys."""
        records = [record(each, self._first + place, arrival_ms) for place, each in enumerate(data)]
        first, self._first = self._first, self._first + len(records)
        oks: list[OkRecord] = [(place, each, keys or None) for place, each in enumerate(data)]
        self.accept(records, *oks, first=first)

    def accept(
        self, records: Sequence[EventRecord], *oks: OkRecord, failed: Sequence[int] = (), first: int = 0
    ) -> None:
        """A batch, of which the function answered these records Ok and failed those at `failed`."""
        failures = [ProcessorFailure(index, LambdaCode.PROCESSING_FAILED, "m") for index in failed]
        self.delivery.accept(Batch(records, first, self.now_ms), Processed(ok=list(oks), failed=failures))

    def after(self, seconds: float) -> None:
        """Time passes, and a tick comes."""
        assert self.now_ms is not None
        self.now_ms += int(seconds * 1000)
        self.delivery.flush_due(self.now_ms)

    def metric(self, name: str) -> float | None:
        """The sum of a metric's values."""
        found = self.delivery.report.metrics.totals().get(name)
        return found.sum if found else None
