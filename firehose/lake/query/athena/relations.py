"""FROM: tables, views, subqueries, VALUES, UNNEST and joins, each under an alias of our own."""

from collections.abc import Callable, Sequence

import msgspec
from sqlglot import exp

from firehose.lake.query.athena import information_schema
from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.catalog import CATALOG, PATH, Table
from firehose.lake.query.athena.expressions import form, only, translate
from firehose.lake.query.athena.operators import boolean, common_type, compared
from firehose.lake.query.athena.refusal import did_you_mean, refuse
from firehose.lake.query.athena.scope import Relation, Scope, ScopeColumn
from firehose.lake.query.athena.types import VARCHAR, Type, quoted
from firehose.lake.query.athena.unnest import unnested
from firehose.lake.query.athena.value import Value
from firehose.lake.query.athena.versions import metadata_columns, metadata_of, version_of
from firehose.lake.query.translation import TableVersion
from glue.tables import ERRORS


class Query(msgspec.Struct, frozen=True):
    """A translated query, which calls its columns c0, c1, ...: their names and types for Athena."""

    sql: str
    columns: tuple[tuple[str | None, Type], ...]


Translate = Callable[[exp.Expr, Scope], Query]


def from_clause(node: exp.Select, scope: Scope, query: Translate) -> str:
    """Return FROM and the joins; the relations are added to the scope. Empty without a FROM."""
    source = node.args.get("from_")
    if source is None:
        return ""
    only(source, "this")
    sql = f" FROM {_source(source.this, scope, query)}"
    for join in node.args.get("joins") or []:
        sql += _join(join, scope, query)
    return sql


def _source(node: exp.Expr, scope: Scope, query: Translate) -> str:
    """Return what stands in FROM with its alias, and add the relation to the scope."""
    if isinstance(node, exp.Paren):
        return _source(node.this, scope, query)
    alias = scope.statement.alias("r")
    if isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            raise refuse("not supported here: a table function", node)
        return _table(node, alias, scope)
    if isinstance(node, exp.Unnest):
        sql, columns = unnested(node, scope)
        return _derived(sql, columns, node, alias, scope)
    if isinstance(node, exp.Lateral):
        only(node, "this", "alias", "view", "outer", "cross_apply", "ordinality")
        found = query(node.this, scope)
        return "LATERAL " + _derived(found.sql, found.columns, node, alias, scope)
    if isinstance(node, exp.Subquery | exp.Values):
        # A subquery in FROM does not see what stands beside it.
        beside, scope.relations = scope.relations, []
        found = query(node, scope)
        scope.relations = beside
        return _derived(found.sql, found.columns, node, alias, scope)
    raise refuse(f"not supported here: {form(node)} in FROM", node)


def _derived(sql: str, columns: Sequence[tuple[str | None, Type]], node: exp.Expr, alias: str, scope: Scope) -> str:
    names = [name for name, _ in columns]
    renamed = _alias_columns(node, names)
    found = tuple(
        ScopeColumn(name, kind, f"{alias}.c{place}")
        for place, (name, (_, kind)) in enumerate(zip(renamed, columns, strict=True))
    )
    scope.relations.append(Relation(_alias_name(node), found))
    return f"({sql}) AS {alias}"


def _alias_name(node: exp.Expr) -> str | None:
    return node.alias.lower() or None


def _alias_columns(node: exp.Expr, names: list[str | None]) -> list[str | None]:
    alias = node.args.get("alias")
    given: list[str | None] = [one.name.lower() for one in alias.args.get("columns") or []] if alias else []
    offset = node.args.get("offset")
    if isinstance(offset, exp.Identifier):  # the last name of WITH ORDINALITY
        given.append(offset.name.lower())
    if given and len(given) != len(names):
        raise refuse(f"column alias list has {len(given)} entries but the relation has {len(names)} columns", alias)
    return given or names


def _table(node: exp.Table, alias: str, scope: Scope) -> str:
    only(node, "this", "db", "catalog", "alias", "version")
    name, database, version = node.name.lower(), node.db.lower(), node.args.get("version")
    if node.catalog and node.catalog.lower() != CATALOG:
        raise refuse(f"CATALOG_NOT_FOUND: catalog '{node.catalog}' not found", node)
    if version is None and not database and (found := scope.query(name)):
        return _named_query(node, found.sql_name, found.columns, alias, scope)
    if database == "information_schema":
        sql, columns = information_schema.relation(name, scope.statement.catalog, node)
        return _derived(sql, columns, _called(node, name), alias, scope)
    if version is not None or metadata_of(name, node):
        return _versioned(name, database, alias, node, scope)
    table = _known_table(name, database, node, scope)
    scope.statement.tables.add(name)
    return _stored(table, table.name, database, alias, node, scope)


def _versioned(name: str, database: str, alias: str, node: exp.Table, scope: Scope) -> str:
    """Return a version of an Iceberg table, or its metadata, under a name of its own."""
    metadata = metadata_of(name, node)
    table = _known_table(metadata[0] if metadata else name, database, node, scope)
    if not scope.statement.catalog.versioned or table.view_sql is not None or table.name == ERRORS:
        raise refuse(f"{table.name} has no versions here: only tables of a lake in Iceberg mode do", node)
    stored_as = f"{name}@{alias}"
    if metadata is None:
        scope.statement.versions[stored_as] = version_of(name, node.args["version"], scope)
        return _stored(table, stored_as, database, alias, node, scope)
    if node.args.get("version") is not None:
        raise refuse("metadata tables are read as they are now, without FOR ... AS OF", node)
    version = scope.statement.versions[stored_as] = TableVersion(*metadata)
    found = [(column, kind, f"{alias}.{quoted(column)}") for column, kind in metadata_columns(version).items()]
    names = _alias_columns(node, [column for column, _, _ in found])
    columns = [ScopeColumn(one, kind, sql) for one, (_, kind, sql) in zip(names, found, strict=True)]
    databases = (database or scope.statement.catalog.database,)
    scope.relations.append(Relation(_alias_name(node) or name, tuple(columns), databases))
    return f"{quoted(stored_as)} AS {alias}"


def _known_table(name: str, database: str, node: exp.Table, scope: Scope) -> Table:
    catalog = scope.statement.catalog
    if database and not catalog.is_database(database):
        raise refuse(f"SCHEMA_NOT_FOUND: database '{database}' not found", node)
    if name not in catalog.tables:
        hint = did_you_mean(name, catalog.tables) or f"; the tables are {', '.join(catalog.tables)}"
        raise refuse(f"TABLE_NOT_FOUND: table '{name}' does not exist{hint}", node)
    return catalog.tables[name]


def _stored(table: Table, stored_as: str, database: str, alias: str, node: exp.Table, scope: Scope) -> str:
    renamed = _alias_columns(node, [column.name for column in table.columns])
    columns = [
        ScopeColumn(name, column.type, f"{alias}.{quoted(column.name)}")
        for name, column in zip(renamed, table.columns, strict=True)
    ]
    if table.view_sql is None:
        columns.append(ScopeColumn(PATH, VARCHAR, f"{alias}.{quoted(PATH)}", hidden=True))
    databases = (database or scope.statement.catalog.database,)
    scope.relations.append(Relation(_alias_name(node) or table.name, tuple(columns), databases))
    return f"{quoted(stored_as)} AS {alias}"


def _named_query(
    node: exp.Table, sql_name: str, columns: tuple[tuple[str | None, Type], ...], alias: str, scope: Scope
) -> str:
    renamed = _alias_columns(node, [name for name, _ in columns])
    found = (
        ScopeColumn(name, kind, f"{alias}.c{place}")
        for place, (name, (_, kind)) in enumerate(zip(renamed, columns, strict=True))
    )
    scope.relations.append(Relation(_alias_name(node) or node.name.lower(), tuple(found)))
    return f"{sql_name} AS {alias}"


def _called(node: exp.Table, name: str) -> exp.Table:
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
    return node


def _join(join: exp.Join, scope: Scope, query: Translate) -> str:
    only(join, "this", "side", "kind", "on", "using")
    side, kind = join.side.upper(), join.kind.upper()
    if kind not in ("", "CROSS", "INNER", "OUTER") or (kind == "CROSS" and (join.args.get("on") or side)):
        raise refuse(f"not supported here: {side} {kind} JOIN".replace("  ", " "), join)
    on, using = join.args.get("on"), join.args.get("using")
    if kind != "CROSS" and not on and not using:
        raise refuse("syntax error: JOIN needs ON or USING", join)
    before = len(scope.relations)
    source = _source(join.this, scope, query)
    lateral = isinstance(join.this, exp.Unnest)
    if lateral:
        source = f"LATERAL {source}"
    if lateral or isinstance(join.this, exp.Lateral):
        return _lateral_join(join, side, source)
    if using:
        return f" {side or 'INNER'} JOIN {source} ON {_using(join, before, side, scope)}"
    if not on:
        return f" CROSS JOIN {source}"
    return f" {side or 'INNER'} JOIN {source} ON {boolean(translate(on, scope.without_aggregates()), 'JOIN ON')}"


def _lateral_join(join: exp.Join, side: str, source: str) -> str:
    on = join.args.get("on")
    is_true = isinstance(on, exp.Boolean) and on.this
    if (on is not None and not is_true) or join.args.get("using") or side in ("RIGHT", "FULL"):
        raise refuse(
            "not supported here: a join with UNNEST or LATERAL takes ON TRUE and is CROSS, INNER or LEFT", join
        )
    return f" LEFT JOIN {source} ON true" if side == "LEFT" else f" CROSS JOIN {source}"


def _using(join: exp.Join, before: int, side: str, scope: Scope) -> str:
    """Return the condition of USING. Each of its columns becomes one, which no relation qualifies."""
    conditions, merged = [], []
    names = [one.name.lower() for one in join.args["using"]]
    left, right = scope.relations[:before], scope.relations[before:]
    for name in names:
        one, other = (_one_column(relations, name, join) for relations in (left, right))
        conditions.append(compared("=", one, other).sql)
        kind = common_type([one, other], "both sides of USING")
        sides = [implicit(one, kind).sql, implicit(other, kind).sql]
        sql = f"coalesce({', '.join(sides)})" if side == "FULL" else sides[side == "RIGHT"]
        merged.append(ScopeColumn(name, kind, sql))
    rest = [
        Relation(one.name, tuple(column for column in one.columns if column.name not in names), one.databases)
        for one in (*left, *right)
    ]
    scope.relations[:] = [Relation(None, tuple(merged)), *rest]
    return " AND ".join(conditions)


def _one_column(relations: list[Relation], name: str, join: exp.Join) -> Value:
    found = [column for relation in relations for column in relation.columns if column.name == name]
    if len(found) != 1:
        raise refuse(f"column '{name}' of USING is {'ambiguous' if found else 'missing on one side of the join'}", join)
    return Value(found[0].sql, found[0].type)
