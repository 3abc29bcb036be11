"""The sources of a backfill's items, which are split into units for the processes and read in pages."""

from collections.abc import Generator, Iterable, Set
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Raw

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.export import DataFile, Export
from firehose.lake.backfill.export_line import Line, NotALineError, full_line, incremental_line
from firehose.lake.backfill.item_to_change import change_maker
from firehose.lake.jobs.job import Unit

# A page ends after so many lines or bytes, because it is in memory as a whole and an item takes up to 400 KB. Its end
# depends on the file alone, so that rereading from a position gives the same pages.
PAGE_LINES = 1000
PAGE_BYTES = 4 * 1024 * 1024

# The keys of this pipeline's tables.
USUAL_KEYS = ("pk", "sk")


class Item(NamedTuple):
    """An item: the change record made of it, its keys as JSON, the type that it states, and where it lies."""

    payload: bytes
    keys: bytes
    type: str | None
    place: str


class Page(NamedTuple):
    """Some items of a unit, the counts of everything else in the page, and the position after it: None at the end."""

    items: list[Item]
    counts: Counts
    position: str | None


class ItemSource(Protocol):
    """Items in units."""

    table: str
    identity: str
    units: list[Unit]
    items: int  # an estimate
    at_micros: int  # the time of the items
    ignored: str  # a note about files beside the source that are not part of it

    def pages(self, unit: int, position: str) -> Generator[Page, None, None]:
        """Yield the pages of a unit from a position on; "" is its beginning."""


class ExportSource:
    """The items of an export. A unit is a data file; a position is the number of lines before it.

    `keys` are those of a full export, `personal` the attribute names that are personal data.
    `pages` raises UserError if a file is damaged.
    """

    def __init__(
        self,
        export: Export,
        keys: tuple[str, ...] = USUAL_KEYS,
        *,
        personal: Set[str],
        page_lines: int = PAGE_LINES,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        self.table = export.table
        self.identity = export.identity
        self.units = [Unit(number, file.items or 0) for number, file in enumerate(export.files)]
        self.items = export.items
        self.at_micros = export.at_micros
        self.ignored = f"{export.unlisted:,} data files that the manifest does not list" if export.unlisted else ""
        self._export = export
        self._keys = keys
        self._page_lines = page_lines
        self._page_bytes = page_bytes
        self._make = change_maker(export.table, export.region, personal)
        self._read = incremental_line if export.incremental else full_line

    def pages(self, unit: int, position: str) -> Generator[Page, None, None]:
        """Yield pages of `page_lines` lines, or of fewer that reach `page_bytes`."""
        file = self._export.files[unit]
        number = int(position or 0)
        with self._export.lines(file) as lines:
            for _ in islice(lines, number):
                pass
            while page := self._next_lines(lines):
                yield self._page(file, page, number)
                number += len(page)
        if file.items is not None and file.items != number:
            where = self._export.place.where(file.name)
            place = f"{where}: {number:,} items, but the manifest says {file.items:,}"
            yield Page([], Counts(miscounted=1, places=[place]), str(number))

    def _next_lines(self, lines: Iterable[bytes]) -> list[bytes]:
        page: list[bytes] = []
        size_bytes = 0
        for line in islice(lines, self._page_lines):
            page.append(line)
            size_bytes += len(line)
            if size_bytes >= self._page_bytes:
                break
        return page

    def _page(self, file: DataFile, lines: list[bytes], number: int) -> Page:
        items = []
        counts = Counts(read=len(lines))
        where = self._export.place.where(file.name)
        for line_number, text in enumerate(lines, number + 1):
            place = f"{where}:{line_number}"
            try:
                line = self._read(text)
                if line.image is None:
                    counts.without_image += 1
                    counts.add_place(f"{place}: a delete without the old image")
                else:
                    items.append(self._item(line, line.image, place))
            except NotALineError as error:
                counts.not_lines += 1
                counts.add_place(f"{place}: not an item: {error}")
        return Page(items, counts, str(number + len(lines)))

    def _item(self, line: Line, image: dict[str, Raw], place: str) -> Item:
        keys = self._keys_of(image) if line.keys is None else line.keys
        happened = line.at_micros is not None
        at_micros = self._export.at_micros if line.at_micros is None else line.at_micros
        change = self._make(image, keys, at_micros, deleted=line.deleted, happened=happened)
        return Item(change.payload, change.keys, _type(bytes(image.get("type", b""))), place)

    def _keys_of(self, image: dict[str, Raw]) -> dict[str, Raw]:
        try:
            return {name: image[name] for name in self._keys}
        except KeyError:
            raise NotALineError(f"it lacks a key of its table, {' or '.join(self._keys)}") from None


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    S: str


@lru_cache(maxsize=64)
def _type(attribute: bytes) -> str | None:
    """b'{"S":"demand"}' -> "demand"."""
    try:
        return msgspec.json.decode(attribute, type=_Text).S
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
