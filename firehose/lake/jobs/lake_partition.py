"""A partition of a lake, which one job at a time may change."""

from typing import NamedTuple

from glue.layout import Format, partition, type_prefix


class LakePartition(NamedTuple):
    """A partition: ("parquet", "demand", "2025-01-01")."""

    format: Format
    type: str
    date: str

    @property
    def folder(self) -> str:
        """Return the prefix of its objects."""
        return partition(type_prefix(self.format, self.type), self.date)

    def __str__(self) -> str:
        """Return the name of its lease: "parquet/demand/2025-01-01"."""
        return "/".join(self)
