"""A stream to be written with change records: those of erased subjects are redacted, because no function does that."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.listed_subjects import ListedSubjects
from firehose.lake.erasure.original import redact_original, subjects_of
from firehose.local.kinesis_writer import Writer
from firehose.pipeline.change_records import change_time_micros
from glue.model import RecordType, pii_names


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    S: str


class RedactingWriter:
    """Puts records into a stream. Their partition keys are those of the records as they were."""

    def __init__(self, writer: Writer, erased: ErasedSubjects, types: Mapping[str, RecordType]) -> None:
        self._writer = writer
        self._erased = erased
        self._subjects = ListedSubjects(erased)
        self._names = pii_names(types)
        self._about = {name: one.subject[0] for name, one in types.items() if one.subject}
        self._decode = _decoder(set(self._about.values()))

    def put(self, payload: bytes, partition_key: str) -> None:
        """Put one record, redacted if it is about an erased subject and not later than the erasure.

        Raises:
            UserError: the stream cannot be written, or the list of erased subjects not be read.
        """
        self._erased.refresh_if_due()
        self._writer.put(self._redacted(payload) if self._erased else payload, partition_key)

    def flush(self) -> None:
        """Send everything that was put; return when it is in the stream."""
        self._writer.flush()

    def _redacted(self, payload: bytes) -> bytes:
        whose = self._whose(payload)
        if not whose:
            return payload
        changed_micros = change_time_micros(payload)
        if not any(self._subjects.covers(one, changed_micros) for one in whose):
            return payload
        return redact_original(payload, self._names).raw

    def _whose(self, payload: bytes) -> set[str]:
        """Return the erased subjects that a record is about: by its images, or, if those do not say it, by any text."""
        try:
            data = self._decode(payload).dynamodb
            images = [image for image in (data.NewImage, data.OldImage) if image is not None]
            about = {getattr(image, self._about[image.type.S]).S for image in images}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, AttributeError):
            about = set()
        if not about:
            return subjects_of(payload, self._subjects)
        return {one for one in about if one in self._subjects}


def _decoder(names: set[str]) -> Callable[[bytes], Any]:
    """Return a decoder of changes that reads of their images the type and these members."""
    text = _Text | None
    image: Any = msgspec.defstruct("Image", [(name, text, None) for name in sorted({"type", *names})])
    data: Any = msgspec.defstruct("Data", [("NewImage", image | None, None), ("OldImage", image | None, None)])
    return msgspec.json.Decoder(msgspec.defstruct("Change", [("dynamodb", data)])).decode
