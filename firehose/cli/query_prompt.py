"""The prompt of `dmd query`: statements over several lines, with history, and with completion of tables and columns.

prompt_toolkit, which is imported here alone, reads them. Python's readline module would be one dependency less, but
remembers and edits single lines where SQL has many, and is missing or half there where Python is built with libedit.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from firehose.lake.query.athena.types import Type
from firehose.local.private_files import file_mode

_BANNER = (
    "End a statement with ; and press Enter. SHOW TABLES; lists the tables. Tab completes names, the arrow keys recall "
    "earlier statements, Ctrl-D ends."
)

_LEAVE = ("exit", "quit", "\\q")
_HELP = ("help", "?", "\\?")
_WORD = re.compile(r"[\w$.]*\Z")
_KEYWORDS = (
    *("SELECT", "DISTINCT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "DESC", "LIMIT", "JOIN", "LEFT JOIN"),
    *("CROSS JOIN", "UNNEST", "ON", "USING", "UNION ALL", "WITH", "AS", "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE"),
    *("IS NULL", "CASE", "WHEN", "THEN", "ELSE", "END", "OVER", "PARTITION BY"),
    *("SHOW TABLES", "SHOW COLUMNS FROM", "SHOW PARTITIONS", "SHOW CREATE TABLE", "DESCRIBE"),
)


def read_statements(tables: Mapping[str, Type], history: Path) -> Iterator[str]:
    """Yield what is typed at the terminal, until Ctrl-D, `exit` or `quit`.

    It says how to type at the start, and again on `help`. `tables` are the row types of the tables, whose names are
    completed.
    """
    typer.echo(_BANNER, err=True)
    session: PromptSession[str] = PromptSession(
        "dmd> ",
        prompt_continuation="...> ",
        multiline=True,
        key_bindings=_enter(),
        completer=SqlCompleter(tables),
        complete_while_typing=False,
        history=_history(history),
    )
    while True:
        try:
            sql = session.prompt().strip()
        except KeyboardInterrupt:
            continue  # Ctrl-C drops what is typed, as in a shell
        except EOFError:
            return
        word = sql.rstrip("; ").lower()
        if word in _LEAVE:
            return
        if word in _HELP:
            typer.echo(_BANNER, err=True)
        elif sql:
            yield sql


def _enter() -> KeyBindings:
    """Return what the Enter key does: it runs a statement that ends in a semicolon, and begins a line in any other."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def run_or_break(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        text = buffer.text.strip()
        if not text or text.endswith(";") or text.lower() in (*_LEAVE, *_HELP):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings


def _history(path: Path) -> History:
    """Return the history in a file that only its user may read, because statements may name people.

    Where the file cannot be made, what is typed is recalled until the prompt ends.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, file_mode()))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class SqlCompleter(Completer):
    """Completes keywords, tables, columns and the fields of columns."""

    def __init__(self, tables: Mapping[str, Type]) -> None:
        self._tables = tables

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """Return the names that go on as the word before the cursor does.

        "SELECT date.re| FROM demand" -> requested, which is a field of the column `date` of a table in the statement
        """
        word = _WORD.search(document.text_before_cursor)
        *path, start = (word[0] if word else "").lower().split(".")
        names = self._fields(document.text, path) if path else self._names(document.text, start)
        return [Completion(name, -len(start)) for name in dict.fromkeys(names) if name.lower().startswith(start)]

    def _names(self, sql: str, start: str) -> Iterator[str]:
        for row in self._rows(sql):
            yield from row.names
        yield from self._tables
        if start:
            yield from _KEYWORDS

    def _fields(self, sql: str, path: list[str]) -> Iterator[str]:
        """Yield the fields behind a path of a table or its alias, columns and fields: d.date. -> requested, ..."""
        for row in self._rows(sql):
            yield from _within(row, path) or _within(row, path[1:])

    def _rows(self, sql: str) -> list[Type]:
        """Return the rows of the tables that the SQL names, or of all if it names none yet."""
        words = set(re.findall(r"\w+", sql.lower()))
        return [row for name, row in self._tables.items() if name in words] or list(self._tables.values())


def _within(kind: Type, path: list[str]) -> list[str]:
    for name in path:
        if name not in kind.fields:
            return []
        kind = kind.elements[kind.fields.index(name)]
    return [name for name in kind.fields if name]
