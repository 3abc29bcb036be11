r"""Identifies the item of a change: a digest of its keys, `change.item` (BR-20).

    {"pk":{"S":"E1"},"sk":{"S":"F1"}}  ->  the first 32 hexadecimal digits of the SHA-256 of these very bytes

The digest is of the keys as canonical JSON, whatever their order and escapes in the change record. DynamoDB writes keys
canonically except for their order, so the record's own bytes are nearly always the ones to digest. A regular expression
checks this: it matches one or two keys without blanks, escapes, or characters that need one, and of two names the first
must sort first. The payload was checked to be UTF-8 before, whose bytes sort like code points.

This way a digest takes 1.1 us, of which SHA-256 takes 0.5; decoding and encoding all keys would take twice that. The
field costs 1.7 us of a demand's 12.4 in Parquet mode, including its longer row: 15 % more than without it, 13 % of the
function's time (minima of 30 interleaved rounds of 1,000 demands, Python 3.11).
"""

import re
from hashlib import sha256
from typing import Any

import msgspec

# {"pk":{"S":"E1"},"sk":{"S":"F1"}}: one key or two, as a table of DynamoDB has them. The names are groups 1 and 2.
_TEXT = rb'[^"\\\x00-\x1f]*+'
_KEY = rb'"(%s)":\{"[BNS]":"%s"\}' % (_TEXT, _TEXT)
_CANONICAL = re.compile(rb"\{%s(?:,%s)?\}" % (_KEY, _KEY)).fullmatch
_DIGEST = re.compile(r"[0-9a-f]{32}").fullmatch
_TAGS = frozenset("BNS")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def item_of(keys: bytes) -> str | None:
    """The digest of a change's `dynamodb.Keys`, 32 hexadecimal digits; None unless they are keys of DynamoDB."""
    if (match := _CANONICAL(keys)) and ((second := match[2]) is None or match[1] < second):
        return sha256(keys).hexdigest()[:32]
    canonical = canonical_keys(keys)
    return None if canonical is None else sha256(canonical).hexdigest()[:32]


def kept_item(digest: object) -> str | None:
    """The item of a change record made of a row, its `dynamodb.KeysDigest`; None if that is not a digest."""
    return digest if isinstance(digest, str) and _DIGEST(digest) else None


def canonical_keys(keys: bytes) -> bytes | None:
    r"""The canonical JSON of keys: names in the order of code points, no blanks, no escape that JSON does not require.

    b'{"sk": {"S": "\\u0046"}, "pk": {"N": "1"}}' -> b'{"pk":{"N":"1"},"sk":{"S":"F"}}'

    None unless they are an object of one key or more, each an object with one of S, N and B, a string.
    """
    try:
        members = _decode(keys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a lone surrogate, for one
        return None
    is_keys = isinstance(members, dict) and members and all(map(_is_key, members.values()))
    return _encode(members) if is_keys else None


def _is_key(attribute: Any) -> bool:
    if not isinstance(attribute, dict) or len(attribute) != 1:
        return False
    ((tag, value),) = attribute.items()
    return tag in _TAGS and isinstance(value, str)
