"""Operators: what Trino computes with +, -, *, /, %, compares, and joins with ||, by the types of both sides.

Integers overflow with an error and divide without a fraction; decimals keep exact digits by Trino's rules for precision
and scale. A text is never taken for a number or a time: comparing them is refused, as Athena refuses it.
"""

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.types import (
    BOOLEAN,
    DAY_TO_SECOND,
    INTEGERS,
    TIMESTAMP_TZ,
    VARCHAR,
    YEAR_TO_MONTH,
    Type,
    array,
    as_decimal,
    common,
    decimal,
    duckdb_type,
    is_number,
)
from firehose.lake.query.athena.value import Value

_INTERVALS = (DAY_TO_SECOND, YEAR_TO_MONTH)
_ORDERED = ("<", "<=", ">", ">=")


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Return left + right, and so on.

    Raises:
        SqlError: the operator is not there for these types.
    """
    if is_number(left.type) and is_number(right.type):
        return _numbers(operator, left, right)
    found = _moments(operator, left, right)
    if found is None:
        raise _mismatch(operator, left, right)
    return found


def _numbers(operator: str, left: Value, right: Value) -> Value:
    kind = common(left.type, right.type)
    if kind is None:
        raise _mismatch(operator, left, right)
    if kind.name == "decimal":
        return _decimals(operator, left, right)
    one, other = implicit(left, kind).sql, implicit(right, kind).sql
    if operator == "%" and kind.name in INTEGERS:
        return Value(f"CAST(athena_modulus({one}, {other}) AS {duckdb_type(kind)})", kind)
    spelled = "//" if operator == "/" and kind.name in INTEGERS else operator
    # A literal fits any integer type of DuckDB's: without the cast 1 + 1 of bigints might be an integer.
    return Value(f"CAST({one} {spelled} {other} AS {duckdb_type(kind)})", kind)


def _decimals(operator: str, left: Value, right: Value) -> Value:
    """Return a decimal's arithmetic (Trino's documentation, "Decimal functions and operators")."""
    one, other = implicit(left, as_decimal(left.type)), implicit(right, as_decimal(right.type))
    (precision, scale), (other_precision, other_scale) = one.type.numbers, other.type.numbers
    most = max(scale, other_scale)
    whole = max(precision - scale, other_precision - other_scale)
    if operator == "*":
        if scale + other_scale > 38:
            raise SqlError(f"DECIMAL scale must be in range [0, precision (38)]: {scale + other_scale}")
        kind = decimal(precision + other_precision, scale + other_scale)
    elif operator == "%":
        kind = decimal(min(precision - scale, other_precision - other_scale) + most, most)
    elif operator == "/":
        kind = decimal(precision + other_scale + max(0, other_scale - scale), most)
        return _divided(one, other, kind)
    else:
        kind = decimal(whole + most + 1, most)
    return Value(f"CAST({one.sql} {operator} {other.sql} AS {duckdb_type(kind)})", kind)


def _divided(left: Value, right: Value, kind: Type) -> Value:
    """Return the quotient to the larger scale of the two, its half rounded away from zero: exact, in integers."""
    scale, other_scale = left.type.numbers[1], right.type.numbers[1]
    shift = 10 ** (kind.numbers[1] - scale + other_scale)
    quotient = f"athena_divide_decimal(athena_unscaled({left.sql}) * {shift}, athena_unscaled({right.sql}))"
    size = kind.numbers[1]
    unit = f"CAST('{10**-size:.{size}f}' AS DECIMAL({max(size, 1)},{size}))" if size else "1"
    return Value(f"CAST(CAST({quotient} AS DECIMAL(38,0)) * {unit} AS {duckdb_type(kind)})", kind)


def _moments(operator: str, left: Value, right: Value) -> Value | None:
    """Return the arithmetic of dates, timestamps and intervals, or None if it is not such arithmetic."""
    names = (left.type.name, right.type.name)
    if names[0] in _INTERVALS:
        if names[0] == names[1] and operator in ("+", "-"):
            return Value(f"({left.sql} {operator} {right.sql})", left.type)
        if right.type.name in INTEGERS and operator in ("*",):
            return Value(f"({left.sql} * {right.sql})", left.type)
        return _moments(operator, right, left) if operator == "+" and names[1] not in _INTERVALS else None
    if names[1] in _INTERVALS and operator in ("+", "-"):
        return _shifted(operator, left, right)
    if operator == "-" and {*names} <= {"date", "timestamp", TIMESTAMP_TZ}:
        return _difference(left, right)
    return None


def _shifted(operator: str, moment: Value, interval: Value) -> Value | None:
    match moment.type.name:
        case "date":
            if interval.type.name == DAY_TO_SECOND and interval.literal != "days":
                raise SqlError("cannot add hour, minutes or seconds to a date")
            return Value(f"CAST({moment.sql} {operator} {interval.sql} AS DATE)", moment.type)
        case "timestamp":
            kind = Type("timestamp", (max(moment.type.numbers[0], 3 if interval.literal == "fraction" else 0),))
            return Value(f"({moment.sql} {operator} {interval.sql})", kind)
        case name if name == TIMESTAMP_TZ:
            zone = f"struct_extract({moment.sql}, 'zone')"
            if interval.type.name == YEAR_TO_MONTH:
                return Value(
                    f"athena_from_local(athena_local({moment.sql}) {operator} {interval.sql}, {zone})", moment.type
                )
            at = f"athena_at({moment.sql})"
            return Value(f"athena_tz({at} {operator} {interval.sql}, {zone})", moment.type)
    return None


def _difference(left: Value, right: Value) -> Value:
    kind = common(left.type, right.type) or left.type
    one, other = _instant(implicit(left, kind)), _instant(implicit(right, kind))
    return Value(f"(CAST({one} AS TIMESTAMP) - CAST({other} AS TIMESTAMP))", Type(DAY_TO_SECOND))


def _instant(value: Value) -> str:
    return f"athena_at({value.sql})" if value.type.name == TIMESTAMP_TZ else value.sql


def comparable(value: Value) -> str:
    """Return the SQL by which values are compared, grouped and made distinct: the instant of a time with a zone."""
    return _instant(value)


def compared(operator: str, left: Value, right: Value) -> Value:
    """Return a comparison.

    Raises:
        SqlError: the two types are not compared, as a varchar and a date.
    """
    kind = common(left.type, right.type)
    if kind is None or kind.name == "json" or (operator in _ORDERED and kind.name == "map"):
        raise _mismatch(operator, left, right)
    if kind.elements and operator not in ("IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        # Trino's answer is null where a null inside decides; DuckDB's is true or false.
        raise SqlError(f"not supported here: {operator} between values of type {kind}; compare their elements")
    one, other = _instant(implicit(left, kind)), _instant(implicit(right, kind))
    return Value(f"({one} {operator} {other})", BOOLEAN)


def concatenated(left: Value, right: Value) -> Value:
    """Return left || right: texts, arrays, or an array and an element."""
    if left.type.name == "varchar" and right.type.name == "varchar":
        return Value(f"({left.sql} || {right.sql})", VARCHAR)
    if left.type.name == "varbinary" and right.type.name == "varbinary":
        return Value(f"({left.sql} || {right.sql})", left.type)
    if "unknown" in (left.type.name, right.type.name) and "varchar" in (left.type.name, right.type.name):
        return Value("CAST(NULL AS VARCHAR)", VARCHAR)
    if left.type.name == "array" and (kind := common(left.type, right.type)):
        return Value(f"athena_array_concat({implicit(left, kind).sql}, {implicit(right, kind).sql})", kind)
    for one, element, sql in ((left, right, "list_append({0}, {1})"), (right, left, "list_prepend({1}, {0})")):
        if one.type.name == "array" and (kind := common(one.type, array(element.type))):
            added = sql.format(implicit(one, kind).sql, implicit(element, kind.elements[0]).sql)
            return Value(f"CASE WHEN {one.sql} IS NOT NULL THEN {added} END", kind)
    raise _mismatch("||", left, right)


def _mismatch(operator: str, left: Value, right: Value) -> SqlError:
    return SqlError(f"TYPE_MISMATCH: cannot apply operator: {left.type} {operator} {right.type}")


def boolean(value: Value, clause: str) -> str:
    """Return the SQL of a condition.

    Raises:
        SqlError: the expression is not boolean.
    """
    if value.type.name not in ("boolean", "unknown"):
        raise SqlError(f"TYPE_MISMATCH: {clause} must evaluate to a boolean, not {value.type}")
    return value.sql


def common_type(values: list[Value], what: str) -> Type:
    """Return the type that all values are implicitly converted to.

    Raises:
        SqlError: the values have no common type.
    """
    kind = values[0].type
    for value in values[1:]:
        found = common(kind, value.type)
        if found is None:
            raise SqlError(f"TYPE_MISMATCH: {what} must have one type: {kind} and {value.type}")
        kind = found
    return kind
