"""The outcomes that a record can have: a closed list."""

from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

import msgspec


class Reason(StrEnum):
    """The reason of a failure: a closed list, for it is a metric dimension, a log field and a column of a table."""

    NOT_JSON = "not_json"
    NOT_A_CHANGE = "not_a_change"
    NO_IMAGE = "no_image"
    NO_TYPE = "no_type"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    NOT_WRITTEN = "not_written"
    BUG = "bug"


# The reasons of records with no readable type, which belong to the one function that claims such records.
UNREADABLE = frozenset({Reason.NOT_JSON, Reason.NOT_A_CHANGE, Reason.NO_IMAGE, Reason.NO_TYPE})

OTHER = "other"  # stands for every type that nobody archives: its name is a value of the record (BR-2)


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """Archived: the row as its mode encodes it (transform/mode.py), its partition keys, the change's age on arrival."""

    data: Any
    type: str
    date: str
    age_ms: int


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """Not delivered by this function. `type` is a known type, `other`, or None if another function answers for it."""

    type: str | None


class Failed(msgspec.Struct, frozen=True, gc=False):
    """Not archived: the reason, in words too, and the path of the attribute, `venues[0].name`; never a value.

    `container` is the key of the object whose put failed. It may be stored all the same, or appear later.
    """

    reason: Reason
    message: str
    path: str | None = None
    type: str | None = None
    container: str | None = None


def our_bug(record_type: str | None) -> Failed:
    """The outcome of a record on which our own code failed."""
    return Failed(Reason.BUG, "our own code failed on this record", None, record_type)


Outcome: TypeAlias = Delivered | Dropped | Failed

# The path of an attribute, nested: (parent's path, name or list index). It is rendered only for an error message.
Path: TypeAlias = tuple["Path | None", str | int] | None


class BadRecord(Exception):  # noqa: N818 - it is a finding about one record, not an error of the program
    """The record's data is wrong. transform/record.py turns it into a Failed."""

    def __init__(self, reason: Reason, message: str, path: str | None = None) -> None:
        super().__init__(reason, message, path)
        self.reason = reason
        self.message = message
        self.path = path


def invalid(path: str, expected: str) -> BadRecord:
    """The BadRecord of an attribute that does not fit the schema: `venues[0].name`, `a string: {"S": text}`."""
    return BadRecord(Reason.INVALID, f"{path}: expected {expected}", path)


def refuse(parent: Path, name: str | int, expected: str) -> NoReturn:
    """Raise `invalid` for the attribute `name` of the map or list at `parent`."""
    raise invalid(render((parent, name)), expected)


def render(path: Path) -> str:
    """A path as text: ((None, "venues"), 0) -> "venues[0]". A map's key is "[*]": it is a value of the record."""
    parts: list[str] = []
    while path is not None:
        path, name = path
        parts.append(f"[{name}]" if isinstance(name, int) or name == "*" else f".{name}")
    return "".join(reversed(parts)).removeprefix(".")
