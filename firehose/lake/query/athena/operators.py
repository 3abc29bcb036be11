"""Operators: what Trino computes with +, -, *, /, %, compares, and joins with ||, by the types of both sides.

Integers overflow with an error and divide without a fraction; decimals keep exact digits by Trino's rules for precision
and scale. A text is never taken for a number or a time: comparing them is refused, as Athena refuses it.
"""

from collections.abc import Sequence

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.types import (
    BOOLEAN,
    DAY_TO_SECOND,
    DOUBLE,
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
    holds_zone,
    is_number,
    text,
)
from firehose.lake.query.athena.value import Value

_INTERVALS = (DAY_TO_SECOND, YEAR_TO_MONTH)
_ORDERED = ("<", "<=", ">", ">=")


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Return left + right, and so on.

    Raises:
        SqlError: the operator is not there for these types.
    """
    if "unknown" in (left.type.name, right.type.name) and (kind := common(left.type, right.type)):
        left, right = implicit(left, kind), implicit(right, kind)
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
        if is_number(right.type) and operator in ("*", "/"):
            return _scaled(operator, left, right)
        return _moments(operator, right, left) if operator == "+" and names[1] not in _INTERVALS else None
    if names[1] in _INTERVALS and is_number(left.type) and operator == "*":
        return _scaled(operator, right, left)
    if names[1] in _INTERVALS and operator in ("+", "-"):
        return _shifted(operator, left, right)
    if operator == "-" and {*names} <= {"date", "timestamp", TIMESTAMP_TZ}:
        return _difference(left, right)
    return None


def _scaled(operator: str, interval: Value, number: Value) -> Value:
    """Return an interval times a number or divided by one, cut to milliseconds or months."""
    if operator == "*" and number.type.name in INTEGERS:
        return Value(f"({interval.sql} * {number.sql})", interval.type)
    factor = implicit(number, DOUBLE).sql
    if interval.type.name == YEAR_TO_MONTH:
        months = f"CAST(trunc(athena_whole_months({interval.sql}) {operator} {factor}) AS INTEGER)"
        return Value(f"to_months({months})", interval.type)
    millis = f"CAST(trunc(epoch_us({interval.sql}) / 1000 {operator} {factor}) AS BIGINT)"
    return Value(f"to_microseconds({millis} * 1000)", interval.type)


def _shifted(operator: str, moment: Value, interval: Value) -> Value | None:
    match moment.type.name:
        case "date":
            return Value(f"CAST({moment.sql} {operator} {whole_days(interval)} AS DATE)", moment.type)
        case "timestamp":
            return Value(f"({moment.sql} {operator} {interval.sql})", _with_fraction(moment.type, interval.type))
        case name if name == TIMESTAMP_TZ:
            zone = f"struct_extract({moment.sql}, 'zone')"
            if interval.type.name == YEAR_TO_MONTH:
                moved = f"athena_local({moment.sql}) {operator} {interval.sql}"
                return Value(f"athena_from_local({moved}, {zone}, athena_at({moment.sql}))", moment.type)
            at = f"athena_at({moment.sql})"
            kind = _with_fraction(moment.type, interval.type)
            return Value(f"athena_tz({at} {operator} {interval.sql}, {zone})", kind)
    return None


def _with_fraction(moment: Type, interval: Type) -> Type:
    """Return the type of a time moved by an interval: milliseconds at least, where the interval has them."""
    return Type(moment.name, (max(moment.numbers[0], 3 if interval.name == DAY_TO_SECOND else 0),))


def whole_days(interval: Value) -> str:
    """Return the SQL of an interval for a date: it ends the query if it has hours, minutes or seconds."""
    return f"athena_whole_days({interval.sql})" if interval.type.name == DAY_TO_SECOND else interval.sql


def _difference(left: Value, right: Value) -> Value:
    kind = common(left.type, right.type) or left.type
    one, other = _instant(implicit(left, kind)), _instant(implicit(right, kind))
    return Value(f"(CAST({one} AS TIMESTAMP) - CAST({other} AS TIMESTAMP))", Type(DAY_TO_SECOND))


def _instant(value: Value) -> str:
    return f"athena_at({value.sql})" if value.type.name == TIMESTAMP_TZ else value.sql


def comparable(value: Value) -> str:
    """Return the SQL by which values are compared, grouped and made distinct: the instant of a time with a zone.

    Raises:
        SqlError: such a time is within the values, where DuckDB would compare the zones, too.
    """
    if value.type.elements and holds_zone(value.type):
        raise SqlError(f"not supported here: comparing values of type {value.type}; cast their times to timestamp")
    return _instant(value)


def in_some_zone(value: Value) -> str:
    """Return what a group of one instant is read as: the instant in the zone of any of its values."""
    return f"athena_tz({comparable(value)}, any_value(struct_extract({value.sql}, 'zone')))"


def once(values: Sequence[Value]) -> str:
    """Return the DISTINCT of a list of values."""
    keys = [comparable(value) for value in values if value.literal is None]
    if keys == [value.sql for value in values if value.literal is None]:
        return "DISTINCT "
    return f"DISTINCT ON ({', '.join(keys)}) "


def compared(operator: str, left: Value, right: Value) -> Value:
    """Return a comparison.

    Raises:
        SqlError: the two types are not compared, as a varchar and a date.
    """
    kind = common(left.type, right.type)
    if kind is None or kind.name == "json" or (operator in _ORDERED and kind.name == "map"):
        raise _mismatch(operator, left, right)
    one, other = implicit(left, kind), implicit(right, kind)
    if kind.elements and not operator.startswith("IS "):
        if operator in _ORDERED or kind.name == "map":
            raise SqlError(f"not supported here: {operator} between values of type {kind}; compare their elements")
        return Value(f"({'NOT ' if operator == '<>' else ''}{_equal_elements(one, other)})", BOOLEAN)
    found = f"({comparable(one)} {operator} {comparable(other)})"
    # DuckDB takes NaN for a number that is equal to itself and larger than any other.
    numbers = [
        one.sql
        for one, was in ((one, left), (other, right))
        if was.type.name in ("double", "real") and was.literal is None
    ]
    if operator == "=":  # an equality, so that a join by it is not a loop over all pairs
        nan = f" AND ({other.sql} IS NULL OR NOT isnan({one.sql}))" if len(numbers) == 2 else ""
        return Value(f"({found}{nan})" if nan else found, BOOLEAN)
    if numbers and not operator.startswith("IS "):
        is_nan = " OR ".join(f"isnan({sql})" for sql in numbers)
        unordered = f"CASE WHEN {one.sql} IS NOT NULL AND {other.sql} IS NOT NULL THEN {operator == '<>'} END"
        found = f"CASE WHEN {is_nan} THEN {unordered} ELSE {found} END"
    return Value(found, BOOLEAN)


def _equal_elements(left: Value, right: Value) -> str:
    """Return whether rows or arrays are equal: null where that depends on a null inside; DuckDB's own is never null."""
    if left.type.name == "row":
        fields = zip(left.type.names, left.type.elements, strict=True)
        pairs = (
            [Value(f"struct_extract({side.sql}, {text(name)})", kind) for side in (left, right)]
            for name, kind in fields
        )
        return f"({' AND '.join(compared('=', *pair).sql for pair in pairs)})"
    (element,) = left.type.elements
    equal = compared("=", Value("pair_e[1]", element), Value("pair_e[2]", element)).sql
    all_equal = f"athena_all(list_transform(list_zip({left.sql}, {right.sql}), lambda pair_e: {equal}))"
    missing = f"{left.sql} IS NULL OR {right.sql} IS NULL"
    return f"CASE WHEN {missing} THEN NULL WHEN len({left.sql}) <> len({right.sql}) THEN false ELSE {all_equal} END"


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
