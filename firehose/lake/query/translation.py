"""The statements that DuckDB runs for a query, and the tables that they read."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class VersionKind(StrEnum):
    """The part of an Iceberg table that is read: its rows as of a time or in a snapshot, or its metadata."""

    TIMESTAMP = "timestamp"
    VERSION = "version"
    SNAPSHOTS = "snapshots"
    FILES = "files"
    PARTITIONS = "partitions"


class TableVersion(msgspec.Struct, frozen=True):
    """A version of an Iceberg table, or metadata of it.

    `statements` are those for DuckDB whose last answers one number: the snapshot, or the time in microseconds.
    """

    table: str
    kind: VersionKind
    statements: tuple[str, ...] = ()


class Translation(msgspec.Struct, frozen=True):
    """Statements for DuckDB, in order: macros, views, and the query.

    `tables` are the tables that it reads; `wants_path` says that they need their column "$path". `versions` are
    versions and metadata of tables, by the names under which it reads them.
    """

    statements: list[str]
    tables: frozenset[str]
    wants_path: bool
    versions: Mapping[str, TableVersion] = {}
