"""Mathematical functions. Those of decimals stay decimals, of as many digits as Trino gives them."""

from collections.abc import Sequence
from functools import partial

from sqlglot import exp

from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import apply, arguments, constant
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.operators import arithmetic
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import decimal, duckdb_type
from firehose.lake.query.athena.value import Value

_TABLE = """
abs(tinyint) -> tinyint = abs({0})
abs(smallint) -> smallint = abs({0})
abs(integer) -> integer = abs({0})
abs(bigint) -> bigint = abs({0})
abs(decimal(p,s)) -> decimal(p,s) = abs({0})
abs(real) -> real = abs({0})
abs(double) -> double = abs({0})
ceil(integer) -> integer = {0}
ceil(bigint) -> bigint = {0}
ceil(double) -> double = ceil({0})
floor(integer) -> integer = {0}
floor(bigint) -> bigint = {0}
floor(double) -> double = floor({0})
round(integer) -> integer = {0}
round(bigint) -> bigint = {0}
round(tinyint,integer) -> tinyint = round({0}, {1})
round(smallint,integer) -> smallint = round({0}, {1})
round(integer,integer) -> integer = round({0}, {1})
round(bigint,integer) -> bigint = round({0}, {1})
round(double) -> double = round({0})
round(double,integer) -> double = round({0}, {1})
truncate(double) -> double = trunc({0})
sign(integer) -> integer = CAST(sign({0}) AS INTEGER)
sign(bigint) -> bigint = CAST(sign({0}) AS BIGINT)
sign(double) -> double = CAST(sign({0}) AS DOUBLE)
power(double,double) -> double = power({0}, {1})
pow(double,double) -> double = power({0}, {1})
sqrt(double) -> double = CASE WHEN {0} < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt({0}) END
cbrt(double) -> double = athena_cbrt({0})
exp(double) -> double = exp({0})
ln(double) -> double = CASE WHEN {0} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN {0} < 0 THEN CAST('NaN' AS DOUBLE) ELSE ln({0}) END
log2(double) -> double = CASE WHEN {0} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN {0} < 0 THEN CAST('NaN' AS DOUBLE) ELSE log2({0}) END
log10(double) -> double = CASE WHEN {0} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN {0} < 0 THEN CAST('NaN' AS DOUBLE) ELSE log10({0}) END
log(double,double) -> double = (ln({1}) / ln({0}))
e() -> double = exp(CAST(1 AS DOUBLE))
pi() -> double = pi()
nan() -> double = CAST('NaN' AS DOUBLE)
infinity() -> double = CAST('Infinity' AS DOUBLE)
is_nan(double) -> boolean = isnan({0})
is_finite(double) -> boolean = isfinite({0})
is_infinite(double) -> boolean = isinf({0})
degrees(double) -> double = degrees({0})
radians(double) -> double = radians({0})
sin(double) -> double = sin({0})
cos(double) -> double = cos({0})
tan(double) -> double = tan({0})
asin(double) -> double = asin({0})
acos(double) -> double = acos({0})
atan(double) -> double = atan({0})
atan2(double,double) -> double = atan2({0}, {1})
bitwise_and(bigint,bigint) -> bigint = ({0} & {1})
bitwise_or(bigint,bigint) -> bigint = ({0} | {1})
bitwise_xor(bigint,bigint) -> bigint = xor({0}, {1})
bitwise_not(bigint) -> bigint = (~{0})
from_base(varchar,bigint) -> bigint = athena_from_base(lower({0}), CAST({1} AS INTEGER))
to_base(bigint,bigint) -> varchar = CASE WHEN {0} < 0 THEN '-' ELSE '' END || lower(to_base(abs({0}), CAST({1} AS INTEGER)))
width_bucket(double,double,double,bigint) -> bigint = athena_width_bucket({0}, {1}, {2}, {3})
width_bucket(double,array(double)) -> bigint = CAST(len(list_filter({1}, lambda bin_v: bin_v <= {0})) AS BIGINT)
"""
add(SCALARS, _TABLE)

for _name in ("random", "rand"):
    add(SCALARS, f"{_name}() -> double = random()")
    for _kind in ("integer", "bigint"):
        add(SCALARS, f"{_name}({_kind}) -> {_kind} = CAST(floor(random() * {{0}}) AS {{R}})")
        add(SCALARS, f"{_name}({_kind},{_kind}) -> {_kind} = CAST({{0}} + floor(random() * ({{1}} - {{0}})) AS {{R}})")


@special("round")
def _round(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("round", nodes, 1, 2)
    value, *digits = (translate(node, scope) for node in nodes)
    if value.type.name != "decimal":
        return apply(SCALARS["round"], [value, *digits])
    precision, scale = value.type.numbers
    if digits:
        # DuckDB's round of a decimal takes a constant.
        places = int(constant(nodes[1], scope, "round of a decimal to a number of digits"))
        wide = decimal(precision + 1, scale)
        return Value(f"CAST(round(CAST({value.sql} AS {duckdb_type(wide)}), {places}) AS {duckdb_type(wide)})", wide)
    whole = decimal(precision - scale + min(scale, 1), 0)
    return Value(f"CAST({value.sql} AS {duckdb_type(whole)})", whole)


def _whole(name: str, nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments(name, nodes, 1, 1)
    value = translate(nodes[0], scope)
    if value.type.name != "decimal":
        return apply(SCALARS[name], [value])
    precision, scale = value.type.numbers
    whole = decimal(precision - scale + min(scale, 1), 0)
    function = "trunc" if name == "truncate" else name
    return Value(f"CAST({function}({value.sql}) AS {duckdb_type(whole)})", whole)


for _name, _function in (("ceil", "ceil"), ("ceiling", "ceil"), ("floor", "floor"), ("truncate", "truncate")):
    special(_name)(partial(_whole, _function))


@special("mod")
def _mod(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("mod", nodes, 2, 2)
    return arithmetic("%", translate(nodes[0], scope), translate(nodes[1], scope))


@special("sign")
def _sign(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("sign", nodes, 1, 1)
    value = translate(nodes[0], scope)
    if value.type.name != "decimal":
        return apply(SCALARS["sign"], [value])
    return Value(f"CAST(sign({value.sql}) AS DECIMAL(1,0))", decimal(1, 0))
