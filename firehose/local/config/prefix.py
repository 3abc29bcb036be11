"""Parses prefix expressions when a stream is made, and evaluates them for each object.

Source: Firehose guide, "Understand custom prefixes for Amazon S3 objects".
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from firehose.local.config.java_time import PatternError, parse_pattern

# Firehose guide, "custom prefixes": 512 characters evaluated; the API model: 1,024 raw; S3: a key of 1,024 bytes.
EVALUATED_CHARACTERS = 512
RAW_CHARACTERS = 1024
KEY_BYTES = 1024

# Ours, not S3's: a lake may be a folder, and Linux takes 255 bytes of file name. The object's own name follows in the
# last element, so a prefix that does not end in `/` has about 150 bytes less there.
SEGMENT_BYTES = 255

FROM_LAMBDA = "partitionKeyFromLambda"
FROM_QUERY = "partitionKeyFromQuery"

_ERROR_TYPE = "firehose:error-output-type"
_ANYWHERE = frozenset(("timestamp", "firehose:random-string"))

# "Each time it appears, a new string of 11 alphanumeric characters" (guide, as above).
_RANDOM_CHARACTERS = 11

_EXPRESSION = re.compile(r"!\{([^{}:]*):([^{}]*)\}")

# To a prefix without expressions Firehose appends the date, without adding a slash.
_DATE_PATH = "!{timestamp:yyyy/MM/dd/HH}/"


class PrefixError(ValueError):
    """A prefix that Firehose refuses, or that is not supported here; raised when the stream is made."""


class PartitionKeyError(ValueError):
    """The partition keys of a record cannot be used in the prefix; the message quotes no value."""


class PartitionKey(NamedTuple):
    """A partition key and its namespace, FROM_LAMBDA or FROM_QUERY: both may have a key of one name."""

    namespace: str
    name: str


class Instance(msgspec.Struct, frozen=True):
    """The values by which the prefix of one object is evaluated.

    `keys` are the partition keys from Lambda, `queried` those from the inline query, `at` is the oldest arrival, and
    random strings are derived from `random`.
    """

    keys: Mapping[str, str]
    at: datetime
    random: str = ""
    error_output_type: str = ""
    queried: Mapping[str, str] | None = None


_Part: TypeAlias = Callable[[Instance], str]


class Prefix(msgspec.Struct, frozen=True):
    """A parsed prefix: `takes` are the partition keys in it, each once, in order of appearance."""

    raw: str
    takes: tuple[PartitionKey, ...]
    _parts: tuple[_Part, ...]
    _appended: tuple[_Part, ...] = ()  # what Firehose adds to a prefix without expressions

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the partition keys of both namespaces."""
        return tuple(dict.fromkeys(key.name for key in self.takes))

    def evaluate(self, instance: Instance) -> str:
        """Return the prefix of one object.

        "parquet/!{partitionKeyFromLambda:type}/" with {"type": "sale"} -> "parquet/sale/"
        """
        return "".join([part(instance) for part in (*self._parts, *self._appended)])

    def instance(self, values: tuple[str, ...], at: datetime, random: str = "", error_type: str = "") -> Instance:
        """Return the values for one object; `values` are those of the keys in `takes`, in the same order."""
        pairs = list(zip(self.takes, values, strict=True))
        keys, queried = (
            {key.name: value for key, value in pairs if key.namespace == namespace}
            for namespace in (FROM_LAMBDA, FROM_QUERY)
        )
        return Instance(keys, at, random, error_type, queried)

    def check(self, values: tuple[str, ...], name_bytes: int) -> None:
        """Check that these values give a usable key to an object whose name has `name_bytes`.

        Raises:
            PartitionKeyError: naming the limit that the key exceeds, without the values.
        """
        # This instance stands for any object: only the lengths of an instant and of the longest error type matter.
        instance = self.instance(values, datetime(2000, 12, 30, 20, 30, 30), "", "metadata-extraction-failed")
        # A literal prefix of 512 characters is accepted, although the appended date makes it longer (observed).
        if len("".join([part(instance) for part in self._parts])) > EVALUATED_CHARACTERS:
            raise PartitionKeyError(f"the evaluated prefix is longer than {EVALUATED_CHARACTERS} characters")
        _check_path(self.evaluate(instance), name_bytes)


def parse_prefix(raw: str, *, partitioned: bool) -> Prefix:
    """Return the Prefix of a text. It may name partition keys if dynamic partitioning is on (`partitioned`).

    Raises:
        PrefixError: naming the expression that is unknown, not allowed here or not supported.
    """
    parts, takes = _parse(raw, "Prefix", _ANYWHERE | ({FROM_LAMBDA, FROM_QUERY} if partitioned else set()))
    if partitioned and not takes:
        keys = f"!{{{FROM_LAMBDA}:KEY}} or !{{{FROM_QUERY}:KEY}}"
        raise PrefixError(f"Prefix {raw!r}: AWS refuses dynamic partitioning without a partition key: add {keys}")
    return Prefix(raw, takes, parts, () if _EXPRESSION.search(raw) else _parse(_DATE_PATH, "Prefix", _ANYWHERE)[0])


def parse_error_prefix(raw: str) -> Prefix:
    """Return the Prefix of an ErrorOutputPrefix; one with expressions must have !{firehose:error-output-type}.

    One without expressions (or a Prefix that stands in for it) gets them: "legacy/" ->
    "legacy/processing-failed/2025/...".

    Raises:
        PrefixError: as for `parse_prefix`.
    """
    allowed = _ANYWHERE | {_ERROR_TYPE}
    parts, _ = _parse(raw, "ErrorOutputPrefix", allowed)
    if not _EXPRESSION.search(raw):
        return Prefix(raw, (), parts, _parse(f"!{{{_ERROR_TYPE}}}/{_DATE_PATH}", "ErrorOutputPrefix", allowed)[0])
    if f"!{{{_ERROR_TYPE}}}" not in raw:
        raise PrefixError(
            f"ErrorOutputPrefix {raw!r}: AWS refuses expressions in it without !{{{_ERROR_TYPE}}}: add that"
        )
    return Prefix(raw, (), parts)


def _parse(raw: str, member: str, allowed: frozenset[str]) -> tuple[tuple[_Part, ...], tuple[PartitionKey, ...]]:
    if len(raw) > RAW_CHARACTERS:
        raise PrefixError(f"{member}: {len(raw)} characters; Firehose takes {RAW_CHARACTERS}")
    parts: list[_Part] = []
    takes: dict[PartitionKey, None] = {}
    end = 0
    for found in _EXPRESSION.finditer(raw):
        parts += _literal(raw[end : found.start()], raw, member)
        end = found.end()
        namespace, argument = found[1], found[2]
        name = f"firehose:{argument}" if namespace == "firehose" else namespace
        if name not in allowed:
            raise PrefixError(f"{member} {raw!r}: {found[0]}: {_why_refused(member, name)}")
        if namespace in (FROM_LAMBDA, FROM_QUERY):
            if not argument:
                raise PrefixError(f"{member} {raw!r}: {found[0]} does not name a key")
            takes[PartitionKey(namespace, argument)] = None
        try:
            parts.append(_expression(namespace, argument, len(parts)))
        except PatternError as refused:
            raise PrefixError(f"{member} {raw!r}: {found[0]}: {refused}") from None
    parts += _literal(raw[end:], raw, member)
    return tuple(parts), tuple(takes)


def _why_refused(member: str, name: str) -> str:
    """Return why AWS refuses an expression in this prefix, and the change that it takes."""
    if name in (FROM_LAMBDA, FROM_QUERY):
        if member == "Prefix":
            return (
                "AWS refuses partition keys without dynamic partitioning: "
                "set DynamicPartitioningConfiguration.Enabled to true, or leave them out"
            )
        return "AWS refuses partition keys in ErrorOutputPrefix: leave them out, since failed records may have none"
    if name == _ERROR_TYPE:
        return "AWS takes it in ErrorOutputPrefix only: leave it out here"
    return (
        f"AWS knows no such expression: write timestamp:PATTERN, firehose:random-string, {_ERROR_TYPE}, "
        f"{FROM_LAMBDA}:KEY or {FROM_QUERY}:KEY"
    )


def _literal(text: str, raw: str, member: str) -> list[_Part]:
    if "!{" in text:
        raise PrefixError(f"{member} {raw!r}: AWS refuses an expression that is not closed: end it with '}}'")
    return [lambda _: text] if text else []


def _expression(namespace: str, argument: str, place: int) -> _Part:
    if namespace == "timestamp":
        fields = parse_pattern(argument)
        return lambda instance: "".join([field(instance.at) for field in fields])
    if namespace == FROM_LAMBDA:
        return lambda instance: instance.keys[argument]
    if namespace == FROM_QUERY:
        return lambda instance: (instance.queried or {})[argument]
    if argument == "random-string":
        return lambda instance: sha256(f"{place} {instance.random}".encode()).hexdigest()[:_RANDOM_CHARACTERS]
    return lambda instance: instance.error_output_type


def check_prefix(prefix: Prefix, name_bytes: int) -> None:
    """Check that an object with a name of `name_bytes` can have a usable key below a prefix.

    Raises:
        PrefixError: it cannot, as below "/abs/!{partitionKeyFromLambda:type}/".
    """
    try:
        prefix.check(("k",) * len(prefix.takes), name_bytes)
    except PartitionKeyError as unusable:
        raise PrefixError(f"{prefix.raw!r}: {unusable}") from None


def _check_path(evaluated: str, name_bytes: int) -> None:
    try:
        segments = evaluated.encode().split(b"/")
    except UnicodeEncodeError:
        raise PartitionKeyError("the evaluated prefix is not UTF-8") from None
    if len(evaluated.encode()) + name_bytes > KEY_BYTES:
        raise PartitionKeyError(f"the key would be longer than S3's {KEY_BYTES} bytes")
    # S3 takes most of these as names; in a folder they lead out of the lake or are not names at all.
    if any(segment in (b".", b"..") for segment in segments):
        raise PartitionKeyError("the evaluated prefix has a path element that is '.' or '..'")
    if max(*map(len, segments), len(segments[-1]) + name_bytes) > SEGMENT_BYTES:
        raise PartitionKeyError(f"a path element of the key, object name included, is over {SEGMENT_BYTES} bytes")
    if evaluated.startswith("/") or "\0" in evaluated:
        raise PartitionKeyError("the evaluated prefix begins with '/' or has a NUL character")


def name_bytes(stream: str, version: int, extension: str) -> int:
    """Return the length of any name that `object_name` makes of these, all ASCII: "sale", 1, ".parquet" -> 71."""
    return len(object_name(stream, version, datetime(2000, 12, 30), UUID(int=0), extension))


def object_name(stream: str, version: int, at: datetime, uuid: UUID, extension: str) -> str:
    """Return the last part of a key.

    "sale", 1, 2025-01-01 10:00:00, uuid, ".parquet" -> "sale-1-2025-01-01-10-00-00-<uuid>.parquet"
    """
    return f"{stream}-{version}-{at:%Y-%m-%d-%H-%M-%S}-{uuid}{extension}"


def instant(arrival_ms: int, zone: tzinfo) -> datetime:
    """Return an arrival as prefix and name show it: in whole seconds, in the stream's time zone."""
    return datetime.fromtimestamp(arrival_ms // 1000, zone)
