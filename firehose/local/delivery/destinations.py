"""Makes the delivery of a stream: the one place that chooses by the type of the stream's destination."""

from collections.abc import Callable, Mapping
from typing import Any

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS, Delivery
from firehose.local.delivery.s3_objects import S3Objects
from firehose.local.ledger import Settle
from firehose.local.metrics import Metrics
from firehose.local.report import StreamReport
from firehose.local.sinks import Sink


def make_delivery(
    stream: DeliveryStream,
    table_input: Mapping[str, Any] | None,
    sink: Sink,
    *,
    settle: Settle,
    clock: Callable[[], int] | None,
    active_partitions: int = ACTIVE_PARTITIONS,
    behaviour: Behaviour = OBSERVED,
) -> Delivery:
    """Returns the delivery of a stream, with a report of its own.

    Raises:
        ValueError: the stream converts and has no table, or its inline query does not compile.
    """
    report = StreamReport(stream.name, metrics=Metrics(clock))
    destination = S3Objects(stream, table_input, sink, report, settle=settle, clock=clock, behaviour=behaviour)
    return Delivery(
        destination,
        report,
        settle=settle,
        clock=clock,
        buffer_bytes=stream.destination.buffer_bytes,
        buffer_seconds=stream.destination.buffer_seconds,
        active_partitions=active_partitions,
    )
