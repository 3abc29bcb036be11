"""Several statements of Athena's, one by one."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*'? | "(?:[^"]|"")*"? | `[^`]*`?            # a text or a name in quotes, closed or not
    | (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<end> ; )
    | [^'"`;/-]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def split(sql: str) -> list[str]:
    """Return the statements that semicolons separate, without those that are empty or comments alone.

    "SELECT 1; SELECT ';'" -> ["SELECT 1", "          SELECT ';'"]

    Blanks stand for what is before a statement, so that its error names the line and column in the whole. SQL without a
    statement is returned as it is: who runs it says so.
    """
    return list(_statements(sql)) or [sql]


def _statements(sql: str) -> Iterator[str]:
    begin, is_empty = 0, True
    for token in _TOKEN.finditer(f"{sql};"):
        if token["end"]:
            if not is_empty:
                yield re.sub(r"[^\n]", " ", sql[:begin]) + sql[begin : token.start()]
            begin, is_empty = token.end(), True
        elif not token["comment"] and not token[0].isspace():
            is_empty = False
