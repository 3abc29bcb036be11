"""Literals, constructors and casts."""

import re

from sqlglot import exp

from firehose.lake.query.athena.casts import cast, implicit
from firehose.lake.query.athena.expressions import attempted, form, only, translate, translates
from firehose.lake.query.athena.operators import common_type
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_TO_SECOND,
    DOUBLE,
    INTEGER,
    JSON,
    REAL,
    SMALLINT,
    TIMESTAMP_TZ,
    TINYINT,
    UNKNOWN,
    VARBINARY,
    YEAR_TO_MONTH,
    Type,
    array,
    decimal,
    duckdb_type,
    quoted,
    row,
    text,
)
from firehose.lake.query.athena.value import Value, string
from firehose.lake.query.athena.zones import check_clock

_TYPES = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.TINYINT: TINYINT,
    exp.DType.SMALLINT: SMALLINT,
    exp.DType.INT: INTEGER,
    exp.DType.BIGINT: BIGINT,
    exp.DType.FLOAT: REAL,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.VARBINARY: VARBINARY,
    exp.DType.DATE: DATE,
    exp.DType.JSON: JSON,
}
_TIME = r"\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(\d{1,6}))?)?"
_MOMENT = re.compile(rf"(\d{{4,}}-\d{{1,2}}-\d{{1,2}})(?: ({_TIME}))?(?: ?([A-Za-z][\w/+-]*|[+-]\d\d:\d\d))?")
_UNITS = dict.fromkeys(("WEEK", "DAY", "HOUR", "MINUTE", "SECOND"), DAY_TO_SECOND)
_UNITS |= dict.fromkeys(("MONTH", "YEAR"), YEAR_TO_MONTH)


@translates(exp.Literal)
def _literal(node: exp.Literal, scope: Scope) -> Value:
    written = str(node.this)
    if node.is_string:
        return string(written)
    if "e" in written.lower():
        if not re.fullmatch(r"(\d+(\.\d*)?|\.\d+)[eE][+-]?\d+", written):
            raise refuse(f"invalid numeric literal: {written}", node)
        return Value(f"CAST({text(written)} AS DOUBLE)", DOUBLE, written)
    if "." in written:
        whole, _, fraction = written.partition(".")
        if not re.fullmatch(r"[+-]?\d*", whole) or not re.fullmatch(r"\d*", fraction):
            raise refuse("invalid decimal literal", node)
        digits = len(whole.lstrip("+-0")) + len(fraction)
        if digits > 38:
            raise refuse("a decimal has at most 38 digits", node)
        kind = decimal(max(digits, 1), len(fraction))
        return Value(f"CAST({text(written)} AS {duckdb_type(kind)})", kind, written)
    if not written.isdigit():
        raise refuse(f"invalid numeric literal: {written}", node)
    return whole_number(int(written), node)


def whole_number(number: int, node: exp.Expr) -> Value:
    """Return a literal of the type integer, or bigint where it does not fit.

    Raises:
        SqlError: it does not fit there, either.
    """
    if not -(2**63) <= number < 2**63:
        raise refuse(f"invalid numeric literal: {number}", node)
    kind = INTEGER if -(2**31) <= number < 2**31 else BIGINT
    is_plain = kind is INTEGER and number >= 0
    return Value(str(number) if is_plain else f"CAST({number} AS {duckdb_type(kind)})", kind, str(number))


@translates(exp.Boolean)
def _boolean(node: exp.Boolean, scope: Scope) -> Value:
    return Value("true" if node.this else "false", BOOLEAN)


@translates(exp.Null)
def _null(node: exp.Null, scope: Scope) -> Value:
    return Value("NULL", UNKNOWN)


@translates(exp.HexString)
def _hex(node: exp.HexString, scope: Scope) -> Value:
    return Value(f"unhex({text(str(node.this))})", VARBINARY)


@translates(exp.Array)
def _array(node: exp.Array, scope: Scope) -> Value:
    only(node, "expressions", "value_constructor")
    values = [translate(one, scope) for one in node.expressions]
    kind = common_type(values, "elements of an array") if values else UNKNOWN
    sql = f"[{', '.join(implicit(value, kind).sql for value in values)}]"
    return Value(sql if values else f"CAST([] AS {duckdb_type(array(kind))})", array(kind))


def row_of(values: list[Value]) -> Value:
    """Return ROW(...), whose fields have no names."""
    kind = row([None] * len(values), [value.type for value in values])
    pairs = zip(kind.names, values, strict=True)
    members = ", ".join(f"{quoted(name)} := {value.sql}" for name, value in pairs)
    return Value(f"struct_pack({members})", kind)


@translates(exp.Tuple)
def _tuple(node: exp.Tuple, scope: Scope) -> Value:
    return row_of([translate(one, scope) for one in node.expressions])


@translates(exp.Interval)
def _interval(node: exp.Interval, scope: Scope) -> Value:
    only(node, "this", "unit")
    unit = node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Var) else ""
    sign, number = ("-", node.this.this) if isinstance(node.this, exp.Neg) else ("", node.this)
    written = sign + number.name if isinstance(number, exp.Literal) else ""
    if (
        name not in _UNITS
        or not re.fullmatch(r"[+-]?\d+(\.\d{1,3})?", written)
        or ("." in written and name != "SECOND")
    ):
        raise refuse("not supported here: this form of INTERVAL; write INTERVAL '1' DAY", node)
    return Value(f"INTERVAL '{written}' {name}", Type(_UNITS[name]))


@translates(exp.Cast)
def _cast(node: exp.Cast, scope: Scope) -> Value:
    only(node, "this", "to", "safe")
    target = type_of(node.args["to"])
    literal = node.this.name if isinstance(node.this, exp.Literal) and node.this.is_string else None
    if literal is not None and target.name in ("timestamp", TIMESTAMP_TZ):
        found = _typed_literal(literal, target)
        if found:
            return found
    return cast(translate(node.this, scope), target)


@translates(exp.TryCast)
def _try_cast(node: exp.TryCast, scope: Scope) -> Value:
    only(node, "this", "to", "safe")
    target = type_of(node.args["to"])
    return attempted(lambda inner: cast(translate(node.this, inner), target), scope)


def _typed_literal(written: str, target: Type) -> Value | None:
    """Return TIMESTAMP '...' as a constant; its type has the fraction digits that it is written with."""
    match = _MOMENT.fullmatch(written.strip())
    if not match or (target.name == "timestamp" and match[4]):
        return None
    kind = Type(target.name, (max(len(match[3] or ""), target.numbers[0]) if target.numbers else 3,))
    if target.numbers and len(match[3] or "") > target.numbers[0]:
        return None
    moment = f"CAST('{match[1]} {match[2] or '00:00:00'}' AS TIMESTAMP)"
    if target.name == TIMESTAMP_TZ:
        check_clock(f"{match[1]} {match[2] or '00:00:00'}", match[4] or "UTC")
        return Value(f"athena_from_clock({moment}, {text(match[4] or 'UTC')})", kind)
    return Value(moment, kind)


def type_of(node: exp.Expr) -> Type:
    """Return the type that is written in a cast.

    Raises:
        SqlError: Trino has no such type, or DuckDB cannot hold its values.
    """
    kind = node.this
    parameters = [int(one.name) for one in node.expressions if isinstance(one, exp.DataTypeParam)]
    if kind in _TYPES and not parameters:
        return _TYPES[kind]
    match kind:
        case exp.DType.VARCHAR:
            return Type("varchar", (parameters[0] if parameters else None,))
        case exp.DType.DECIMAL:
            return decimal(*(parameters + [38, 0][len(parameters) :])[:2])
        case exp.DType.TIMESTAMP | exp.DType.TIMESTAMPTZ:
            digits = parameters[0] if parameters else 3
            if digits > 6:
                raise refuse(f"not supported here: timestamp({digits}); DuckDB has six fraction digits", node)
            return Type("timestamp" if kind == exp.DType.TIMESTAMP else TIMESTAMP_TZ, (digits,))
        case exp.DType.ARRAY:
            return array(type_of(node.expressions[0]))
        case exp.DType.MAP:
            return Type("map", (type_of(node.expressions[0]), type_of(node.expressions[1])))
        case exp.DType.STRUCT:
            return _row_type(node)
    name = str(kind.value).lower() if isinstance(kind, exp.DType) else str(kind)
    raise (
        refuse(f"not supported here: the type {name}", node) if name else SqlError(f"not supported here: {form(node)}")
    )


def _row_type(node: exp.Expr) -> Type:
    fields = [_row_field(one) for one in node.expressions]
    return row([name for name, _ in fields], [kind for _, kind in fields])


def _row_field(node: exp.Expr) -> tuple[str | None, Type]:
    return (node.name.lower(), type_of(node.args["kind"])) if isinstance(node, exp.ColumnDef) else (None, type_of(node))
