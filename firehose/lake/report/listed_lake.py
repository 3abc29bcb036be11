"""A lake whose objects are listed once, so that all figures of a report are of the same objects."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from firehose.lake.objects import Lake, StoredObject


class ListedLake:
    """A lake that lists each prefix when it is first asked for, and never again.

    A prefix is listed by itself and not with all of the bucket, since a reader may be denied some of them.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._listed: dict[str, list[StoredObject]] = {}

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix, from its own listing or from that of a prefix above it."""
        above = next((one for one in self._listed if prefix.startswith(one)), prefix)
        if above not in self._listed:
            self._listed[above] = list(self._lake.objects(above))
        listed = self._listed[above]
        first = bisect_left(listed, prefix, key=lambda stored: stored.key)
        return takewhile(lambda stored: stored.key.startswith(prefix), (listed[at] for at in range(first, len(listed))))

    def open(self, stored: StoredObject) -> BinaryIO:
        """Open an object as the lake does."""
        return self._lake.open(stored)

    def path(self, stored: StoredObject) -> Path | None:
        """Return the path of an object in a folder."""
        return self._lake.path(stored)

    def where(self, stored: StoredObject) -> str:
        """Return the path or address of an object."""
        return self._lake.where(stored)
