"""Prefix expressions: parsed once when the stream is made, evaluated for each object.

Source: Firehose guide, "Understand custom prefixes for Amazon S3 objects".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

# Firehose guide, "custom prefixes": 512 characters evaluated; the API model: 1,024 raw; S3: a key of 1,024 bytes.
EVALUATED_CHARACTERS = 512
RAW_CHARACTERS = 1024
KEY_BYTES = 1024

# Ours, not S3's: a lake may be a folder, and Linux takes 255 bytes of file name. The object's own name ends the last
# element, so a prefix that does not end in `/` has about 150 less for it.
SEGMENT_BYTES = 255

# "Each time it appears, a new string of 11 alphanumeric characters" (guide, as above).
_RANDOM_CHARACTERS = 11

_EXPRESSION = re.compile(r"!\{([^{}:]*):([^{}]*)\}")
# A quoted text, a field, other text, and what DateTimeFormatter gives another meaning: `[` and `]` are optional
# sections, `#` is reserved, a quote here is not closed.
_PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z'\[\]#]+|(.)", re.DOTALL)

_JAVA_FIELDS: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda at: f"{at.year:04}",
    "yy": lambda at: f"{at.year % 100:02}",
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "dd": lambda at: f"{at.day:02}",
    "d": lambda at: str(at.day),
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
}
_JAVA_FIELDS |= {"uuuu": _JAVA_FIELDS["yyyy"], "uu": _JAVA_FIELDS["yy"]}

# Without any expression Firehose appends the date by concatenation, with no slash of its own.
_DEFAULT_DATE_PATH = "!{timestamp:yyyy/MM/dd/HH}/"


class PrefixError(ValueError):
    """A prefix that Firehose, or this data plane, does not take; raised when the stream is made."""


class PartitionKeyError(ValueError):
    """The partition keys of one record give no usable prefix; the message quotes no value."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What an object gives to its prefix: the partition keys, the oldest arrival, what `random` text derives from."""

    keys: Mapping[str, str]
    at: datetime
    random: str = ""
    error_output_type: str = ""


_Part: TypeAlias = Callable[[Instance], str]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A parsed prefix: `keys` are the names of the partition keys that it takes, in order of appearance."""

    raw: str
    keys: tuple[str, ...]
    _parts: tuple[_Part, ...]

    def evaluate(self, instance: Instance) -> str:
        """The prefix of one object.

        "parquet/!{partitionKeyFromLambda:type}/" with {"type": "sale"} -> "parquet/sale/"
        """
        return "".join([part(instance) for part in self._parts])


def parse_prefix(raw: str, *, partitioned: bool) -> Prefix:
    """A Prefix. `partitioned`: dynamic partitioning is on, so that partition keys may be named.

    Raises:
        PrefixError: naming the expression that is not known, not allowed here or not carried out.
    """
    if not _EXPRESSION.search(raw):
        if partitioned:
            raise PrefixError(f"Prefix {raw!r}: dynamic partitioning needs a partition key in the prefix")
        return Prefix(raw, (), _parse(raw + _DEFAULT_DATE_PATH, "Prefix", ())[0])
    allowed = ("timestamp", "firehose:random-string", *(("partitionKeyFromLambda",) if partitioned else ()))
    parts, keys = _parse(raw, "Prefix", allowed)
    if partitioned and not keys:
        raise PrefixError(f"Prefix {raw!r}: dynamic partitioning needs a partition key in the prefix")
    return Prefix(raw, keys, parts)


def parse_error_prefix(raw: str) -> Prefix:
    """An ErrorOutputPrefix; one that has expressions must name !{firehose:error-output-type}.

    Raises:
        PrefixError: as for `parse_prefix`.
    """
    allowed = ("timestamp", "firehose:random-string", "firehose:error-output-type")
    parts, _ = _parse(raw, "ErrorOutputPrefix", allowed)
    if not _EXPRESSION.search(raw):
        parts = _parse(raw + "!{firehose:error-output-type}/" + _DEFAULT_DATE_PATH, "ErrorOutputPrefix", allowed)[0]
    elif "!{firehose:error-output-type}" not in raw:
        raise PrefixError(f"ErrorOutputPrefix {raw!r}: it has expressions, so it must have error-output-type")
    return Prefix(raw, (), parts)


def _parse(raw: str, member: str, allowed: tuple[str, ...]) -> tuple[tuple[_Part, ...], tuple[str, ...]]:
    if len(raw) > RAW_CHARACTERS:
        raise PrefixError(f"{member}: {len(raw)} characters; Firehose takes {RAW_CHARACTERS}")
    parts: list[_Part] = []
    keys: dict[str, None] = {}
    end = 0
    for found in _EXPRESSION.finditer(raw):
        parts += _literal(raw[end : found.start()], raw, member)
        end = found.end()
        namespace, argument = found[1], found[2]
        name = f"firehose:{argument}" if namespace == "firehose" else namespace
        if name not in allowed and not (namespace == "timestamp" and not allowed):
            raise PrefixError(f"{member} {raw!r}: {found[0]} is not allowed or not carried out here")
        if namespace == "partitionKeyFromLambda":
            if not argument:
                raise PrefixError(f"{member} {raw!r}: {found[0]} names no key")
            keys[argument] = None
        parts.append(_expression(namespace, argument, len(parts), f"{member} {raw!r}"))
    parts += _literal(raw[end:], raw, member)
    return tuple(parts), tuple(keys)


def _literal(text: str, raw: str, member: str) -> list[_Part]:
    if "!{" in text:
        raise PrefixError(f"{member} {raw!r}: '!{{' begins no expression that ends in '}}'")
    return [lambda _: text] if text else []


def _expression(namespace: str, argument: str, place: int, where: str) -> _Part:
    if namespace == "timestamp":
        fields = _java_pattern(argument, where)
        return lambda instance: "".join([field(instance.at) for field in fields])
    if namespace == "partitionKeyFromLambda":
        return lambda instance: instance.keys[argument]
    if argument == "random-string":
        return lambda instance: sha256(f"{place} {instance.random}".encode()).hexdigest()[:_RANDOM_CHARACTERS]
    return lambda instance: instance.error_output_type


def _java_pattern(pattern: str, where: str) -> list[Callable[[datetime], str]]:
    fields: list[Callable[[datetime], str]] = []
    for found in _PATTERN.finditer(pattern):
        if found[3]:
            raise PrefixError(f"{where}: the {found[3]} in {pattern!r} is not carried out, or a quote is not closed")
        if found[2] and found[0] not in _JAVA_FIELDS:
            raise PrefixError(f"{where}: the pattern letters {found[0]!r} are not carried out")
        if found[2]:
            fields.append(_JAVA_FIELDS[found[0]])
        else:
            quoted = found[1]
            literal = found[0] if quoted is None else quoted.replace("''", "'") or "'"
            fields.append(lambda _, text=literal: text)  # type: ignore[misc]
    if not fields:
        raise PrefixError(f"{where}: !{{timestamp:}} has no pattern")
    return fields


def check_prefix(prefix: Prefix, name_bytes: int) -> None:
    """Refuses a prefix that makes no usable key of any object, whose name will have `name_bytes`.

    Raises:
        PrefixError: such as for "/abs/!{partitionKeyFromLambda:type}/".
    """
    try:
        _check_path(prefix.evaluate(_sample(dict.fromkeys(prefix.keys, "k"))), name_bytes)
    except PartitionKeyError as unusable:
        raise PrefixError(f"{prefix.raw!r}: {unusable}") from None


def check_partition(prefix: Prefix, keys: object, name_bytes: int) -> tuple[str, ...]:
    """The values of the partition keys that `prefix` takes, in its order, from what the function answered.

    {"type": "sale", "date": "2025-01-01"} -> ("sale", "2025-01-01")

    `name_bytes` is the length of the object's name, which the prefix makes a key with.

    Raises:
        PartitionKeyError: a key is absent, null, empty or no string, or the prefix that they make is no usable key.
    """
    values: dict[str, str] = {}
    for name in prefix.keys:
        value = keys.get(name) if isinstance(keys, dict) else None
        if not isinstance(value, str) or not value:
            raise PartitionKeyError(f"partition key values must not be null or empty: {name}")
        values[name] = value
    _check_path(prefix.evaluate(_sample(values)), name_bytes)
    return tuple(values.values())


def _sample(keys: Mapping[str, str]) -> Instance:
    # Only the length of what the instant and the longest error type make is looked at.
    return Instance(keys, datetime(2000, 12, 30, 20, 30, 30), error_output_type="format-conversion-failed")


def _check_path(evaluated: str, name_bytes: int) -> None:
    if len(evaluated) > EVALUATED_CHARACTERS:
        raise PartitionKeyError(f"the evaluated prefix is longer than {EVALUATED_CHARACTERS} characters")
    try:
        segments = evaluated.encode().split(b"/")
    except UnicodeEncodeError:
        raise PartitionKeyError("the evaluated prefix is not UTF-8") from None
    if len(evaluated.encode()) + name_bytes > KEY_BYTES:
        raise PartitionKeyError(f"the key would be longer than S3's {KEY_BYTES} bytes")
    # S3 would take most of these as names; in a folder they leave the lake or are no names at all.
    if any(segment in (b".", b"..") for segment in segments):
        raise PartitionKeyError("the evaluated prefix has a path element that is '.' or '..'")
    if max(*map(len, segments), len(segments[-1]) + name_bytes) > SEGMENT_BYTES:
        raise PartitionKeyError(f"a path element of the key, object name included, is over {SEGMENT_BYTES} bytes")
    if evaluated.startswith("/") or "\0" in evaluated:
        raise PartitionKeyError("the evaluated prefix begins with '/' or has a NUL character")


def name_bytes(stream: str, version: int, extension: str) -> int:
    """The length of any name that `object_name` makes of these, all ASCII: "sale", 1, ".parquet" -> 71."""
    return len(object_name(stream, version, datetime(2000, 12, 30), UUID(int=0), extension))


def object_name(stream: str, version: int, at: datetime, uuid: UUID, extension: str) -> str:
    """The last part of a key.

    "sale", 1, 2025-01-01 10:00:00, uuid, ".parquet" -> "sale-1-2025-01-01-10-00-00-<uuid>.parquet"
    """
    return f"{stream}-{version}-{at:%Y-%m-%d-%H-%M-%S}-{uuid}{extension}"


def instant(arrival_ms: int, zone: tzinfo) -> datetime:
    """The arrival of the oldest record as prefix and name show it: whole seconds, in the stream's time zone."""
    return datetime.fromtimestamp(arrival_ms // 1000, zone)
