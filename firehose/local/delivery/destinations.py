"""Makes the delivery of a stream: the one place that chooses by the type of the stream's destination."""

from collections.abc import Callable
from math import inf

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.s3_destination import S3Destination
from firehose.local.delivery.delivery import Delivery, DestinationWriter
from firehose.local.delivery.s3_objects import S3Objects
from firehose.local.delivery.source_marks import SourceOf
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
    source_of: SourceOf | None = None,
) -> Delivery:
    """Return the delivery of a stream, which counts in `report`; `source_of` returns a record's source by its id.

    Raises:
        ValueError: the stream converts and has no table, or delivers to Iceberg tables and has no catalog.
    """
    destination, limit = stream.destination, float(local.active_partitions)
    writer: DestinationWriter
    if isinstance(destination, S3Destination):
        writer = S3Objects(local, stream, destination, sink, report, settle=settle, clock=clock, delimiter=delimiter)
    else:
        # PyIceberg takes 0.5 s of processor time to load, and its SQL catalog as much again.
        from firehose.local.delivery.iceberg_tables import IcebergTables  # noqa: PLC0415

        writer, limit = (
            IcebergTables(local, stream, destination, sink, report, settle=settle, clock=clock, source_of=source_of),
            inf,
        )
    return Delivery(
        writer,
        report,
        settle=settle,
        clock=clock,
        buffer_bytes=destination.buffer_bytes,
        buffer_seconds=destination.buffer_seconds,
        active_partitions=limit,
    )
