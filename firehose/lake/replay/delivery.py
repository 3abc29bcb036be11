"""Where replayed records go: into a lake, exactly once, or into a Kinesis stream, at least once."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from firehose.lake.errors.documents import ErrorDocument, Reason
from firehose.lake.errors.records import FailedRecord, read
from firehose.lake.errors.replay_journal import Group
from firehose.lake.errors.rerun import Judged
from firehose.local.kinesis_writer import RECORD_BYTES, TooLargeError, item_keys, partition_key
from firehose.pipeline.streams import local_pipeline
from glue.layout import ERROR_DOCUMENTS, ERRORS, FIREHOSE_ERRORS, Format, partition, type_prefix
from transform.event_record import payload_of
from transform.outcome import Delivered
from transform.outcome import Reason as Code


class Writer(Protocol):
    """What takes records for a stream: a KinesisWriter, or in a dry run a DryRunWriter."""

    def put(self, payload: bytes, partition_key: str) -> None:
        """Takes a record; TooLargeError for one that a stream does not take."""

    def flush(self) -> None:
        """When it returns, everything put so far is in the stream."""


class DryRunWriter:
    """A writer that sends nothing: it refuses what a stream would."""

    def put(self, payload: bytes, partition_key: str) -> None:
        """Weighs a record."""
        size_bytes = len(payload) + len(partition_key)
        if size_bytes > RECORD_BYTES:
            raise TooLargeError(f"a record of {size_bytes:,} bytes; a Kinesis stream takes {RECORD_BYTES:,}")

    def flush(self) -> None:
        """Nothing waits."""


class Object(NamedTuple):
    """An object that is to be put."""

    body: bytes
    content_type: str
    content_encoding: str


class Gathered:
    """A sink that keeps objects, so that their keys are known, and noted, before the first of them is put."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Keeps one object."""
        self.objects[key] = Object(body, content_type, content_encoding)


class Rows(NamedTuple):
    """The objects that hold the rows of some records, by key, and the places of those that the pipeline refused."""

    objects: dict[str, Object]
    refused: dict[int, Reason]


def rows_of(judged: Mapping[int, Judged], file_format: Format) -> Rows:
    """The objects for records, by their places, that today's transform delivers. Nothing is put yet.

    The pipeline may refuse what the transform takes, as a record that is alone too large for an invocation. The others
    then go through it once more: an object's name is derived from all that it holds.
    """
    left, refused = dict(judged), dict[int, Reason]()
    while True:
        gathered = Gathered()
        report = local_pipeline(gathered, file_format=file_format).run([one.record for one in left.values()])
        errors = {key: one.body for key, one in gathered.objects.items() if key.startswith(ERRORS)}
        if not errors:
            if not report.adds_up or report.failed:
                raise RuntimeError("the local pipeline did not account for every record")
            return Rows(dict(sorted(gathered.objects.items())), refused)
        found = _refused(left, errors)
        if not found:
            raise RuntimeError("the local pipeline failed records that it was not given")
        refused |= found
        left = {place: one for place, one in left.items() if place not in found}


def groups_of(judged: Mapping[int, Judged], keys: Sequence[str], file_format: Format) -> list[Group]:
    """Records and the keys of their rows by table and partition date: no object holds rows of two."""
    places: dict[str, list[int]] = {}
    for place, one in judged.items():
        assert isinstance(one.outcome, Delivered)  # noqa: S101 - nothing else is put
        prefix = partition(type_prefix(file_format, one.outcome.type), one.outcome.date)
        places.setdefault(prefix, []).append(place)
    groups = [Group(prefix, [key for key in keys if key.startswith(prefix)], mine) for prefix, mine in places.items()]
    if not all(group.keys for group in groups) or sum(len(group.keys) for group in groups) != len(keys):
        raise RuntimeError("the local pipeline put rows elsewhere than their type and date say")
    return groups


def send(judged: Mapping[int, Judged], writer: Writer) -> dict[int, Reason]:
    """Puts change records into a stream; the places of those that it does not take. All others are in it then.

    Raises:
        UserError: the stream cannot be written.
    """
    refused = {}
    for place, one in judged.items():
        try:
            writer.put(one.payload, partition_key(item_keys(one.payload)))
        except TooLargeError as error:
            refused[place] = Reason(Code.TOO_LARGE, str(error))
    writer.flush()
    return refused


def _refused(judged: Mapping[int, Judged], errors: Mapping[str, bytes]) -> dict[int, Reason]:
    """The places of the records in the pipeline's own error objects, and why they are there."""
    decode = msgspec.json.Decoder(ErrorDocument).decode
    lines = [line for key, body in errors.items() if key.startswith(ERROR_DOCUMENTS) for line in body.splitlines()]
    told = {document.digest: document.error for document in map(decode, lines)}
    codes = {
        found.raw: found.code or ""
        for key, body in errors.items()
        if key.startswith(FIREHOSE_ERRORS)
        for found in read(body)
        if isinstance(found, FailedRecord)
    }
    payloads = {place: payload_of(one.record) for place, one in judged.items()}
    return {
        place: told.get(sha256(payload).hexdigest()) or Reason(codes[payload])
        for place, payload in payloads.items()
        if payload in codes
    }
