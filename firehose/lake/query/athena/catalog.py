"""The tables and views that Athena's SQL names: their columns with Hive's types, and the databases they answer to."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from firehose.lake.query.athena.types import Type, of_hive, row
from glue import hive

CATALOG = "awsdatacatalog"
PATH = "$path"

_DATABASE = re.compile(r"prd3292_[a-z0-9]+_dmnd_pipeline(_parquet|_iceberg)?")


class CatalogColumn(msgspec.Struct, frozen=True):
    """A column as Glue declares it."""

    name: str
    hive_type: str
    comment: str
    is_partition: bool = False

    @property
    def type(self) -> Type:
        """The type that Athena gives it."""
        return _type(self.hive_type)


@lru_cache
def _type(hive_type: str) -> Type:
    return of_hive(hive.parse(hive_type))


class Table(msgspec.Struct, frozen=True):
    """A table, or a view where it has SQL; `definition` is the Glue TableInput of a table."""

    name: str
    columns: tuple[CatalogColumn, ...]
    view_sql: str | None = None
    definition: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Catalog(msgspec.Struct, frozen=True):
    """The tables and views by their lower-case names, and the database under which they are listed.

    `versioned`: the tables are Iceberg's, which have snapshots.
    """

    tables: Mapping[str, Table]
    database: str
    versioned: bool = False

    @property
    def row_types(self) -> dict[str, Type]:
        """The rows of the tables and views: {"sale": row(type varchar, ...), "latest_sale": ...}."""
        return {
            name: row([column.name for column in table.columns], [column.type for column in table.columns])
            for name, table in self.tables.items()
        }

    def is_database(self, name: str) -> bool:
        """Say whether a database is one that the pipeline has in any environment."""
        return name == self.database or _DATABASE.fullmatch(name) is not None


def catalog(
    table_inputs: Mapping[str, Mapping[str, Any]],
    views: Mapping[str, Mapping[str, Any]],
    database: str,
    *,
    versioned: bool = False,
) -> Catalog:
    """Return the catalog of Glue TableInputs and of views as glue/views.py makes them, each by its name.

    A view whose table is not there is left out.
    """
    tables = {name: Table(name, _columns(one), definition=one) for name, one in table_inputs.items()}
    for view in views.values():
        columns = tuple(CatalogColumn(one["Name"], one["Type"], "") for one in view["Columns"])
        if view["Name"].removeprefix("latest_") in tables:
            tables[view["Name"]] = Table(view["Name"], columns, view["View"]["originalSql"])
    return Catalog(tables, database, versioned)


def _columns(table_input: Mapping[str, Any]) -> tuple[CatalogColumn, ...]:
    declared = table_input["StorageDescriptor"]["Columns"]
    keys = table_input["PartitionKeys"]
    return (
        *(CatalogColumn(one["Name"].lower(), one["Type"], one.get("Comment", "")) for one in declared),
        *(CatalogColumn(one["Name"].lower(), one["Type"], one.get("Comment", ""), is_partition=True) for one in keys),
    )
