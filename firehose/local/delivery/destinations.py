"""Makes the delivery of a stream: the one place that chooses by the type of the stream's destination."""

from collections.abc import Callable

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.delivery.delivery import Delivery
from firehose.local.delivery.s3_objects import S3Objects
from firehose.local.ledger import Settle
from firehose.local.local_stream import LocalStream
from firehose.local.report import StreamReport
from firehose.local.sink import Sink


def make_delivery(
    local: LocalStream,
    stream: DeliveryStream,
    sink: Sink,
    report: StreamReport,
    *,
    settle: Settle,
    clock: Callable[[], int] | None,
    delimiter: bytes = b"",
) -> Delivery:
    """Return the delivery of a stream, which counts in `report`.

    Raises:
        ValueError: the stream converts and has no table.
    """
    destination = S3Objects(
        local,
        stream,
        stream.destination,  # type: ignore[arg-type]
        sink,
        report,
        settle=settle,
        clock=clock,
        delimiter=delimiter,
    )
    return Delivery(
        destination,
        report,
        settle=settle,
        clock=clock,
        buffer_bytes=stream.destination.buffer_bytes,
        buffer_seconds=stream.destination.buffer_seconds,
        active_partitions=local.active_partitions,
    )
