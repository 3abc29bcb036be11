r"""Lone surrogates, `"\ud800"`: JSON allows them, UTF-8 cannot hold them (BR-15).

They are an error in a string that is archived, and harmless elsewhere. msgspec refuses them anywhere, so the rare
payload that has one is rewritten here, slowly, and decoded again.
"""

import json
from typing import Any

from transform.outcome import BadRecord, Reason


def blank_lone_surrogates(payload: bytes) -> bytes:
    r"""The same JSON with null for each string that holds a lone surrogate.

    b'{"S": "\\ud800"}' -> b'{"S": null}'. A null instead of a string is an error exactly where the string would be
    archived, and the error has its path. A key that holds one is kept, under a name that no schema has.

    Raises:
        BadRecord: not_json.
    """
    hidden = False

    def last_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return the members by name; the last of a name counts. The others are not archived, so they do no harm."""
        nonlocal hidden
        members = dict(pairs)
        hidden |= len(members) < len(pairs) and any(_blank({name: value}) != {name: value} for name, value in pairs)
        return members

    try:
        # Floats are never archived (DynamoDB's numbers are strings), so any float stands for those Python cannot hold.
        document = json.loads(
            payload.decode(),
            object_pairs_hook=last_members,
            parse_constant=refuse_constant,
            parse_float=lambda _: 0.5,
            parse_int=short_integer,
        )
        blanked = _blank(document)
        # Without a surrogate, msgspec found a fault that Python's parser does not see. The stricter one is right.
        if hidden or blanked != document:
            return json.dumps(blanked).encode()
    except (ValueError, RecursionError):
        pass
    raise BadRecord(Reason.NOT_JSON, "the payload is not one JSON document to its last byte")


def refuse_constant(_: str) -> Any:
    """Raise for NaN and Infinity, which json.loads accepts: they are not JSON."""
    raise ValueError("not JSON")


def short_integer(digits: str) -> int:
    """The integer, or 10^40 in place of a longer one: Python reads at most 4,300 digits, and none is ever archived."""
    return int(digits) if len(digits) < 40 else 10**40


def _blank(value: Any) -> Any:
    if isinstance(value, str):
        return None if _is_lone(value) else value
    if isinstance(value, list):
        return [_blank(item) for item in value]
    if isinstance(value, dict):
        return {_key(key): None if _is_lone(key) else _blank(item) for key, item in value.items()}
    return value


def _key(key: str) -> str:
    # A name that no other key of the object has: of two keys of one name only one would be left.
    return "\0" + key.encode("utf-8", "backslashreplace").decode() if _is_lone(key) else key


def _is_lone(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
