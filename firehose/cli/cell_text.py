"""Values of a lake as text: what Athena would print, nested values as JSON."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(decimal_format="number").encode


def cell_text(value: Any, null: str = "null") -> str:
    """Return a value as text: 2025-01-01 10:00:00.123, true, {"id":"x"}."""
    if value is None:
        return null
    plain = value if isinstance(value, str) else plain_value(value)
    return plain if isinstance(plain, str) else _encode(plain).decode()


def json_text(value: Any) -> str:
    """Return a value as JSON."""
    return _encode(plain_value(value)).decode()


def plain_value(value: Any) -> Any:
    """Return a value in JSON's types. Times become text as Athena prints them."""
    if isinstance(value, dict):
        return {str(name): plain_value(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(member) for member in value]
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds" if value.microsecond % 1000 else "milliseconds")
    return (
        value if isinstance(value, str | int | float | Decimal | None) else msgspec.to_builtins(value, builtin_types=())
    )


def printable(text: str) -> str:
    """Return the text on one line, with control characters escaped: a line break becomes backslash n."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def columns_of(text: str) -> int:
    """Return a text's width at a terminal: most East Asian characters and emoji take two columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - 20 ms, which few texts need

    return cell_len(text)
