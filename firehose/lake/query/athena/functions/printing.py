"""format(): Java's format of texts and numbers, as far as it means the same here."""

import re
from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.casts import as_text
from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import constant
from firehose.lake.query.athena.functions.registry import special
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import INTEGERS, VARCHAR, text
from firehose.lake.query.athena.value import Value

_PART = re.compile(r"%(?P<flag>[,0]?)(?P<width>\d*)(?:\.(?P<digits>\d+))?(?P<letter>[a-zA-Z%])|(?P<plain>[^%]+)|%")


@special("format")
def _format(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    if not nodes:
        raise SqlError("function format takes a format")
    written = constant(nodes[0], scope, "format with a format")
    values = [translate(node, scope) for node in nodes[1:]]
    parts, used = [], 0
    for match in _PART.finditer(written):
        if match["plain"] is not None:
            parts.append(text(match["plain"]))
        elif match[0] == "%%":
            parts.append("'%'")
        elif used >= len(values):
            raise refuse("format has more specifiers than arguments", nodes[0])
        else:
            parts.append(_printed(match, values[used], nodes[0]))
            used += 1
    return Value(f"({' || '.join(parts) or text('')})", VARCHAR)


def _printed(match: re.Match[str], value: Value, node: exp.Expr) -> str:
    kind, flag, width, digits = value.type.name, match["flag"], match["width"], match["digits"]
    match match["letter"]:
        case "s" if not flag and digits is None and kind in ("varchar", "boolean", "date", "decimal", *INTEGERS):
            printed = as_text(value.sql, value.type)
            return f"lpad({printed}, greatest(length({printed}), {width}), ' ')" if width else printed
        case "d" if kind in INTEGERS and digits is None:
            specifier = f"{{:{'0' if flag == '0' else ''}{width}{',' if flag == ',' else ''}d}}"
            return f"format('{specifier}', {value.sql})"
        case "f" if kind in ("decimal", "double", "real") and flag != "0" and not width:
            places = int(digits or 6)
            # Java rounds the shortest digits that tell a double apart, half up; so does this cast of its text.
            rounded = f"CAST(CAST({value.sql} AS VARCHAR) AS DECIMAL(38,{places}))"
            return f"format('{{:,.{places}f}}', CAST({rounded} AS DOUBLE))" if flag else f"CAST({rounded} AS VARCHAR)"
    raise refuse(f"not supported here: {match[0]} of a {value.type} in format", node)
