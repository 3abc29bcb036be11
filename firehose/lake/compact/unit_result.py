"""The result of compacting one unit: a partition of files, or an Iceberg table."""

import msgspec


class UnitResult(msgspec.Struct):
    """The partitions that were merged in, their files before and after, and the rows of those that were merged."""

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    duplicates_dropped: int = 0
    undone: list[str] = []
