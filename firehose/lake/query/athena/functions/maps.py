"""Functions of maps, with their lambdas. A map is taken apart into its entries and put together again."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import arguments, lambda_body, parameter_names, refuse_zones
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import UNKNOWN, Type, common
from firehose.lake.query.athena.value import Value

_TABLE = """
map_keys(map(K,V)) -> array(K) = map_keys({0})
map_values(map(K,V)) -> array(V) = map_values({0})
map_entries(map(K,V)) -> array(row(K,V)) = list_transform(map_entries({0}), lambda entry_e: struct_pack("field0" := entry_e.key, "field1" := entry_e.value))
map_from_entries(array(row(K,V))) -> map(K,V) = map_from_entries({0})
map() -> map(K,V) = map(CAST([] AS INTEGER[]), CAST([] AS INTEGER[]))
map(array(K),array(V)) -> map(K,V) = CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN map({0}, {1}) END
map_concat(map(K,V),map(K,V)...) -> map(K,V) = CASE WHEN list_position([{*}], NULL) IS NULL THEN map_concat({*}) END
"""
add(SCALARS, _TABLE)


def _map(node: exp.Expr, scope: Scope, name: str) -> Value:
    value = translate(node, scope)
    if value.type.name != "map":
        raise SqlError(f"unexpected parameters ({value.type}) for function {name}; expected: map(K, V)")
    return value


def _taken_apart(nodes: Sequence[exp.Expr], scope: Scope, name: str) -> tuple[Value, str, Value]:
    """Return the map, the name of an entry of it, and the translated lambda of its key and value."""
    arguments(name, nodes, 2, 2)
    source = _map(nodes[0], scope, name)
    key, value = source.type.elements
    (entry,) = parameter_names(scope, 1)
    return source, entry, lambda_body(nodes[1], [Value(f"{entry}.key", key), Value(f"{entry}.value", value)], scope)


@special("map_filter")
def _map_filter(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    source, entry, body = _taken_apart(nodes, scope, "map_filter")
    kept = f"list_filter(map_entries({source.sql}), lambda {entry}: {body.sql})"
    return Value(f"map_from_entries({kept})", source.type)


@special("transform_values")
def _transform_values(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    source, entry, body = _taken_apart(nodes, scope, "transform_values")
    kind = Type("map", (source.type.elements[0], body.type))
    return _put_together(source, entry, f"{entry}.key", body.sql, kind)


@special("transform_keys")
def _transform_keys(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    source, entry, body = _taken_apart(nodes, scope, "transform_keys")
    refuse_zones("transform_keys", body.type)
    kind = Type("map", (body.type, source.type.elements[1]))
    return _put_together(source, entry, body.sql, f"{entry}.value", kind)


def _put_together(source: Value, entry: str, key: str, value: str, kind: Type) -> Value:
    changed = f'lambda {entry}: struct_pack("key" := {key}, "value" := {value})'
    return Value(f"map_from_entries(list_transform(map_entries({source.sql}), {changed}))", kind)


@special("map_zip_with")
def _map_zip_with(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Combine two maps by their keys; where one of them lacks a key its value is null."""
    arguments("map_zip_with", nodes, 3, 3)
    left, right = (_map(node, scope, "map_zip_with") for node in nodes[:2])
    key = common(left.type.elements[0], right.type.elements[0]) or UNKNOWN
    (name,) = parameter_names(scope, 1)
    values = [Value(f"map_extract_value({one.sql}, {name})", one.type.elements[1]) for one in (left, right)]
    body = lambda_body(nodes[2], [Value(name, key), *values], scope)
    keys = f"athena_array_union(map_keys({left.sql}), map_keys({right.sql}))"
    return Value(f"map({keys}, list_transform({keys}, lambda {name}: {body.sql}))", Type("map", (key, body.type)))
