"""Reading fields of rows by their paths in the schema, compiled once: a loop over names costs ten times as much."""

from collections.abc import Callable
from typing import Any

from glue.model import FieldPath
from transform.attributes import member
from transform.row import Row


def first_present(paths: tuple[FieldPath, ...]) -> Callable[[Row], Any]:
    """A function that answers the first of the fields that is there, None where none is. For texts that are not empty.

    (("date", "deleted"), ("date", "requested")) ->
        lambda row: (None if (a := row.date) is None else a.deleted) or (None if ... else a.requested)
    """
    return _compile(" or ".join(f"({_field(path)})" for path in paths))


def joined(paths: tuple[FieldPath, ...]) -> Callable[[Row], str]:
    """A function that joins required fields with _: (("eventId",), ("id",)) -> "e1_s1"."""
    return _compile("f'" + "_".join(f"{{row.{'.'.join(map(member, path))}}}" for path in paths) + "'")


def _field(path: FieldPath) -> str:
    value = "row"
    for name in path[:-1]:
        value = f"(None if (a := {value}) is None else a.{member(name)})" if value != "row" else f"row.{member(name)}"
    return f"row.{member(path[-1])}" if value == "row" else f"None if (a := {value}) is None else a.{member(path[-1])}"


def _compile(expression: str) -> Callable[[Row], Any]:
    # The only names in it are fields', and the schema's reader has held them to letters, digits and _.
    function: Callable[[Row], Any] = eval(f"lambda row: {expression}")  # noqa: S307
    return function
