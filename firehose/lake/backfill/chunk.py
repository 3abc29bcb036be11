"""Read a unit of a backfill in chunks that take a bounded amount of memory."""

from collections.abc import Callable, Iterator

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.item_source import Item, Page

# A chunk ends at this size, however few items it has, because its rows stay in memory until its end. 2,000 or 4,000
# items of 380 KB, all of it in their rows, take 300 MB at the peak; with 64 MiB it was 350.
CHUNK_BYTES = 48 * 1024 * 1024


class Chunk:
    """The next pages of a unit, up to a number of items. After the iteration `position` is the end of the chunk."""

    def __init__(self, pages: Iterator[Page], item_filter: ItemFilter, items: int, tick: Callable[[int], None]) -> None:
        self.counts = Counts()
        self.position: str | None = None
        self.records = 0
        self._pages = pages
        self._filter = item_filter
        self._items = items
        self._tick = tick

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        """Yield the items to send, with their dates."""
        size_bytes = 0
        for page in self._pages:
            self.counts.add(page.counts)
            for item in page.items:
                date = self._filter.date_of(item, self.counts)
                if date is not None:
                    self.records += 1
                    size_bytes += len(item.payload)
                    yield date, item
            self.position = page.position
            self._tick(page.counts.read)
            if page.position is None or self.counts.read >= self._items or size_bytes >= CHUNK_BYTES:
                return
        self.position = None

    def payloads(self) -> Iterator[bytes]:
        """Yield the items to send, as change records."""
        for _, item in self:
            yield item.payload
