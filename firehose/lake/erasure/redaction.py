"""The answers of a format that looks for subjects in an object, and the redaction of a row."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol

from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import Lake, StoredObject
from glue.model import ArrayType, Field, MapType, Record, Type
from transform.scrub import REDACTED


class Found(NamedTuple):
    """The personal data of subjects in an object that are not redacted yet: how many rows or records, and values.

    `unreadable` counts what could not be read, and so may be anybody's. `held` are subjects whose id is in what can be
    neither read nor redacted. `emptied` are the digests of records that do not parse and hold an id, with whose they
    are.
    """

    rows: int = 0
    values: int = 0
    subjects: frozenset[str] = frozenset()
    unreadable: int = 0
    held: frozenset[str] = frozenset()
    emptied: Mapping[str, frozenset[str]] = {}


class Redacted(NamedTuple):
    """An object without the personal data of subjects, and what was redacted. `body` is None if nothing was."""

    body: bytes | None
    found: Found


class Redactor(Protocol):
    """Finds and redacts in objects of one kind."""

    def find(self, lake: Lake, stored: StoredObject, subjects: Subjects) -> Found:
        """Find what is to be redacted.

        Raises:
            UserError: the object cannot be read.
        """

    def redact(self, body: bytes, subjects: Subjects) -> Redacted:
        """Redact it.

        Raises:
            UserError: the object is damaged, or of a form in which nothing can be redacted.
        """


def redact_row(row: dict[str, Any], record: Record) -> int:
    """Redact every personal value of a row, at any depth, and return their number. Null stays null.

    Names compare without case: those in files are Hive's or the schema's.
    """
    fields, values = by_lower_case(record), 0
    for name, value in row.items():
        field = fields.get(name.lower())
        if field is None or value is None:
            continue
        if not field.pii:
            values += _redact_within(value, field.type)
        elif not is_redacted(value):
            row[name] = REDACTED.encode() if isinstance(value, bytes) else REDACTED
            values += 1
    return values


def unreadable(body: bytes, subjects: Subjects) -> Found:
    """Return the answer for an object that cannot be read. An id in its bytes says whose it is."""
    return Found(unreadable=1, held=frozenset(subjects.in_unparsed(body.decode("utf-8", "replace"))))


def is_redacted(value: Any) -> bool:
    """Return True if a value, as text or bytes, is the one that replaces personal data."""
    return value in {REDACTED, REDACTED.encode()}


def _redact_within(value: Any, kind: Type) -> int:
    match kind:
        case Record():
            return redact_row(value, kind)
        case ArrayType():
            return sum(_redact_within(one, kind.items) for one in value if one is not None)
        case MapType():
            # A map is a dict as fastavro reads it, pairs as PyArrow does.
            pairs = value.items() if isinstance(value, Mapping) else value
            return sum(_redact_within(one, kind.values) for _, one in pairs if one is not None)
        case _:
            return 0


@cache
def by_lower_case(record: Record) -> dict[str, Field]:
    """Return the fields of a record by their names in lower case."""
    return {field.name.lower(): field for field in record.fields}
