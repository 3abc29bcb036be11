"""The rules BR-1 to BR-20 once more, slowly and plainly: the oracle that the function is held against.

Nothing here comes from glue/ or transform/: the record types are restated in Python, on purpose, with the standard
library only, so that the code and its test cannot share one misreading.

    expected(b'{"eventName": "INSERT", "dynamodb": {...}}', "4959", 0)
        -> Row("demand", "2025-01-01", {"type": "demand", "fanId": "f1", ..., "email": None, ...})
        -> Failed("invalid", frozenset({"date.requested"}))
        -> Other()
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests import reference_types as types


@dataclass(frozen=True)
class Row:
    """One archived row: camelCase names, times aware, UTC and whole milliseconds, None for what is absent or null."""

    type: str
    partition_date: str
    row: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """Why it failed; for `invalid` also every place that is wrong, any one of which may be named."""

    reason: str
    paths: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Other:
    """An image of a type that nobody archives."""


# --- BR-15: UTF-8 and one JSON document, to the last byte ------------------------------------------------------------


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# An integer is read through float once it is too long for Python's int() (4,300 digits); it is out of every range then.
DECODER = json.JSONDecoder(
    parse_constant=refuse_constant, parse_int=lambda digits: int(digits) if len(digits) < 1000 else float(digits)
)
WHITESPACE = re.compile(r"[ \t\n\r]*")


def parse(payload: bytes) -> Any:
    """The document; ValueError when it is none. Of two equal keys the last counts, as in every JSON library at hand."""
    text = payload.decode("utf-8")  # a byte order mark stays in the text and is refused as no JSON
    try:
        return DECODER.decode(text)
    except RecursionError:
        return parse_deep(text)


def parse_deep(text: str) -> Any:  # noqa: C901 (a parser)
    """The same without recursion: JSON sets no depth, and the json module gives up at about 1,000 levels."""

    def skip(at: int) -> int:
        match = WHITESPACE.match(text, at)
        return match.end() if match else at

    def key(at: int) -> tuple[str, int]:
        if text[at : at + 1] != '"':
            raise ValueError("a key is a string")
        name, at = DECODER.raw_decode(text, at)
        at = skip(at)
        if text[at : at + 1] != ":":
            raise ValueError("a key wants a colon")
        return name, skip(at + 1)

    open_containers: list[tuple[Any, str]] = []  # with the key that waits for its value
    at = skip(0)
    while True:
        value: Any
        opening = text[at : at + 1]
        if opening in ("{", "["):
            value = {} if opening == "{" else []
            at = skip(at + 1)
            if text[at : at + 1] != ("}" if opening == "{" else "]"):
                name, at = key(at) if opening == "{" else ("", at)
                open_containers.append((value, name))
                continue
            at += 1
        else:
            value, at = DECODER.raw_decode(text, at)  # a scalar
        while open_containers:
            container, name = open_containers.pop()
            if isinstance(container, dict):
                container[name] = value
            else:
                container.append(value)
            at = skip(at)
            following = text[at : at + 1]
            if following == ",":
                at = skip(at + 1)
                name, at = key(at) if isinstance(container, dict) else ("", at)
                open_containers.append((container, name))
                break
            if following != ("}" if isinstance(container, dict) else "]"):
                raise ValueError("a container is not closed")
            value, at = container, at + 1
        else:
            if skip(at) != len(text):
                raise ValueError("something follows the document")
            return value


# --- BR-16: the change ------------------------------------------------------------------------------------------------


def has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def change_micros(dynamodb: dict[str, Any]) -> int | None:
    """Epoch microseconds of the change; None when it cannot be read or lies where no timestamp can be kept (BR-12)."""
    number = dynamodb.get("ApproximateCreationDateTime")
    if type(number) is not int or number < 10**12:  # a bool is no integer, nor is 1.7e12
        return None
    micros = dynamodb.get("ApproximateCreationDateTimePrecision") == "MICROSECOND" or number >= 10**14
    number = number if micros else number * 1000
    return number if number <= (types.LAST_TIME - types.EPOCH) // timedelta(microseconds=1) else None


def decode_change(document: Any, sequence: str) -> dict[str, Any] | None:
    """The row's `change`; None for `not_a_change`."""
    if not isinstance(document, dict) or not isinstance(document.get("dynamodb"), dict):
        return None
    identifier = document.get("eventID")
    if "eventID" in document and (not isinstance(identifier, str) or has_lone_surrogate(identifier)):
        return None
    micros = change_micros(document["dynamodb"])
    if document.get("eventName") not in ("INSERT", "MODIFY", "REMOVE") or micros is None:
        return None
    user = document.get("userIdentity")
    return {
        "id": identifier,
        "name": document["eventName"],
        "at": types.EPOCH + timedelta(milliseconds=micros // 1000),
        "atMicros": micros,
        "sequence": sequence,
        "expired": isinstance(user, dict) and user.get("principalId") == "dynamodb.amazonaws.com",
        "item": item(document["dynamodb"].get("Keys")),
    }


def item(keys: Any) -> str | None:
    """BR-20: a digest of the keys as canonical JSON; None for anything that a table of DynamoDB has no keys of."""
    if not isinstance(keys, dict) or not keys:
        return None
    for name, attribute in keys.items():
        if not isinstance(attribute, dict) or len(attribute) != 1 or not set(attribute) <= {"S", "N", "B"}:
            return None
        (text,) = attribute.values()
        if not isinstance(text, str) or has_lone_surrogate(name + text):
            return None
    canonical = json.dumps(keys, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


# --- BR-12: times and dates -------------------------------------------------------------------------------------------

TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2}))?"
)


def read_time(text: str) -> datetime:
    """A UTC time truncated to the millisecond, or ValueError."""
    match = TIME.fullmatch(text)
    if not match:
        raise ValueError("not a time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    if not 1799 <= year <= 2200 or int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:
        raise ValueError("out of range, or no such offset")
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    milliseconds = timedelta(milliseconds=int((fraction or "").ljust(3, "0")[:3]))
    time = datetime(year, month, day, hour, minute, second, tzinfo=UTC) + milliseconds
    time += offset if sign == "-" else -offset
    if not types.FIRST_TIME <= time <= types.LAST_TIME:
        raise ValueError("out of range")
    return time


def read_date(text: str) -> date:
    """A date, or ValueError."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("not a date")
    day = date.fromisoformat(text)
    if not types.FIRST_TIME.date() <= day <= types.LAST_TIME.date():
        raise ValueError("out of range")
    return day


# --- BR-3, BR-11, BR-14, BR-15, BR-18: the image against the record type ----------------------------------------------


def read_string(text: str) -> str:
    if has_lone_surrogate(text):
        raise ValueError("a lone surrogate")
    return text


def read_int(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text):
        raise ValueError("not an integer")
    digits = text.lstrip("-").lstrip("0") or "0"
    number = int(digits[:11]) * (-1 if text.startswith("-") else 1)
    if not -(2**31) <= number < 2**31:
        raise ValueError("beyond 32 bits")
    return number


SCALARS: dict[str, tuple[str, type, Callable[[Any], Any]]] = {
    "string": ("S", str, read_string),
    "time": ("S", str, read_time),
    "date": ("S", str, read_date),
    "int": ("N", str, read_int),
    "boolean": ("BOOL", bool, bool),
}


def is_null(attribute: Any) -> bool:
    return isinstance(attribute, dict) and len(attribute) == 1 and attribute.get("NULL") is True


class Reading:
    """Reads one image and gathers every place that is wrong in it."""

    def __init__(self, required: set[str]) -> None:
        self.required = required
        self.wrong: set[str] = set()

    def struct(self, fields: dict[str, Any], attributes: dict[str, Any], path: str) -> dict[str, Any]:
        """Every field of the schema; attributes that it does not name are not looked at (BR-13)."""
        values: dict[str, Any] = {}
        for name, kind in fields.items():
            where = f"{path}.{name}" if path else name
            values[name] = None
            if name not in attributes or is_null(attributes[name]):
                if where in self.required:
                    self.wrong.add(where)
            else:
                values[name] = self.value(kind, attributes[name], where)
        return values

    def body(self, tag: str, body_type: type, attribute: Any, path: str) -> Any:
        """What stands behind the one tag that is due; where that is not so, the place is noted."""
        if not isinstance(attribute, dict) or len(attribute) != 1:
            self.wrong.add(path)
        body = attribute.get(tag) if isinstance(attribute, dict) else None
        if not isinstance(body, body_type):
            self.wrong.add(path)
            return None
        return body

    def value(self, kind: Any, attribute: Any, path: str) -> Any:
        if isinstance(kind, dict):
            body = self.body("M", dict, attribute, path)
            return None if body is None else self.struct(kind, body, path)
        if isinstance(kind, list):
            return self.array(kind[0], attribute, path)
        if isinstance(kind, types.MapOf):
            return self.map(kind.value, attribute, path)
        tag, body_type, read = SCALARS["string" if isinstance(kind, frozenset) else kind]
        body = self.body(tag, body_type, attribute, path)
        if body is None:
            return None
        try:
            value = read(body)
        except ValueError:
            self.wrong.add(path)
            return None
        if isinstance(kind, frozenset) and value not in kind:
            self.wrong.add(path)
        return value

    def array(self, kind: Any, attribute: Any, path: str) -> list[Any] | None:
        if kind == "string" and isinstance(attribute, dict) and "SS" in attribute:  # BR-11
            return self.string_set(self.body("SS", list, attribute, path), path)
        body = self.body("L", list, attribute, path)
        if body is None:
            return None
        return [None if is_null(x) else self.value(kind, x, f"{path}[{i}]") for i, x in enumerate(body)]

    def string_set(self, body: list[Any] | None, path: str) -> list[Any] | None:
        for i, text in enumerate(body or []):
            if not isinstance(text, str) or has_lone_surrogate(text):
                self.wrong |= {path, f"{path}[{i}]"}
        return body

    def map(self, kind: Any, attribute: Any, path: str) -> dict[str, Any] | None:
        body = self.body("M", dict, attribute, path)
        if body is None:
            return None
        values = {}
        for key, x in body.items():
            if has_lone_surrogate(key) or key.lower() in values:  # BR-15, BR-18
                self.wrong |= {path, f"{path}[*]"}
            values[key.lower()] = self.value(kind, x, f"{path}[*]")
        return values


# --- BR-4 to BR-8, BR-17, BR-19: what is made of a valid image --------------------------------------------------------


def lookup(row: dict[str, Any], path: str) -> Any:
    """lookup({"date": {"requested": t}}, "date.requested") -> t; None where anything on the way is None."""
    value: Any = row
    for name in path.split("."):
        value = value[name] if value is not None else None
    return value


def present(row: dict[str, Any], paths: tuple[str, ...]) -> Iterator[tuple[str, datetime]]:
    return ((path, lookup(row, path)) for path in paths if lookup(row, path) is not None)


def delete_and_scrub(kind: str, row: dict[str, Any], change: dict[str, Any]) -> None:
    row["isDeleted"] = True
    if row["date"] is None:
        row["date"] = dict.fromkeys(types.FIELDS[kind]["date"])
    row["date"]["deleted"] = change["at"]
    for name in types.PII.get(kind, ()):
        if row[name] is not None:
            row[name] = "[redacted]"


def system(system_user_id: str | None) -> dict[str, str] | None:
    match = re.search(r"(\w+)-(\w+)\.(.+)", system_user_id or "")
    return {"id": match[1], "databaseId": match[2], "memberId": match[3]} if match else None


def partition(kind: str, row: dict[str, Any], change: dict[str, Any]) -> tuple[str, frozenset[str]]:
    """The partition date (BR-8), and the names of its source where it lies outside the table's range (BR-19)."""
    source, time = next(present(row, types.PARTITION[kind]), ("", change["at"]))
    day = time.date().isoformat()
    first, last = types.PARTITION_RANGE[kind]
    names = frozenset({source}) if source else types.TIME_OF_CHANGE
    return day, frozenset() if first <= day <= last else names


def enriched(kind: str, row: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    row["isDeleted"] = False
    if change["name"] == "REMOVE":
        delete_and_scrub(kind, row, change)
    _, timestamp = next(present(row, types.REFERENCE_TIMESTAMP[kind]), ("", change["at"]))
    row["reference"] = {"id": "_".join(row[name] for name in types.REFERENCE_ID[kind]), "timestamp": timestamp}
    if kind == "demand":
        row["system"] = system(row["systemUserId"])
    row["change"] = change
    return row


# --- the questions in their order -------------------------------------------------------------------------------------


def expected(payload: bytes, sequence_number: str, subsequence_number: int) -> Row | Failed | Other:
    """What must become of one Kinesis payload. The sequence numbers are the record's own, "4959..." and 0."""
    try:
        document = parse(payload)
    except ValueError:  # UnicodeDecodeError and JSONDecodeError are both
        return Failed("not_json")
    change = decode_change(document, sequence_number.zfill(128) + str(subsequence_number).zfill(12))
    if change is None:
        return Failed("not_a_change")
    image = document["dynamodb"].get("OldImage" if change["name"] == "REMOVE" else "NewImage")
    if not isinstance(image, dict):
        return Failed("no_image")
    tag = image.get("type")
    if not isinstance(tag, dict) or len(tag) != 1 or not isinstance(tag.get("S"), str) or tag["S"] == "":
        return Failed("no_type")
    kind = tag["S"]
    if kind not in types.FIELDS:
        return Other()
    reading = Reading(types.REQUIRED[kind])
    row = reading.struct(types.FIELDS[kind], image, "")
    day, outside = partition(kind, row, change)
    if reading.wrong or outside:
        return Failed("invalid", frozenset(reading.wrong) | outside)
    return Row(kind, day, enriched(kind, row, change))
