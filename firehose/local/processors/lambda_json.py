"""Serialises a reply as Lambda's Python runtime does: by simplejson, with bytes as text and namedtuples as objects.

A reply that is bytes as a whole is passed on as it is.

Imports nothing but Python: function_runtime.py loads it in a process that has the function's code on its path.

Source: awslambdaric, lambda_runtime_marshaller.py; simplejson's defaults.
"""

import json
from decimal import Decimal
from typing import Any

UNSERIALISABLE = "the reply cannot be serialised by Lambda's Python runtime"


def lambda_json(reply: Any) -> str:
    """Return a reply as JSON text. NaN and the infinities stay as they are, though they are not JSON.

    {"data": b"e30=", "at": Decimal("1.5")} -> '{"data": "e30=", "at": 1.5}'
    b'{"records": []}' -> '{"records": []}'

    Raises:
        TypeError, ValueError, RecursionError: the runtime cannot serialise it, such as a set, or bytes that are not
            UTF-8; or a reply of bytes is not JSON, which the runtime itself would pass on.
    """
    if isinstance(reply, bytes):
        json.loads(reply)
        return reply.decode().replace(
            "\n", " "
        )  # a reply is one line for function_runtime.py; in JSON it means the same
    return json.dumps(_plain(reply), default=_number)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {name.decode() if isinstance(name, bytes) else name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    fields = getattr(value, "_asdict", None)
    if callable(fields):
        return _plain(fields())
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError
