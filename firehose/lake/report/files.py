"""Counts the files of a lake by listing, those of Iceberg tables by their manifests: no data file is opened."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import msgspec

from firehose.lake.compact.limits import MIB, MIN_FILES, SMALL_BYTES, TARGET_BYTES
from firehose.lake.objects import Lake, StoredObject
from glue.layout import Format, partition_date, type_prefix

KIB = 1024

# The classes of a file's size, smallest first, each with the size at which the next one begins.
SIZES: dict[str, int | None] = {
    "under 16 KiB": 16 * KIB,
    "16 to 128 KiB": 128 * KIB,
    "128 KiB to 1 MiB": MIB,
    "1 to 16 MiB": SMALL_BYTES,
    "16 to 128 MiB": 128 * MIB,
    "128 MiB or more": None,
}


class PartitionFiles(msgspec.Struct, frozen=True):
    """The files of one partition: ("parquet", "sale", "2025-01-01", files=3, size_bytes=12345, small=3, merged=1).

    The small files would be `merged` ones after a compaction.
    """

    format: str
    type: str
    date: str
    files: int
    size_bytes: int
    small: int
    merged: int

    @property
    def is_crowded(self) -> bool:
        """Return True if the partition has so many small files that compacting it pays."""
        return self.small >= MIN_FILES

    @property
    def files_after(self) -> int:
        """The number of files after a compaction."""
        return self.files - self.small + self.merged if self.is_crowded else self.files


class FileCounts(msgspec.Struct, frozen=True):
    """All partitions of a lake, and the number of its files by (size class, type)."""

    partitions: list[PartitionFiles]
    sizes: Mapping[tuple[str, ...], int]


def count_files(lake: Lake, types: Collection[str], chosen: Format) -> FileCounts:
    """Return the files of every format, type and partition date.

    Files outside a partition belong to no table, and are not counted. If Iceberg is the `chosen` format, its files are
    those of the newest snapshots; else all that are there, also those that only older snapshots have.

    Raises:
        UserError: the lake cannot be listed.
    """
    snapshots = None
    if chosen is Format.ICEBERG:
        from firehose.lake.iceberg.reading import LakeSnapshots  # noqa: PLC0415 - PyIceberg: 0.7 s

        snapshots = LakeSnapshots(lake)
    partitions: list[PartitionFiles] = []
    sizes: Counter[tuple[str, ...]] = Counter()
    for file_format in Format:
        for name in sorted(types):
            if snapshots and file_format is Format.ICEBERG:
                dates = snapshots.files(name)
            else:
                dates = {stored: partition_date(stored.key) for stored in lake.objects(type_prefix(file_format, name))}
            partitions += _partitions(file_format, name, dates)
            sizes.update((size_class(stored.size_bytes), name) for stored, date in dates.items() if date)
    return FileCounts(partitions, sizes)


def _partitions(file_format: str, name: str, dates: Mapping[StoredObject, str]) -> Iterator[PartitionFiles]:
    by_date: dict[str, list[int]] = {}
    for stored, day in dates.items():
        if day:
            by_date.setdefault(day, []).append(stored.size_bytes)
    for day, sizes in sorted(by_date.items()):
        small = [size_bytes for size_bytes in sizes if size_bytes < SMALL_BYTES]
        merged = -(-sum(small) // TARGET_BYTES)
        yield PartitionFiles(file_format, name, day, len(sizes), sum(sizes), len(small), merged)


def size_class(size_bytes: int) -> str:
    """Return the class of a size: 20,000 -> "16 to 128 KiB"."""
    return next(name for name, end in SIZES.items() if end is None or size_bytes < end)
