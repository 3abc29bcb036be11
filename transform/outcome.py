"""What can become of one record: a closed list, decided for good when the record is transformed."""

from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

import msgspec


class Reason(StrEnum):
    """Why a record failed. A closed list: it is a metric dimension, a log field and a column of the errors table."""

    NOT_JSON = "not_json"
    NOT_A_CHANGE = "not_a_change"
    NO_IMAGE = "no_image"
    NO_TYPE = "no_type"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    NOT_WRITTEN = "not_written"
    BUG = "bug"


# A record with no readable type fails for one of these, and belongs to the one function that claims such records.
UNREADABLE = frozenset({Reason.NOT_JSON, Reason.NOT_A_CHANGE, Reason.NO_IMAGE, Reason.NO_TYPE})

OTHER = "other"  # counts a type that nobody archives: its name is a value of the record (BR-2)


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A row, as its mode encodes it (transform/mode.py), its partition keys, the change's age on arrival."""

    data: Any
    type: str
    date: str
    age_ms: int


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """Not this function's record. `type` is a known type, `other`, or None where another function answers for it."""

    type: str | None


class Failed(msgspec.Struct, frozen=True, gc=False):
    """Not archived: why, in words, and at which attribute, `venues[0].name`. Never with a value of the record.

    `container` is the key of the object that could not be put, as far as is known: it may turn up there later.
    """

    reason: Reason
    message: str
    path: str | None = None
    type: str | None = None
    container: str | None = None


def our_bug(record_type: str | None) -> Failed:
    """What becomes of a record on which our own code failed."""
    return Failed(Reason.BUG, "our own code failed on this record", None, record_type)


Outcome: TypeAlias = Delivered | Dropped | Failed

# Where an attribute stands: nested (parent, name or list index), rendered only when something is wrong there.
Path: TypeAlias = tuple["Path | None", str | int] | None


class BadRecord(Exception):  # noqa: N818 - not an error of the program: a finding about one record
    """The record's data is wrong. Becomes a Failed at the record's boundary, and nowhere else."""

    def __init__(self, reason: Reason, message: str, path: str | None = None) -> None:
        super().__init__(reason, message, path)
        self.reason = reason
        self.message = message
        self.path = path


def invalid(path: str, expected: str) -> BadRecord:
    """An attribute that does not fit the schema: `venues[0].name`, `a string: {"S": text}`."""
    return BadRecord(Reason.INVALID, f"{path}: expected {expected}", path)


def refuse(parent: Path, name: str | int, expected: str) -> NoReturn:
    """Raise for the attribute `name` of what stands at `parent`."""
    raise invalid(render((parent, name)), expected)


def render(path: Path) -> str:
    """((None, "venues"), 0) -> "venues[0]"; a map's key is "[*]", for keys are values of the record."""
    parts: list[str] = []
    while path is not None:
        path, name = path
        parts.append(f"[{name}]" if isinstance(name, int) or name == "*" else f".{name}")
    return "".join(reversed(parts)).removeprefix(".")
