"""Functions of arrays, with their lambdas."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.functions.calling import (
    apply,
    arguments,
    lambda_body,
    parameter_names,
    typed,
)
from firehose.lake.query.athena.functions.registry import SCALARS, Signature, add, special
from firehose.lake.query.athena.operators import common_type, whole_days
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import (
    BIGINT,
    DAY_TO_SECOND,
    INTEGERS,
    YEAR_TO_MONTH,
    Type,
    array,
    duckdb_type,
    quoted,
    row,
)
from firehose.lake.query.athena.value import Value

_TABLE = """
cardinality(array(T)) -> bigint = CAST(len({0}) AS BIGINT)
cardinality(map(K,V)) -> bigint = CAST(cardinality({0}) AS BIGINT)
element_at(array(T),bigint) -> T = athena_element_at({0}, {1})
element_at(map(K,V),K) -> V = map_extract_value({0}, {1})
contains(array(E),E) -> boolean = athena_contains({0}, {1})
array_position(array(E),E) -> bigint = CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN CAST(coalesce(list_position({0}, {1}), 0) AS BIGINT) END
array_distinct(array(E)) -> array(E) = athena_array_distinct({0})
array_intersect(array(E),array(E)) -> array(E) = athena_array_intersect({0}, {1})
array_except(array(E),array(E)) -> array(E) = athena_array_except({0}, {1})
array_union(array(E),array(E)) -> array(E) = athena_array_union({0}, {1})
array_remove(array(E),E) -> array(E) = athena_array_remove({0}, {1})
array_max(array(E)) -> E = athena_array_max({0})
array_min(array(E)) -> E = athena_array_min({0})
array_sort(array(E)) -> array(E) = list_sort({0}, 'ASC', 'NULLS LAST')
arrays_overlap(array(E),array(E)) -> boolean = athena_arrays_overlap({0}, {1})
contains(array(timestamptz),timestamptz) -> boolean = athena_contains(athena_instants({0}), athena_at({1}))
array_position(array(timestamptz),timestamptz) -> bigint = CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN CAST(coalesce(list_position(athena_instants({0}), athena_at({1})), 0) AS BIGINT) END
array_distinct(array(timestamptz(p))) -> array(timestamptz(p)) = athena_distinct_instants({0})
array_intersect(array(timestamptz(p)),array(timestamptz(p))) -> array(timestamptz(p)) = CASE WHEN {1} IS NOT NULL THEN athena_distinct_instants(list_filter({0}, lambda common_v: list_position(athena_instants({1}), athena_at(common_v)) > 0)) END
array_except(array(timestamptz(p)),array(timestamptz(p))) -> array(timestamptz(p)) = CASE WHEN {1} IS NOT NULL THEN athena_distinct_instants(list_filter({0}, lambda except_v: coalesce(list_position(athena_instants({1}), athena_at(except_v)), 0) = 0)) END
array_union(array(timestamptz(p)),array(timestamptz(p))) -> array(timestamptz(p)) = CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN athena_distinct_instants(list_concat({0}, {1})) END
array_remove(array(timestamptz(p)),timestamptz(p)) -> array(timestamptz(p)) = CASE WHEN {1} IS NOT NULL THEN list_filter({0}, lambda kept_v: kept_v IS NULL OR athena_at(kept_v) <> athena_at({1})) END
array_max(array(timestamptz(p))) -> timestamptz(p) = athena_array_max({0})
array_min(array(timestamptz(p))) -> timestamptz(p) = athena_array_min({0})
array_sort(array(timestamptz(p))) -> array(timestamptz(p)) = list_sort({0}, 'ASC', 'NULLS LAST')
arrays_overlap(array(timestamptz),array(timestamptz)) -> boolean = athena_arrays_overlap(athena_instants({0}), athena_instants({1}))
slice(array(T),bigint,bigint) -> array(T) = athena_slice({0}, {1}, {2})
trim_array(array(T),bigint) -> array(T) = athena_trim_array({0}, {1})
flatten(array(array(T))) -> array(T) = flatten(list_filter({0}, lambda flat_v: flat_v IS NOT NULL))
repeat(T,bigint) -> array(T) = list_transform(range(0, {1}), lambda repeated_v: {0})
transform(array(T),function(T,U)) -> array(U) = list_transform({0}, {1})
filter(array(T),function(T,boolean)) -> array(T) = list_filter({0}, {1})
any_match(array(T),function(T,boolean)) -> boolean = athena_any(list_transform({0}, {1}))
all_match(array(T),function(T,boolean)) -> boolean = athena_all(list_transform({0}, {1}))
none_match(array(T),function(T,boolean)) -> boolean = (NOT athena_any(list_transform({0}, {1})))
"""
_SUBSCRIPTS: dict[str, list[Signature]] = {}
# NaN is no element of an array: it is not equal to itself, as it is in DuckDB.
_OF_FLOATS = """
contains(array(X),X) -> boolean = athena_contains(CASE WHEN isnan({1}) THEN list_filter({0}, lambda nan_v: nan_v IS NULL) ELSE {0} END, {1})
array_position(array(X),X) -> bigint = CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN CAST(CASE WHEN isnan({1}) THEN 0 ELSE coalesce(list_position({0}, {1}), 0) END AS BIGINT) END
array_remove(array(X),X) -> array(X) = CASE WHEN isnan({1}) THEN {0} ELSE athena_array_remove({0}, {1}) END
"""
for _kind in ("double", "real"):
    add(SCALARS, _OF_FLOATS.replace("X", _kind))
add(SCALARS, _TABLE)
add(
    _SUBSCRIPTS,
    """
subscript(array(T),bigint) -> T = athena_subscript({0}, {1})
subscript(map(K,V),K) -> V = athena_map_subscript({0}, {1})
""",
)


def _arrays(name: str, values: Sequence[Value]) -> None:
    for value in values:
        if value.type.name != "array":
            raise SqlError(f"unexpected parameters ({value.type}) for function {name}; expected: array(T)")


@special("array_sort")
def _array_sort(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Sort an array; with a comparator, each element is put behind those that it does not precede."""
    arguments("array_sort", nodes, 1, 2)
    source = translate(nodes[0], scope)
    if len(nodes) == 1:
        return apply(SCALARS["array_sort"], [source])
    _arrays("array_sort", [source])
    element = source.type.elements[0]
    sorted_so_far, added, other = parameter_names(scope, 3)
    order = lambda_body(nodes[1], [Value(other, element), Value(f"{added}[1]", element)], scope)
    if order.type.name not in INTEGERS:
        raise refuse(f"TYPE_MISMATCH: the comparator must return bigint, not {order.type}", nodes[1])
    before, behind = (f"list_filter({sorted_so_far}, lambda {other}: athena_order({order.sql}) {sign})" for sign in ("<= 0", "> 0"))  # fmt: skip
    start = (
        f"list_prepend(CAST([] AS {duckdb_type(source.type)}), list_transform({source.sql}, lambda {added}: [{added}]))"
    )
    inserted = f"list_concat(list_concat({before}, {added}), {behind})"
    return Value(f"CASE WHEN {source.sql} IS NOT NULL THEN list_reduce({start}, lambda {sorted_so_far}, {added}: {inserted}) END", source.type)  # fmt: skip


@special("reduce")
def _reduce(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Fold an array. The state goes along in a struct with the element, for DuckDB folds values of one type."""
    arguments("reduce", nodes, 4, 4)
    source, initial = translate(nodes[0], scope), translate(nodes[1], scope)
    _arrays("reduce", [source])
    element = source.type.elements[0]
    state, item = parameter_names(scope, 2)
    kind = initial.type
    while True:  # the state is of the type that the first and all later ones are converted to
        step = lambda_body(nodes[2], [Value(f"{state}.s", kind), Value(f"{item}.x", element)], scope)
        widened = common_type([Value("", kind), step], "states of reduce")
        if widened == kind:
            break
        kind = widened
    nothing = f"CAST(NULL AS {duckdb_type(element)})"
    unset = f"CAST(NULL AS {duckdb_type(kind)})"
    items = f"list_transform({source.sql}, lambda {item}: struct_pack(s := {unset}, x := {item}))"
    start = f"struct_pack(s := CAST({typed(initial, kind)} AS {duckdb_type(kind)}), x := {nothing})"
    fold = f"lambda {state}, {item}: struct_pack(s := CAST({typed(step, kind)} AS {duckdb_type(kind)}), x := {nothing})"
    folded = f"CASE WHEN {source.sql} IS NOT NULL THEN list_reduce(list_prepend({start}, {items}), {fold}) END"
    # The result is a lambda of the state: DuckDB takes one only over a list.
    result = lambda_body(nodes[3], [Value(state, kind)], scope)
    return Value(f"list_extract(list_transform([struct_extract({folded}, 's')], lambda {state}: {result.sql}), 1)", result.type)  # fmt: skip


@special("zip_with")
def _zip_with(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Combine two arrays, the shorter one filled up with nulls."""
    arguments("zip_with", nodes, 3, 3)
    left, right = (translate(node, scope) for node in nodes[:2])
    _arrays("zip_with", [left, right])
    (place,) = parameter_names(scope, 1)
    items = [Value(f"list_extract({one.sql}, {place})", one.type.elements[0]) for one in (left, right)]
    body = lambda_body(nodes[2], items, scope)
    return Value(_side_by_side([left, right], f"lambda {place}: {body.sql}"), array(body.type))


@special("zip")
def _zip(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    values = [translate(node, scope) for node in nodes]
    arguments("zip", nodes, 2, 5)
    _arrays("zip", values)
    (place,) = parameter_names(scope, 1)
    kind = row([None] * len(values), [value.type.elements[0] for value in values])
    pairs = zip(kind.names, values, strict=True)
    members = ", ".join(f"{quoted(name)} := list_extract({value.sql}, {place})" for name, value in pairs)
    return Value(_side_by_side(values, f"lambda {place}: struct_pack({members})"), array(kind))


def _side_by_side(values: Sequence[Value], body: str) -> str:
    lengths = ", ".join(f"len({value.sql})" for value in values)
    present = " AND ".join(f"{value.sql} IS NOT NULL" for value in values)
    return f"CASE WHEN {present} THEN list_transform(range(1, greatest({lengths}) + 1), {body}) END"


@special("sequence")
def _sequence(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Return the values from the first to the last, both included: integers, dates or timestamps."""
    arguments("sequence", nodes, 2, 3)
    first, last, *steps = (translate(node, scope) for node in nodes)
    kind = common_type([first, last], "the ends of sequence")
    if kind.name in INTEGERS:
        step = typed(steps[0], BIGINT) if steps else f"CASE WHEN {first.sql} <= {last.sql} THEN 1 ELSE -1 END"
        return Value(f"athena_sequence({typed(first, BIGINT)}, {typed(last, BIGINT)}, {step})", array(BIGINT))
    if kind.name not in ("date", "timestamp"):
        raise SqlError(f"unexpected parameters ({first.type}, {last.type}) for function sequence")
    if steps and steps[0].type.name not in (DAY_TO_SECOND, YEAR_TO_MONTH):
        raise SqlError(f"unexpected parameters ({first.type}, {last.type}, {steps[0].type}) for function sequence")
    if not steps and kind.name == "timestamp":
        raise SqlError("function sequence of timestamps takes a step")
    step = f"CASE WHEN {first.sql} <= {last.sql} THEN INTERVAL 1 DAY ELSE -INTERVAL 1 DAY END"
    if steps:
        step = whole_days(steps[0]) if kind.name == "date" else steps[0].sql
    ends = f"{_timestamp(first, kind)}, {_timestamp(last, kind)}"
    moments = f"athena_time_sequence({ends}, {step})"
    if steps and steps[0].type.name == YEAR_TO_MONTH:
        moments = f"athena_month_sequence({ends}, athena_whole_months({step}))"
    if kind.name == "date":
        moments = f"list_transform({moments}, lambda moment_v: CAST(moment_v AS DATE))"
    return Value(moments, array(kind))


def _timestamp(value: Value, kind: Type) -> str:
    return f"CAST({typed(value, kind)} AS TIMESTAMP)"


@translates(exp.Bracket)
def _subscript(node: exp.Bracket, scope: Scope) -> Value:
    only(node, "this", "expressions")
    source, (place,) = translate(node.this, scope), [translate(one, scope) for one in node.expressions]
    if source.type.name == "row":
        number = int(place.literal or 0)
        if not 1 <= number <= len(source.type.args):
            raise refuse("a row's subscript is a number, from 1 to that of its fields", node)
        return Value(
            f"struct_extract({source.sql}, '{source.type.names[number - 1]}')", source.type.elements[number - 1]
        )
    return apply(_SUBSCRIPTS["subscript"], [source, place])
