"""Names the objects of a delivery stream: data, errors and backup, each below a prefix of its own."""

from datetime import tzinfo
from typing import NamedTuple
from uuid import UUID

import msgspec

from firehose.local.config.prefix import Prefix, instant, object_name


class ObjectName(NamedTuple):
    """The two parts of a key."""

    prefix: str
    name: str

    @property
    def key(self) -> str:
        """Returns the whole key."""
        return self.prefix + self.name


class ObjectNames(msgspec.Struct, frozen=True):
    """The naming of objects below one prefix of a stream."""

    stream: str
    version: int
    prefix: Prefix
    time_zone: tzinfo
    extension: str

    def of(self, oldest_ms: int, uuid: UUID, values: tuple[str, ...] = (), error_type: str = "") -> ObjectName:
        """Names the object whose oldest record arrived at `oldest_ms`.

        `values` are those of the partition keys that the prefix takes.

        -> ("data/sale/", "orders-1-2025-01-01-10-00-00-<uuid>.parquet")
        """
        at = instant(oldest_ms, self.time_zone)
        prefix = self.prefix.evaluate(self.prefix.instance(values, at, uuid.hex, error_type))
        return ObjectName(prefix, object_name(self.stream, self.version, at, uuid, self.extension))
