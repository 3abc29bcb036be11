"""An extended S3 destination: the rows of a partition become one object below the stream's prefix."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from firehose.local.batch import Batch
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import PartitionKeyError, name_bytes
from firehose.local.config.s3_destination import S3Destination
from firehose.local.conversion.converter import Converted
from firehose.local.delivery.buffering import Partition
from firehose.local.delivery.error_output import ErrorOutput
from firehose.local.delivery.object_format import object_format
from firehose.local.delivery.object_names import ObjectNames
from firehose.local.delivery.partition_keys import PartitionKeys, Values
from firehose.local.delivery.putting import ObjectManifest, ObjectPut
from firehose.local.delivery.upload_queue import UploadQueue
from firehose.local.ledger import DELIVERED, Settle
from firehose.local.local_stream import LocalStream
from firehose.local.processors.stage import OkRecord, Processed
from firehose.local.report import StreamReport
from firehose.local.sink import Sink


class S3Objects:
    """The objects of one stream in a bucket, and its error objects, which are in the same bucket.

    Raises, when it is made:
        ValueError: the stream converts and has no table.
    """

    ordered = False

    def __init__(
        self,
        local: LocalStream,
        stream: DeliveryStream,
        destination: S3Destination,
        sink: Sink,
        report: StreamReport,
        *,
        settle: Settle,
        clock: Callable[[], int] | None,
        delimiter: bytes = b"",
    ) -> None:
        behaviour = local.behaviour
        self._partitioned = destination.partitioned
        self._converts = destination.conversion is not None
        self._stream = stream
        self._report = report
        self._metrics = report.metrics
        self._clock = clock
        self._names = ObjectNames(
            stream.name, stream.version, destination.prefix, destination.time_zone, destination.extension
        )
        self._format = object_format(stream, local.table_input, behaviour, delimiter)
        self.schema = self._format.schema
        size = name_bytes(stream.name, stream.version, destination.extension)
        self._keys = PartitionKeys(destination.prefix, size, behaviour.scalar_keys)
        self._uploads = UploadQueue(
            sink, self._metrics, area="DeliveryToS3", settle=settle, clock=clock, on_put=self._on_put
        )
        self.retry = self._uploads.retry
        self.finish = self._uploads.finish
        self.errors = ErrorOutput(stream, self._uploads, report, table=self._format.catalog_table, behaviour=behaviour)

    def partitions(self, batch: Batch, processed: Processed) -> Iterator[Values | None]:
        """Yields the partition key values of each record; None for a record without, which goes to the errors."""
        for (index, _, _), found in zip(processed.ok, self._keys.evaluate(processed), strict=True):
            if isinstance(found, PartitionKeyError):
                self.errors.add_partition_key_error(batch, index, found)
                yield None
            else:
                yield found

    def convert(self, batch: Batch, routed: Sequence[OkRecord]) -> Converted:  # noqa: ARG002
        """Returns the rows of these records, by the stream's format."""
        records = [data for _, data, _ in routed]
        converted = self._format.convert(records)
        if self._converts:
            succeeded = set(converted.owners)
            self._metrics.add("SucceedConversion.Records", len(succeeded))
            self._metrics.add("SucceedConversion.Bytes", sum([len(records[place]) for place in succeeded]))
            if converted.failures:
                failed_bytes = sum([len(records[failure.index]) for failure in converted.failures])
                self._metrics.add("FailedConversion.Records", len(converted.failures))
                self._metrics.add("FailedConversion.Bytes", failed_bytes)
        return converted

    def write(self, partitions: Iterable[tuple[Partition, pa.Table]]) -> None:
        """Puts an object for each partition, and settles its records when the object is there."""
        self._uploads.send(self._objects(partitions))

    def count_active(self, partitions: int, *, exceeded: bool) -> None:
        """Adds the metrics of dynamic partitioning."""
        if self._partitioned:
            self._metrics.add("PartitionCount", partitions)
            self._metrics.add("PartitionCountExceeded", int(exceeded))

    @property
    def refused(self) -> Mapping[Values, int]:
        """The number of refused objects that wait, by partition."""
        return self._uploads.partitions

    @property
    def refused_bytes(self) -> int:
        """The bytes of the refused objects, and of those that wait behind them."""
        return self._uploads.waiting_bytes

    @property
    def put_error(self) -> Exception | None:
        """The sink's error for the oldest refused object."""
        return self._uploads.put_error

    def _objects(self, partitions: Iterable[tuple[Partition, pa.Table]]) -> Iterator[ObjectPut]:
        for partition, rows in partitions:
            name = self._names.of(partition.oldest_ms, partition.uuid(self._stream.name), partition.values)
            manifest = ObjectManifest(
                partition.ordinals,
                DELIVERED,
                partition.oldest_ms,
                partition.original_bytes,
                rows=rows.num_rows,
                values=partition.values,
                opened_ms=partition.opened_ms,
            )
            yield ObjectPut(name.key, self._format.body(rows, name.name), self._format.content_encoding, manifest)

    def _on_put(self, put: ObjectPut) -> None:
        report, manifest = self._report, put.manifest
        if manifest.values is None:
            report.error_objects += 1
            return
        report.delivered += len(manifest.ordinals)
        report.rows += manifest.rows
        report.objects += 1
        report.first_object = report.first_object or put.key
        report.bytes_out += len(put.body)
        if self._partitioned:
            self._count_object(manifest)

    def _count_object(self, manifest: ObjectManifest) -> None:
        self._metrics.add("DeliveryToS3.ObjectCount", 1)
        if self._clock is not None and manifest.opened_ms is not None:
            seconds = max(1000, self._clock() - manifest.opened_ms) / 1000
            self._metrics.add("PerPartitionThroughput", manifest.original_bytes / seconds)
