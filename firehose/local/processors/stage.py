"""A stage of a delivery stream: one processor of its ProcessingConfiguration, and the outcome of a batch so far."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.batch import Batch
from firehose.local.event_record import EventRecord

# Index in the batch, data, and what the function answered for routing: partition keys, or otfMetadata.
OkRecord: TypeAlias = tuple[int, bytes, Any]

# Values of !{firehose:error-output-type}.
PROCESSING_FAILED = "processing-failed"
METADATA_EXTRACTION_FAILED = "metadata-extraction-failed"


class ProcessorFailure(msgspec.Struct, frozen=True):
    """One record that a processor could not process: its index in the batch, and Firehose's error code and message.

    The message stands in the error output: it quotes nothing of a record. `error_type` is the folder there.
    """

    index: int
    code: str
    message: str
    attempts: int = 1
    error_type: str = PROCESSING_FAILED


class Processed(msgspec.Struct):
    """The outcome of a batch; each index of it stands in exactly one of `ok`, `dropped` and `failed`.

    `query_keys` are the partition keys of ok records by a MetadataExtraction processor, `printed` is what functions
    printed. A stage that must try again later has set `retry_ms`, and left the rest empty.
    """

    ok: list[OkRecord] = msgspec.field(default_factory=list)
    dropped: list[int] = msgspec.field(default_factory=list)
    failed: list[ProcessorFailure] = msgspec.field(default_factory=list)
    query_keys: dict[int, Mapping[str, str]] = msgspec.field(default_factory=dict)
    printed: str = ""
    attempts: int = 0
    retry_ms: int | None = None


class Stage:
    """One processor. Each stage works at one of three moments.

    A record is split before it is numbered, since each part is delivered, dropped or failed alone. A batch is processed
    next: a stage takes what the stage before left in `ok`. Last, `delimiter` stands between the records of an object.
    """

    splits = False
    delimiter = b""

    def split(self, record: EventRecord) -> list[EventRecord]:
        """Return the parts of a record, at least one."""
        return [record]

    def process(self, batch: Batch, processed: Processed) -> None:
        """Process the ok records of a batch."""


class TakeRecords(Stage):
    """The first stage of a stream without a function: every record goes on as it came."""

    def process(self, batch: Batch, processed: Processed) -> None:
        """Decode all records, without partition keys."""
        processed.ok = [(index, b64decode(record["data"]), None) for index, record in enumerate(batch.records)]


class AppendDelimiter(Stage):
    """AppendDelimiterToRecord: a line feed between the records of an object, none after the last (observed)."""

    delimiter = b"\n"
