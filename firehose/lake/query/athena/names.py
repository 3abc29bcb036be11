"""Names in expressions: columns of relations, fields of rows, parameters of lambdas."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from firehose.lake.query.athena.catalog import CATALOG, PATH
from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.refusal import SqlError, did_you_mean, refuse
from firehose.lake.query.athena.scope import Relation, Scope, ScopeColumn
from firehose.lake.query.athena.types import text
from firehose.lake.query.athena.value import Value


@translates(exp.Column)
def _column(node: exp.Column, scope: Scope) -> Value:
    return resolved(node.parts, scope)


@translates(exp.Identifier)
def _identifier(node: exp.Identifier, scope: Scope) -> Value:
    return resolved([node], scope)


@translates(exp.Dot)
def _dot(node: exp.Dot, scope: Scope) -> Value:
    path = _path(node)
    if path:
        return resolved(path, scope)
    if not isinstance(node.expression, exp.Identifier):
        raise refuse("not supported here: a function of another catalog or schema", node)
    return field(translate(node.this, scope), node.expression.name.lower(), node.expression)


def _path(node: exp.Expr) -> list[exp.Expr]:
    """Return the names of a dotted path, nothing if it begins with something else than a name."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        above = _path(node.this)
        return [*above, node.expression] if above else []
    if isinstance(node, exp.Column):
        return list(node.parts)
    return [node] if isinstance(node, exp.Identifier) else []


def resolved(path: Sequence[exp.Expr], scope: Scope) -> Value:
    """Return what a dotted name reads: a column, perhaps qualified, and then fields of rows.

    date.requested -> the field requested of the column date, where no relation is called date

    Raises:
        SqlError: the column or field does not exist, or the name fits more than one.
    """
    names = [one.name.lower() for one in path]
    if len(names) == 1 and names[0] in scope.outputs:
        return scope.outputs[names[0]]
    if names[0] in scope.parameters:
        return _fields(scope.parameters[names[0]], path[1:])
    around: Scope | None = scope
    while around:
        for length in range(min(len(names), 4) - 1, -1, -1):
            found = [*_columns(around, names[:length], names[length])]
            if len(found) > 1:
                raise refuse(f"column '{names[length]}' is ambiguous", path[length])
            if found:
                return _read(found[0], path[length:], around)
        around = around.parent
    if names[0] in scope.outputs:
        return _fields(scope.outputs[names[0]], path[1:])
    raise _unresolved(names, path[0], scope)


def _read(column: ScopeColumn, path: Sequence[exp.Expr], scope: Scope) -> Value:
    value = _fields(Value(column.sql, column.type), path[1:])
    if scope.grouped is not None and value.sql not in scope.grouped and column.sql not in scope.grouped:
        name = ".".join(one.name for one in path)
        raise refuse(f"'{name}' must be an aggregate expression or appear in GROUP BY clause", path[0])
    if column.name == PATH:
        scope.statement.wants_path = True
    return value


def _columns(scope: Scope, qualifier: list[str], name: str) -> Iterator[ScopeColumn]:
    for relation in scope.relations:
        if _is_called(relation, qualifier):
            yield from (column for column in relation.columns if column.name and column.name.lower() == name)


def _is_called(relation: Relation, qualifier: list[str]) -> bool:
    match qualifier:
        case []:
            return True
        case [name]:
            return relation.name == name
        case [database, name]:
            return relation.name == name and database in relation.databases
        case [catalog, database, name]:
            return relation.name == name and database in relation.databases and catalog == CATALOG
    return False


def _fields(value: Value, path: Sequence[exp.Expr]) -> Value:
    for one in path:
        value = field(value, one.name.lower(), one)
    return value


def field(value: Value, name: str, node: exp.Expr) -> Value:
    """Return a field of a row.

    Raises:
        SqlError: the value is not a row, or has no such field.
    """
    if value.type.name != "row":
        raise refuse(f"'{name}' cannot be read of a value of type {value.type}", node)
    named = [place for place, field_name in enumerate(value.type.fields) if (field_name or "").lower() == name]
    if not named:
        known = [one for one in value.type.fields if one]
        fields = ", ".join(known) or "no named field"
        raise refuse(f"column '{name}' cannot be resolved: the row has {fields}{did_you_mean(name, known)}", node)
    stored = value.type.names[named[0]]
    return Value(f"struct_extract({value.sql}, {text(stored)})", value.type.elements[named[0]])


def _unresolved(names: list[str], node: exp.Expr, scope: Scope) -> SqlError:
    known = [column.name for relation in scope.relations for column in relation.columns if column.name]
    relations = [relation.name for relation in scope.relations if relation.name]
    columns = [one for one in known if not one.startswith("$")]
    if len(names) > 1 and names[0] in relations and names[1] in columns:
        return refuse(
            f"COLUMN_NOT_FOUND: column '{'.'.join(names)}' cannot be resolved: USING made it one, {names[1]}", node
        )
    hint = did_you_mean(names[0], [one for one in (*columns, *relations) if one != names[0]])
    if not hint and len(names) > 1:
        hint = did_you_mean(names[1], columns)
    if not hint and node.args.get("quoted"):
        hint = "; a text is written in single quotes"
    return refuse(f"COLUMN_NOT_FOUND: column '{'.'.join(names)}' cannot be resolved{hint}", node)


@translates(exp.Paren)
def _paren(node: exp.Paren, scope: Scope) -> Value:
    only(node, "this")
    return translate(node.this, scope)
