"""S3 backup (S3BackupMode Enabled): every original record, after de-aggregation and before anything is made of it.

What others observed on real streams: records that the function drops or fails are in it too, nothing stands between
records, and it and the stream's own delivery do not wait for each other.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import Instance, instant, object_name
from firehose.local.config.s3_destination import Backup
from firehose.local.config.s3_settings import EXTENSIONS
from firehose.local.delivery.buffering import ByteBuffer
from firehose.local.delivery.compression import COMPRESSIONS
from firehose.local.delivery.putting import Put
from firehose.local.delivery.upload_queue import ObjectManifest, ObjectPut, UploadQueue
from firehose.local.event_record import EventRecord
from firehose.local.ledger import BACKED_UP
from firehose.local.metrics import Metrics
from firehose.local.sinks import Sink


class SourceBackup:
    """Takes the records of one stream as they came and puts them into the sink of its backup.

    In the ledger it is one more stream, whose records are settled as BACKED_UP: a source moves past a record only when
    its stream and its backup have done with it. With a clock a refused object waits; without one a refusal is raised.
    """

    def __init__(
        self,
        stream: DeliveryStream,
        backup: Backup,
        sink: Sink,
        metrics: Metrics,
        *,
        settle: Callable[[Iterable[int], int], None],
        clock: Callable[[], int] | None,
    ) -> None:
        self._stream = stream
        self._backup = backup
        self._compression = COMPRESSIONS[backup.compression]
        self._pieces = ByteBuffer()
        self._outbox = UploadQueue(sink, metrics, area="BackupToS3", settle=settle, clock=clock)

    @property
    def size_bytes(self) -> int:
        """What the records that wait take."""
        return self._pieces.size_bytes

    @property
    def refused_bytes(self) -> int:
        """The objects that the sink does not take at present."""
        return self._outbox.waiting_bytes

    @property
    def refusal(self) -> Exception | None:
        """Why the sink does not take the oldest of those."""
        return self._outbox.refusal

    def accept(self, records: Sequence[EventRecord], first: int, now_ms: int | None) -> None:
        """Takes a batch, whose first record has the ordinal `first`."""
        for ordinal, record in enumerate(records, first):
            self._pieces.add(b64decode(record["data"]), record, ordinal, now_ms)
            if self._pieces.size_bytes >= self._backup.buffer_bytes:
                self.flush()

    def flush_due(self, now_ms: int) -> None:
        """What has waited for the backup's interval becomes an object; what was refused is tried in its time."""
        self._outbox.retry(now_ms)
        opened_ms = self._pieces.opened_ms
        if opened_ms is not None and now_ms - opened_ms >= self._backup.buffer_seconds * 1000:
            self.flush()

    def flush_all(self) -> None:
        """All that waits becomes an object, and those that were refused are tried once more.

        Raises:
            What the sink raises for an object that is then still not there.
        """
        self.flush()
        self._outbox.finish()

    def flush(self) -> None:
        """All that waits becomes an object."""
        pieces, self._pieces = self._pieces, ByteBuffer()
        if pieces.pieces:
            self._outbox.send([self._object(pieces)])

    def _object(self, pieces: ByteBuffer) -> ObjectPut:
        stream = self._stream
        uuid = pieces.uuid(f"{stream.name} backup")
        # CustomTimeZone is a member of the stream's own destination, and the backup's has none.
        at = instant(pieces.oldest_ms, UTC)
        name = object_name(stream.name, stream.version, at, uuid, EXTENSIONS[self._backup.compression])
        prefix = self._backup.prefix.evaluate(Instance({}, at, uuid.hex))
        contents = ObjectManifest(pieces.ordinals, BACKED_UP, pieces.oldest_ms, pieces.original_bytes)
        body = self._compression.compress(b"".join(pieces.pieces), name)
        return Put(prefix + name, body, self._compression.content_encoding, contents)
