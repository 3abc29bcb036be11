"""S3 backup (S3BackupMode Enabled): every original record, after de-aggregation and before the function sees it.

Observed on real streams: the backup also has the records that the function drops or fails, nothing stands between
records, and the backup and the stream's own delivery do not wait for each other.
"""

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC

from firehose.local.batch import Batch
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.s3_destination import Backup
from firehose.local.config.s3_settings import EXTENSIONS
from firehose.local.delivery.buffering import ByteBuffer
from firehose.local.delivery.compression import COMPRESSIONS
from firehose.local.delivery.object_names import ObjectNames
from firehose.local.delivery.putting import ObjectManifest, ObjectPut
from firehose.local.delivery.upload_queue import UploadQueue
from firehose.local.ledger import BACKED_UP, Settle
from firehose.local.metrics import Metrics
from firehose.local.sink import Sink


class SourceBackup:
    """Puts the original records of one stream into the sink of its backup.

    With a clock a refused object waits; without one the refusal is raised.
    """

    def __init__(
        self,
        stream: DeliveryStream,
        backup: Backup,
        sink: Sink,
        metrics: Metrics,
        *,
        settle: Settle,
        clock: Callable[[], int] | None,
    ) -> None:
        self._backup = backup
        self._uuid_of = f"{stream.name} backup"
        self._compression = COMPRESSIONS[backup.compression]
        # CustomTimeZone is a member of the stream's destination; a backup has none.
        extension = EXTENSIONS[backup.compression]
        self._names = ObjectNames(stream.name, stream.version, backup.prefix, UTC, extension)
        self._buffer = ByteBuffer()
        self._uploads = UploadQueue(sink, metrics, area="BackupToS3", settle=settle, clock=clock)

    @property
    def size_bytes(self) -> int:
        """The size of the records that wait in the buffer."""
        return self._buffer.size_bytes

    @property
    def refused_bytes(self) -> int:
        """The size of the objects that the sink refuses at present."""
        return self._uploads.waiting_bytes

    @property
    def put_error(self) -> Exception | None:
        """The sink's error for the oldest object that it refuses."""
        return self._uploads.put_error

    def accept(self, batch: Batch) -> None:
        """Takes a batch, whose first record has the ordinal `first`."""
        for index, record in enumerate(batch.records):
            self._buffer.add(b64decode(record["data"]), batch, index)
            if self._buffer.size_bytes >= self._backup.buffer_bytes:
                self.flush()

    def flush_due(self, now_ms: int) -> None:
        """Puts the buffer if its interval has passed; retries the refused objects that are due."""
        self._uploads.retry(now_ms)
        opened_ms = self._buffer.opened_ms
        if opened_ms is not None and now_ms - opened_ms >= self._backup.buffer_seconds * 1000:
            self.flush()

    def flush_all(self) -> None:
        """Puts the buffer, and retries all refused objects once.

        Raises:
            The sink's error for an object that it still refuses.
        """
        self.flush()
        self._uploads.finish()

    def flush(self) -> None:
        """Puts the whole buffer as one object."""
        buffer, self._buffer = self._buffer, ByteBuffer()
        if buffer.pieces:
            self._uploads.send([self._object(buffer)])

    def _object(self, buffer: ByteBuffer) -> ObjectPut:
        name = self._names.of(buffer.oldest_ms, buffer.uuid(self._uuid_of))
        manifest = ObjectManifest(buffer.ordinals, BACKED_UP, buffer.oldest_ms, buffer.original_bytes)
        body = self._compression.compress(b"".join(buffer.pieces), name.name)
        return ObjectPut(name.key, body, self._compression.content_encoding, manifest)
