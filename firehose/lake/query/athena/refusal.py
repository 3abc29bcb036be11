"""Refusals: SQL that Athena would not take, or that cannot mean the same here."""

import difflib
from collections.abc import Iterable
from typing import Any

from firehose.local.user_error import UserError


class SqlError(UserError):
    """SQL is refused; `start` and `end` are the offsets of the words at fault, where they are known."""

    def __init__(self, message: str, start: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


def refuse(message: str, node: Any = None) -> SqlError:
    """Return the refusal of a node of the parsed SQL, located at the first word that the node was parsed from."""
    found = _positions(node)
    if not found:
        return SqlError(message)
    start, end = min(found)
    return SqlError(message, start, end)


def _positions(node: Any) -> list[tuple[int, int]]:
    if node is None:
        return []
    return [(one.meta["start"], one.meta["end"]) for one in node.walk() if "start" in one.meta]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the names that resemble an unknown one: "evntid" -> "; did you mean eventid?"."""
    close = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def located(refused: SqlError, sql: str) -> UserError:
    """Return the refusal with its line of the SQL and a caret below the words at fault.

    line 1:8: column 'nope' cannot be resolved
      SELECT nope FROM demand
             ^^^^
    """
    if refused.start is None:
        return UserError(str(refused))
    before = sql[: refused.start]
    line = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    width = max(1, (refused.end or refused.start) - refused.start + 1)
    text = sql.split("\n")[line]
    caret = " " * column + "^" * min(width, max(1, len(text) - column))
    return UserError(f"line {line + 1}:{column + 1}: {refused}\n  {text}\n  {caret}")
