"""Make the change record of a backfilled item: an INSERT or a REMOVE that the unchanged function takes."""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Raw

from transform.scrub import REDACTED, parse_original

_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

_REDACTED = {"S": REDACTED}
_SET = re.compile(rb'"[SNB]S"\s*:\s*\[')

Attributes: TypeAlias = Mapping[str, Raw]


class ItemChange(NamedTuple):
    """A change record as Kinesis would carry it, and the keys of its item as JSON."""

    payload: bytes
    keys: bytes


def change_maker(table: str, region: str, personal: Set[str]) -> Callable[..., ItemChange]:
    """Return a function that makes the change records of one table's items.

    make({"pk": ..., "type": ...}, keys={"pk": ...}, at_micros=1668227450456000)
        -> b'{"awsRegion":"us-east-1","eventID":"backfill-5d1f...","eventName":"INSERT",...}', b'{"pk":...}'

    `eventID` is a digest of the table, the keys and the image, whatever the order of their members. So the same item
    has the same id in a scan, in a full export, and in a second run of either. An incremental export holds changes, not
    states: with `happened` the digest includes the time, so an item that was A, then B, then A again has three ids. For
    a REMOVE it includes the name, or the id would be that of the INSERT of the same image. Attributes whose names are
    `personal` are redacted before: rows keep the id, and a phone number is found from its digest by trying (BR-23).
    """
    start = b'{"awsRegion":%s,"eventID":"backfill-' % _encode(region)
    middle = b',"userIdentity":null,"recordFormat":"application/json","tableName":%s,"dynamodb":' % _encode(table)
    named = _encode(table)
    folded = frozenset(name.casefold() for name in personal)

    def make(
        image: Attributes, keys: Attributes, at_micros: int, *, deleted: bool = False, happened: bool = False
    ) -> ItemChange:
        keys_json, image_json = _encode(keys), _encode(image)
        name = b"REMOVE" if deleted else b"INSERT"
        facts = [named, canonical(keys_json), canonical(image_json, folded)]
        facts += [b"REMOVE"] if deleted else []
        facts += [b"%d" % at_micros] if happened else []
        # The size of the JSON: DynamoDB does not count JSON's own characters, but nothing reads this size.
        size_bytes = len(keys_json) + len(image_json)
        payload = b'%s%s","eventName":"%s"%s{"ApproximateCreationDateTime":%d,"Keys":%s,"%s":%s,"SizeBytes":%d%s' % (
            start,
            _digest(facts),
            name,
            middle,
            at_micros,
            keys_json,
            b"OldImage" if deleted else b"NewImage",
            image_json,
            size_bytes,
            b',"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}',
        )
        return ItemChange(payload, keys_json)

    return make


def canonical(text: bytes, personal: Set[str] = frozenset()) -> bytes:
    r"""Return the same bytes for the same item: members and sets sorted, no blanks, one spelling of each character.

    b'{"b": {"SS": ["y", "x"]}, "a": {"S": "\\u0041"}}' -> b'{"a":{"S":"A"},"b":{"SS":["x","y"]}}'

    Attributes whose names, in any case and at any depth, are `personal` (case-folded) are redacted. Bytes that are not
    one JSON document are returned as they are, or redacted as an error document would be.
    """
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        original = parse_original(text, personal)
        return text if original is None else original.redacted
    # DynamoDB's sets have no order. Most images have none, and the search costs a tenth of the walk.
    found = _sorted(_with_sorted_sets(value) if _SET.search(text) else value)
    folded = found.decode().casefold()
    if any(f'"{name}"' in folded for name in personal):
        return _sorted(_redact(_decode(found), personal))
    return found


def _redact(value: Any, personal: Set[str]) -> Any:
    if isinstance(value, list):
        return [_redact(one, personal) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _REDACTED if name.casefold() in personal else _redact(one, personal) for name, one in value.items()}


def _with_sorted_sets(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_sorted_sets(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, body),) = value.items()
        if tag in ("SS", "NS", "BS") and isinstance(body, list) and all(isinstance(one, str) for one in body):
            return {tag: sorted(body)}
    return {name: _with_sorted_sets(one) for name, one in value.items()}


def _digest(facts: Iterable[bytes]) -> bytes:
    digest = sha256()
    for fact in facts:
        digest.update(b"%d:%s" % (len(fact), fact))  # the length distinguishes ("ab", "c") from ("a", "bc")
    return digest.hexdigest().encode()
