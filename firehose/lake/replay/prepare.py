"""Prepare the deliveries of a replay: objects with rows for a lake, or records for a Kinesis stream."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import msgspec

from firehose.lake.errors.error_documents import ErrorDocument, Explanation
from firehose.lake.errors.failed_records import FailedRecord, read
from firehose.lake.errors.replay_journal import PlannedObjects
from firehose.lake.errors.rerun import RerunResult
from firehose.local.kinesis_writer import RECORD_BYTES, TooLargeError, Writer, item_keys, partition_key
from firehose.pipeline.streams import local_pipeline
from glue.layout import ERROR_DOCUMENTS, ERRORS, FIREHOSE_ERRORS, Format, partition, type_prefix
from glue.model import pii_names
from glue.schema import load
from transform.event_record import payload_of
from transform.outcome import Delivered, Reason
from transform.scrub import digest_of_original


class DryRunWriter:
    """A writer that sends nothing, and refuses records that a stream would refuse."""

    def put(self, payload: bytes, partition_key: str) -> None:
        """Check the size of a record."""
        size_bytes = len(payload) + len(partition_key)
        if size_bytes > RECORD_BYTES:
            raise TooLargeError(f"a record of {size_bytes:,} bytes; a Kinesis stream takes {RECORD_BYTES:,}")

    def flush(self) -> None:
        """Nothing waits."""


class PreparedObject(NamedTuple):
    """The body and headers of an object that is to be put."""

    body: bytes
    content_type: str
    content_encoding: str


class MemorySink:
    """A sink that keeps objects, so that their keys are known, and in the journal, before the first one is put."""

    def __init__(self) -> None:
        self.objects: dict[str, PreparedObject] = {}

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Keep one object."""
        self.objects[key] = PreparedObject(body, content_type, content_encoding)


class PreparedRows(NamedTuple):
    """The objects that hold the rows of some records, by key, and the records that the pipeline refused, by place."""

    objects: dict[str, PreparedObject]
    refused: dict[int, Explanation]


class RowPreparer:
    """Makes the objects with the rows of records, through a local pipeline that is made once.

    Making it takes 20 ms, a record of an error object of its own less than a tenth of that.
    """

    def __init__(self, file_format: Format, schemas: Path) -> None:
        self._sink = MemorySink()
        self._plane = local_pipeline(self._sink, schemas=schemas, file_format=file_format)
        self._personal = pii_names(load(schemas))

    def prepare(self, results: Mapping[int, RerunResult]) -> PreparedRows:
        """Return the objects for records, given by their places, that today's transform delivers.

        The pipeline may refuse a record that the transform accepts, for example one too large for an invocation. Then
        the others go through it once more, because the name of an object derives from all its records.
        """
        left, refused = dict(results), dict[int, Explanation]()
        while True:
            objects = self._objects(left)
            errors = {key: one.body for key, one in objects.items() if key.startswith(ERRORS)}
            if not errors:
                return PreparedRows(dict(sorted(objects.items())), refused)
            found = _refused(left, errors, self._personal)
            if not found:
                raise RuntimeError("the local pipeline failed records that it was not given")
            refused |= found
            left = {place: one for place, one in left.items() if place not in found}

    def _objects(self, results: Mapping[int, RerunResult]) -> dict[str, PreparedObject]:
        """Return all objects that the pipeline makes of these records, error objects included."""
        objects = self._sink.objects = {}
        for one in results.values():
            self._plane.accept(one.record, None)
        self._plane.finish()
        report = self._plane.report
        if not self._plane.idle or report.settled_twice or not all(stream.adds_up for stream in report.streams):
            raise RuntimeError("the local pipeline did not account for every record")
        return objects


def plan_objects(results: Mapping[int, RerunResult], keys: Sequence[str], file_format: Format) -> list[PlannedObjects]:
    """Group records and the keys of their rows by table and partition date; no object holds rows of two."""
    places: dict[str, list[int]] = {}
    for place, one in results.items():
        assert isinstance(one.outcome, Delivered)  # noqa: S101 - nothing else is put
        prefix = partition(type_prefix(file_format, one.outcome.type), one.outcome.date)
        places.setdefault(prefix, []).append(place)
    planned = [
        PlannedObjects(prefix, [key for key in keys if key.startswith(prefix)], own) for prefix, own in places.items()
    ]
    if not all(one.keys for one in planned) or sum(len(one.keys) for one in planned) != len(keys):
        raise RuntimeError("the local pipeline put rows into a partition that is not theirs")
    return planned


def send_to_stream(results: Mapping[int, RerunResult], writer: Writer) -> dict[int, Explanation]:
    """Put change records into a stream, and return those that it refuses, by place. All others are then in the stream.

    Raises:
        UserError: the stream cannot be written.
    """
    refused = {}
    for place, one in results.items():
        try:
            writer.put(one.payload, partition_key(item_keys(one.payload)))
        except TooLargeError as error:
            refused[place] = Explanation(Reason.TOO_LARGE, str(error))
    writer.flush()
    return refused


def _refused(
    results: Mapping[int, RerunResult], errors: Mapping[str, bytes], personal: Set[str]
) -> dict[int, Explanation]:
    """Return the places of the records in the pipeline's own error objects, and why they are there."""
    decode = msgspec.json.Decoder(ErrorDocument).decode
    lines = [line for key, body in errors.items() if key.startswith(ERROR_DOCUMENTS) for line in body.splitlines()]
    explained = {document.digest: document.error for document in map(decode, lines)}
    codes = {
        found.raw: found.code or ""
        for key, body in errors.items()
        if key.startswith(FIREHOSE_ERRORS)
        for found in read(body)
        if isinstance(found, FailedRecord)
    }
    payloads = {place: payload_of(one.record) for place, one in results.items()}
    return {
        place: explained.get(digest_of_original(payload, personal)) or Explanation(codes[payload])
        for place, payload in payloads.items()
        if payload in codes
    }
