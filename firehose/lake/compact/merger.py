"""The interface by which a format merges its files: it reads each as a part, and merges parts of one kind."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Protocol


class Merged(NamedTuple):
    """The file that parts were merged into. `is_right` compares what was read back with the rows of the parts."""

    body: bytes
    rows: int
    duplicates_dropped: int
    is_right: Callable[[bytes], bool]


class Part(NamedTuple):
    """A file as its format reads it. Parts of different kinds become different files."""

    kind: Hashable
    content: Any


class Merger(Protocol):
    """Merges the files of one record type in one format."""

    def part(self, where: str, body: bytes) -> Part:
        """Read a file.

        Raises:
            UserError: it is damaged, or has what the table does not know.
        """

    def merge(self, parts: Sequence[Part], *, drop_duplicates: bool) -> Merged:
        """Merge parts of one kind.

        With `drop_duplicates`, of rows with one `change.id` that are equal but for `change.sequence` the one with the
        highest stays.

        Raises:
            UserError: a file is damaged.
        """


def ids_digest(ids: Sequence[str | None]) -> tuple[int, int]:
    """Return the number of ids and a digest of them that does not depend on their order, within this process."""
    return len(ids), sum(map(hash, ids)) % 2**64
