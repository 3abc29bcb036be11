"""The row or the error of a change record, as all record types have them."""

from typing import Any

from tests.given import Function

NULL = {"NULL": True}


def row(record: Any) -> dict[str, Any]:
    return Function().row(record)


def failure(record: Any) -> dict[str, Any]:
    error: dict[str, Any] = Function().failure(record)["error"]
    return error
