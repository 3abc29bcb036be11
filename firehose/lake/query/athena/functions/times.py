"""Functions of dates and times. The session's zone is UTC; a time with a zone keeps its own."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.casts import cast, implicit
from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.functions.calling import apply, arguments, constant, require
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.operators import common_type
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, DATE, TIMESTAMP, TIMESTAMP_TZ, VARCHAR, Type
from firehose.lake.query.athena.value import Value
from firehose.lake.query.athena.zones import check_zone

MOMENTS = ("date", "timestamp", TIMESTAMP_TZ)
_FIELDS = {
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "week": "week({0})",
    "week_of_year": "week({0})",
    "day": "day({0})",
    "day_of_month": "day({0})",
    "day_of_week": "isodow({0})",
    "dow": "isodow({0})",
    "day_of_year": "dayofyear({0})",
    "doy": "dayofyear({0})",
    "year_of_week": "isoyear({0})",
    "yow": "isoyear({0})",
}
_TIME_FIELDS = {
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second": "second({0})",
    "millisecond": "(epoch_ms({0}) % 1000 + 1000) % 1000",
}
for _name, _sql in (*_FIELDS.items(), *_TIME_FIELDS.items()):
    if _name in _FIELDS:
        add(SCALARS, f"{_name}(date) -> bigint = CAST({_sql} AS BIGINT)")
    add(SCALARS, f"{_name}(timestamp) -> bigint = CAST({_sql} AS BIGINT)")
    add(SCALARS, f"{_name}(timestamptz) -> bigint = CAST({_sql.replace('{0}', 'athena_local({0})')} AS BIGINT)")

_TABLE = """
timezone_hour(timestamptz) -> bigint = (athena_offset_minutes({0}) // 60)
timezone_minute(timestamptz) -> bigint = (athena_offset_minutes({0}) % 60)
timezone(timestamptz) -> varchar = struct_extract({0}, 'zone')
last_day_of_month(date) -> date = last_day({0})
last_day_of_month(timestamp) -> date = last_day({0})
last_day_of_month(timestamptz) -> date = last_day(athena_local({0}))
from_unixtime(double) -> timestamptz(3) = athena_tz(athena_from_unixtime({0}), 'UTC')
from_unixtime(double,varchar) -> timestamptz(3) = athena_tz(athena_from_unixtime({0}), {1})
to_unixtime(timestamp) -> double = (epoch_us({0}) / 1000000.0e0)
to_unixtime(timestamptz) -> double = (epoch_us(athena_at({0})) / 1000000.0e0)
from_iso8601_timestamp(varchar) -> timestamptz(3) = athena_from_iso({0})
from_iso8601_date(varchar) -> date = athena_iso_date({0})
year(yearmonth) -> bigint = (athena_whole_months({0}) // 12)
month(yearmonth) -> bigint = (athena_whole_months({0}) % 12)
day(daysecond) -> bigint = CAST(epoch_us({0}) // 86400000000 AS BIGINT)
hour(daysecond) -> bigint = CAST(epoch_us({0}) // 3600000000 % 24 AS BIGINT)
minute(daysecond) -> bigint = CAST(epoch_us({0}) // 60000000 % 60 AS BIGINT)
second(daysecond) -> bigint = CAST(epoch_us({0}) // 1000000 % 60 AS BIGINT)
millisecond(daysecond) -> bigint = CAST(epoch_us({0}) // 1000 % 1000 AS BIGINT)
to_milliseconds(daysecond) -> bigint = CAST(epoch_us({0}) // 1000 AS BIGINT)
"""
add(SCALARS, _TABLE)

# Seconds a unit; "date" are the units that a date has, which count by the calendar of the value's zone.
_SECONDS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DATE_UNITS = ("day", "week", *_MONTHS)


def _unit(node: exp.Expr, scope: Scope, kind: Type, name: str) -> str:
    unit = constant(node, scope, f"{name} with a unit").lower()
    if unit not in _SECONDS and unit not in _MONTHS:
        raise refuse(f"'{unit}' is not a valid TIMESTAMP field", node)
    if kind.name == "date" and unit not in _DATE_UNITS:
        raise refuse(f"'{unit}' is not a valid DATE field", node)
    return unit


def local(value: Value) -> str:
    """Return the SQL of a date or time as a clock in its zone shows it."""
    return f"athena_local({value.sql})" if value.type.name == TIMESTAMP_TZ else value.sql


def _back(sql: str, value: Value) -> Value:
    """Return a local time as a value of the type that it came from."""
    if value.type.name == TIMESTAMP_TZ:
        return Value(
            f"athena_from_local({sql}, struct_extract({value.sql}, 'zone'), athena_at({value.sql}))", value.type
        )
    return Value(f"CAST({sql} AS DATE)" if value.type == DATE else sql, value.type)


@special("date")
def _date(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("date", nodes, 1, 1)
    return cast(translate(nodes[0], scope), DATE)


@special("date_trunc")
def _date_trunc(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("date_trunc", nodes, 2, 2)
    value = require(translate(nodes[1], scope), *MOMENTS, name="date_trunc")
    unit = _unit(nodes[0], scope, value.type, "date_trunc")
    return _back(f"date_trunc('{unit}', {local(value)})", value)


@special("date_add")
def _date_add(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("date_add", nodes, 3, 3)
    value = require(translate(nodes[2], scope), *MOMENTS, name="date_add")
    unit = _unit(nodes[0], scope, value.type, "date_add")
    count = require(translate(nodes[1], scope), "tinyint", "smallint", "integer", "bigint", name="date_add")
    if unit in _MONTHS:
        step = f"to_months(CAST({count.sql} * {_MONTHS[unit]} AS INTEGER))"
    elif unit in ("day", "week"):
        step = f"to_days(CAST({count.sql} * {7 if unit == 'week' else 1} AS INTEGER))"
    else:
        step = f"to_microseconds(CAST({count.sql} AS BIGINT) * {round(_SECONDS[unit] * 1_000_000)})"
    if value.type.name == TIMESTAMP_TZ and unit not in _DATE_UNITS:
        at = f"athena_at({value.sql})"
        return Value(f"athena_tz({at} + {step}, struct_extract({value.sql}, 'zone'))", value.type)
    return _back(f"({local(value)} + {step})", value)


@special("date_diff")
def _date_diff(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Return the whole units between two times; a month ends on the day that it began on, or on its last."""
    arguments("date_diff", nodes, 3, 3)
    values = [require(translate(node, scope), *MOMENTS, name="date_diff") for node in nodes[1:]]
    kind = common_type(values, "arguments of date_diff")
    unit = _unit(nodes[0], scope, kind, "date_diff")
    first, last = (implicit(value, kind) for value in values)
    if kind.name == TIMESTAMP_TZ:
        same_zone = f"athena_tz(athena_at({last.sql}), struct_extract({first.sql}, 'zone'))"
        last = Value(same_zone, kind)
    if kind.name == TIMESTAMP_TZ and unit not in _DATE_UNITS:
        one, other = (f"athena_at({value.sql})" for value in (first, last))
    else:
        one, other = local(first), local(last)
    return Value(f"CAST({_difference(unit, one, other)} AS BIGINT)", BIGINT)


def _difference(unit: str, first: str, last: str) -> str:
    if unit == "year":
        return f"athena_years({first}, {last})"
    if unit in _MONTHS:
        return f"athena_months({first}, {last}) // {_MONTHS[unit]}"
    return f"(athena_millis({last}) - athena_millis({first})) // {round(_SECONDS[unit] * 1000)}"


def _now(digits: int) -> str:
    """Return the time at which the query began, in UTC."""
    return f"date_trunc('{'second' if digits == 0 else 'millisecond'}', timezone('UTC', now()))"


@special("now", "current_timestamp")
def _current(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("now", nodes, 0, 0)
    return Value(f"athena_tz({_now(3)}, 'UTC')", Type(TIMESTAMP_TZ, (3,)))


@translates(exp.CurrentTimestamp)
def _current_timestamp(node: exp.CurrentTimestamp, scope: Scope) -> Value:
    only(node)
    return _current([], scope)


@translates(exp.Localtimestamp)
def _local_timestamp(node: exp.Localtimestamp, scope: Scope) -> Value:
    only(node)
    return Value(_now(3), TIMESTAMP)


@translates(exp.CurrentDate)
def _current_date(node: exp.CurrentDate, scope: Scope) -> Value:
    only(node)
    return Value("CAST(timezone('UTC', now()) AS DATE)", DATE)


@special("current_timezone")
def _current_timezone(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    return Value("'UTC'", VARCHAR)


@translates(exp.Extract)
def _extract(node: exp.Extract, scope: Scope) -> Value:
    only(node, "this", "expression")
    name = node.this.name.lower()
    known = {*_FIELDS, *_TIME_FIELDS, "timezone_hour", "timezone_minute"} - {"week_of_year", "millisecond"}
    if name not in known:
        raise refuse(f"invalid EXTRACT field: {name}", node)
    return apply(SCALARS[name], [translate(node.expression, scope)])


@translates(exp.AtTimeZone)
def _at_time_zone(node: exp.AtTimeZone, scope: Scope) -> Value:
    only(node, "this", "zone")
    value = require(translate(node.this, scope), "timestamp", TIMESTAMP_TZ, name="AT TIME ZONE")
    return _in_zone(value, _zone(node.args["zone"], scope))


@special("at_timezone")
def _at_timezone(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("at_timezone", nodes, 2, 2)
    value = require(translate(nodes[0], scope), "timestamp", TIMESTAMP_TZ, name="at_timezone")
    return _in_zone(value, _zone(nodes[1], scope))


@special("with_timezone")
def _with_timezone(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("with_timezone", nodes, 2, 2)
    value = require(translate(nodes[0], scope), "timestamp", name="with_timezone")
    kind = Type(TIMESTAMP_TZ, tuple(value.type.numbers))
    return Value(f"athena_from_local({value.sql}, {_zone(nodes[1], scope)}, {value.sql})", kind)


def _in_zone(value: Value, zone: str) -> Value:
    moment = implicit(value, Type(TIMESTAMP_TZ, tuple(value.type.numbers)))
    return Value(f"athena_tz(athena_at({moment.sql}), {zone})", moment.type)


def _zone(node: exp.Expr, scope: Scope) -> str:
    """Return a zone's name.

    Raises:
        SqlError: the literal does not name a zone.
    """
    zone = require(translate(node, scope), "varchar", name="AT TIME ZONE")
    if zone.literal:
        check_zone(zone.literal, node)
    return zone.sql
