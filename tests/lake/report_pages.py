"""The page of a report as its reader sees it: tables by caption, numbers as numbers."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from firehose.lake.query.sql import Dialect, query
from tests.commands import result_of

Row = dict[str, Any]


class Page(HTMLParser):
    """What is on a page: its tables as rows of cells, its headings, its tiles, and all tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tables: dict[str, list[Row]] = {}
        self.words: dict[str, list[str]] = {}
        self.tags: set[str] = set()
        self.links: list[str] = []
        self._open: list[str] = []
        self._caption, self._columns, self._cells = "", list[str](), list[Any]()
        self.feed(text)

    def table(self, beginning: str) -> list[Row]:
        """The rows of the table whose caption begins so."""
        (found,) = (rows for caption, rows in self.tables.items() if caption.startswith(beginning))
        return found

    def tile(self, label: str) -> str:
        """The number at the head of the page that has this label."""
        return dict(zip(self.words["dt"], self.words["dd.value"], strict=True))[label]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.tags.add(tag)
        self.links += [str(named[name]) for name in ("href", "src") if name in named]
        self._open.append(f"{tag}.{named['class']}" if named.get("class") else tag)
        if tag == "tr":
            self._cells = []
        if tag == "table":
            self._columns = []

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        self.words.setdefault(inside, []).append(data)
        if inside == "caption":
            self._caption = data
            self.tables[data] = []
        elif inside.startswith("th"):
            self._columns.append(data)
        elif inside.startswith("td"):
            self._cells.append(int(data.replace(",", "")) if inside == "td.n" else data)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().partition(".")[0] != tag:
            pass
        if tag == "tr" and self._cells:
            self.tables[self._caption].append(dict(zip(self._columns, self._cells, strict=True)))


def report_of(lake: str | Path, folder: Path, *options: str) -> Page:
    """The page that `dmd report` writes about a lake."""
    file = folder / "report.html"
    result = result_of("report", "--lake", str(lake), "-o", str(file), *options)
    assert result.exit_code == 0, result.output
    return Page(file.read_text())


def asked(lake: str | Path, sql: str) -> list[tuple[Any, ...]]:
    """What DuckDB's SQL says over a lake."""
    return query(sql, str(lake), dialect=Dialect.DUCKDB).rows
