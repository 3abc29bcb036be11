"""The change record that a backfill makes of an item: an INSERT or a REMOVE that the unchanged function takes."""

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Raw

_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

_SET = re.compile(rb'"[SNB]S"\s*:\s*\[')

Attributes: TypeAlias = Mapping[str, Raw]


class Made(NamedTuple):
    """A change record as Kinesis would carry it, and its item's keys as JSON."""

    payload: bytes
    keys: bytes


def change_maker(table: str, region: str) -> Callable[..., Made]:
    """A function that makes the change records of one table's items.

    make({"pk": ..., "type": ...}, keys={"pk": ...}, at_micros=1668227450456000)
        -> b'{"awsRegion":"us-east-1","eventID":"backfill-5d1f...","eventName":"INSERT",...}', b'{"pk":...}'

    `eventID` is a digest of the table, the keys and the image, whatever the order of their members: the same item in a
    scan, in a full export and in a second run of either has the same. What an incremental export tells has happened at
    a time of its own, which is digested too (`happened`): an item that was A, then B, then A again is three changes. So
    is the name of a REMOVE, which otherwise had the id of the INSERT of the same image.
    """
    start = b'{"awsRegion":%s,"eventID":"backfill-' % _encode(region)
    middle = b',"userIdentity":null,"recordFormat":"application/json","tableName":%s,"dynamodb":' % _encode(table)
    named = _encode(table)

    def make(
        image: Attributes, keys: Attributes, at_micros: int, *, deleted: bool = False, happened: bool = False
    ) -> Made:
        keys_json, image_json = _encode(keys), _encode(image)
        name = b"REMOVE" if deleted else b"INSERT"
        facts = [named, canonical(keys_json), canonical(image_json)]
        facts += [b"REMOVE"] if deleted else []
        facts += [b"%d" % at_micros] if happened else []
        # DynamoDB counts an item without JSON's own signs; nothing reads the size, so that of the JSON will do.
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
        return Made(payload, keys_json)

    return make


def canonical(text: bytes) -> bytes:
    r"""The same bytes for the same item: members in order, no blanks, one spelling of each character, sets in order.

    b'{"b": {"SS": ["y", "x"]}, "a": {"S": "\\u0041"}}' -> b'{"a":{"S":"A"},"b":{"SS":["x","y"]}}'

    What is not JSON to the last byte is its own canonical form.
    """
    try:
        value = _decode(text)
        # DynamoDB's sets have no order. The search spares nearly all images a walk that costs ten times as much.
        return _sorted(_with_sorted_sets(value) if _SET.search(text) else value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text


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
        digest.update(b"%d:%s" % (len(fact), fact))  # with their lengths, so that no two lists run together alike
    return digest.hexdigest().encode()
