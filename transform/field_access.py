"""Reading fields of a row by their paths in the schema, compiled once: loops over names cost ten times as much."""

from collections.abc import Callable, Sequence
from typing import Any

from glue.model import FieldPath
from transform.attributes import member
from transform.row import Row


def coalesce(paths: Sequence[FieldPath]) -> str:
    """The first of the fields that is there, else None. For texts that are not empty.

    [("date", "deleted"), ("date", "requested")] ->
        "(None if (a := row.date) is None else a.deleted) or (None if (a := row.date) is None else a.requested)"
    """
    return " or ".join(_field(path) for path in paths) or "None"


def join_with(paths: Sequence[FieldPath]) -> str:
    """Required fields joined with _: [("eventId",), ("id",)] -> "f'{row.eventId}_{row.id}'"."""
    return "f'" + "_".join(f"{{row.{'.'.join(map(member, path))}}}" for path in paths) + "'"


def compiled(*expressions: str) -> Callable[[Row], tuple[Any, ...]]:
    """A function of a row that answers all the expressions at once: one call instead of one for each."""
    # The only names in them are fields', and the schema's reader has held them to letters, digits and _.
    function: Callable[[Row], tuple[Any, ...]] = eval(f"lambda row: ({', '.join(expressions)},)")  # noqa: S307
    return function


def _field(path: FieldPath) -> str:
    first, *rest = map(member, path)
    value = f"row.{first}"
    for name in rest:
        value = f"(None if (a := {value}) is None else a.{name})"
    return value
