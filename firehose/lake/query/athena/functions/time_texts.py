"""Functions that print and read times by a format. The formats are in formats.py."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit, timestamp_text
from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import arguments, constant, require, typed
from firehose.lake.query.athena.functions.formats import of_java, of_mysql, parsed
from firehose.lake.query.athena.functions.registry import special
from firehose.lake.query.athena.functions.times import MOMENTS, local
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import DATE, TIMESTAMP, TIMESTAMP_TZ, VARCHAR, Type, text
from firehose.lake.query.athena.value import Value


@special("date_format")
def _date_format(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("date_format", nodes, 2, 2)
    value = require(translate(nodes[0], scope), *MOMENTS, name="date_format")
    form = of_mysql(constant(nodes[1], scope, "date_format with a format"), is_read=False)
    return Value(f"strftime({local(value)}, {text(form)})", VARCHAR)


@special("date_parse")
def _date_parse(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("date_parse", nodes, 2, 2)
    value = require(translate(nodes[0], scope), "varchar", name="date_parse")
    form = of_mysql(constant(nodes[1], scope, "date_parse with a format"), is_read=True)
    return Value(parsed(typed(value, VARCHAR), form), TIMESTAMP)


@special("format_datetime")
def _format_datetime(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("format_datetime", nodes, 2, 2)
    value = require(translate(nodes[0], scope), *MOMENTS, name="format_datetime")
    value = implicit(value, Type(TIMESTAMP_TZ, tuple(value.type.numbers or [3])))
    zones = {"%Z": f"athena_offset_text({value.sql}, '')", "%ZZ": f"athena_offset_text({value.sql}, ':')", "%ZZZ": f"struct_extract({value.sql}, 'zone')"}  # fmt: skip
    parts: list[str] = []
    plain = ""
    for part in of_java(constant(nodes[1], scope, "format_datetime with a format"), is_read=False):
        if part in zones:
            parts += [f"strftime({local(value)}, {text(plain)})"] if plain else []
            parts.append(zones[part])
            plain = ""
        else:
            plain += part
    parts += [f"strftime({local(value)}, {text(plain)})"] if plain or not parts else []
    return Value(f"({' || '.join(parts)})", VARCHAR)


@special("parse_datetime")
def _parse_datetime(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("parse_datetime", nodes, 2, 2)
    value = require(translate(nodes[0], scope), "varchar", name="parse_datetime")
    written, kind = typed(value, VARCHAR), Type(TIMESTAMP_TZ, (3,))
    *parts, last = of_java(constant(nodes[1], scope, "parse_datetime with a format"), is_read=True)
    if {"%Z", "%ZZ", "%ZZZ"} & {*parts} or last == "%ZZZ":
        raise refuse("not supported here: Z in parse_datetime that is not its last letter", nodes[1])
    if last not in ("%Z", "%ZZ"):
        return Value(f"athena_tz({_millis(parsed(written, ''.join([*parts, last])))}, 'UTC')", kind)
    moment = _millis(parsed(f"athena_before_offset({written})", "".join(parts)))
    return Value(f"athena_from_offset({moment}, athena_read_offset({written}))", kind)


def _millis(sql: str) -> str:
    return f"date_trunc('millisecond', {sql})"


@special("to_iso8601")
def _to_iso8601(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("to_iso8601", nodes, 1, 1)
    value = require(translate(nodes[0], scope), *MOMENTS, name="to_iso8601")
    if value.type == DATE:
        return Value(f"CAST({value.sql} AS VARCHAR)", VARCHAR)
    written = timestamp_text(local(value), value.type.numbers[0], "T")
    zone = f" || athena_iso_zone({value.sql})" if value.type.name == TIMESTAMP_TZ else ""
    return Value(f"({written}{zone})", VARCHAR)
