"""Names: the relations of a query and their columns, the WITH queries and the parameters of lambdas."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import msgspec

from firehose.lake.query.athena.catalog import Catalog
from firehose.lake.query.athena.types import Type
from firehose.lake.query.athena.value import Value


class ScopeColumn(msgspec.Struct, frozen=True):
    """A column of a relation; `sql` reads it. A hidden one, as "$path", is not in `*`."""

    name: str | None
    type: Type
    sql: str
    hidden: bool = False


class Relation(msgspec.Struct, frozen=True):
    """A relation of FROM, under the name that qualifies its columns."""

    name: str | None
    columns: tuple[ScopeColumn, ...]
    databases: tuple[str, ...] = ()


class NamedQuery(msgspec.Struct, frozen=True):
    """A query of a WITH clause, as DuckDB names it, with the columns that it answers with."""

    sql_name: str
    columns: tuple[tuple[str | None, Type], ...]


class Statement(msgspec.Struct):
    """The state that all queries of a statement share: the catalog, and the tables that they use.

    `versions` are versions and metadata of tables (versions.py), by the names under which DuckDB reads them.
    """

    catalog: Catalog
    tables: set[str] = msgspec.field(default_factory=set)
    versions: dict[str, Any] = msgspec.field(default_factory=dict)
    wants_path: bool = False
    _numbers: Iterator[int] = msgspec.field(default_factory=count)

    def alias(self, letter: str) -> str:
        """Return a name for DuckDB that nothing else in the statement has: r7."""
        return f"{letter}{next(self._numbers)}"


class Scope(msgspec.Struct):
    """The names that an expression can use.

    `outputs` are the names of the SELECT list, which only ORDER BY sees. `grouped` has the SQL of the expressions that
    are grouped by, and the SQL that reads each from a group; it is None where the query does not aggregate or where an
    aggregate's own arguments are translated.
    `named_windows` are those of a WINDOW clause.
    """

    statement: Statement
    relations: list[Relation] = msgspec.field(default_factory=list)
    parent: "Scope | None" = None
    queries: dict[str, NamedQuery] = msgspec.field(default_factory=dict)
    parameters: Mapping[str, Value] = msgspec.field(default_factory=dict)
    outputs: Mapping[str, Value] = msgspec.field(default_factory=dict)
    grouped: Mapping[str, str] | None = None
    named_windows: Mapping[str, Any] = msgspec.field(default_factory=dict)
    aggregates: bool = True  # aggregates and window functions may stand here
    tried: dict[str, str] | None = None  # within TRY: what is computed outside of it, by the name it is read by

    def inner(self) -> "Scope":
        """Return the scope of a query within this one; it sees the columns here where it has none of the name."""
        return Scope(self.statement, parent=self)

    def with_parameters(self, parameters: Mapping[str, Value]) -> "Scope":
        """Return the scope of a lambda's body."""
        return self._changed(parameters={**self.parameters, **parameters})

    def ungrouped(self) -> "Scope":
        """Return the scope of an aggregate's arguments: every column, and no other aggregate."""
        return self._changed(grouped=None, aggregates=False, outputs={}, tried=None)

    def without_aggregates(self) -> "Scope":
        """Return the scope of WHERE, ON and GROUP BY."""
        return self._changed(aggregates=False)

    def grouped_by(self, expressions: Mapping[str, str]) -> "Scope":
        """Return the scope of what stands behind GROUP BY."""
        return self._changed(grouped=expressions)

    def with_outputs(self, outputs: Mapping[str, Value]) -> "Scope":
        """Return the scope of ORDER BY."""
        return self._changed(outputs=outputs)

    def within_try(self, tried: dict[str, str] | None) -> "Scope":
        """Return the scope of what stands in TRY, or of what is computed outside of it."""
        return self._changed(tried=tried)

    def _changed(self, **changes: object) -> "Scope":
        values = {name: getattr(self, name) for name in self.__struct_fields__} | changes
        return Scope(**values)

    def query(self, name: str) -> NamedQuery | None:
        """Return the WITH query of a name, of this query or of one around it."""
        scope: Scope | None = self
        while scope:
            if name in scope.queries:
                return scope.queries[name]
            scope = scope.parent
        return None
