r"""Lone surrogates, `"\ud800"`: JSON allows them, UTF-8 cannot hold them (BR-15).

In a string that is archived they are an error; elsewhere they are nobody's concern. msgspec refuses them anywhere, so
the rare payload that has one takes this slow way round.
"""

import json
from typing import Any

from transform.outcome import BadRecord, Reason


def blank_lone_surrogates(payload: bytes) -> bytes:
    r"""The same JSON with null for each string that holds a lone surrogate.

    b'{"S": "\\ud800"}' -> b'{"S": null}': a null where a string should be is then an error just where that string
    would be archived, and has its path. A key that holds one keeps its place, under a name nobody asks for.

    Raises:
        BadRecord: not_json.
    """
    try:
        # Floats are never archived (DynamoDB's numbers are strings), so any float will do for the large ones.
        document = json.loads(
            payload.decode(), parse_constant=refuse_constant, parse_float=lambda _: 0.5, parse_int=_integer
        )
        blanked = _blank(document)
        # Nothing blanked: msgspec found another fault, which Python's reader does not see. The stricter one is right.
        if blanked != document:
            return json.dumps(blanked).encode()
    except (ValueError, RecursionError):
        pass
    raise BadRecord(Reason.NOT_JSON, "the payload is not one JSON document to its last byte")


def refuse_constant(_: str) -> Any:
    """For json.loads, which reads NaN and Infinity: they are not JSON."""
    raise ValueError("not JSON")


def _integer(digits: str) -> int:
    # Python reads 4,300 digits at most. No integer of that length is one we archive, whatever its value.
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
    # A name no other key of the object can have in earnest: two of one name would be one.
    return "\0" + key.encode("utf-8", "backslashreplace").decode() if _is_lone(key) else key


def _is_lone(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
