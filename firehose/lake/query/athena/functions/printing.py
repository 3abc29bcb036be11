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

_PART = re.compile(
    r"%(?:(?P<place>\d+)\$)?(?P<flags>[-,0]*)(?P<width>\d*)(?:\.(?P<digits>\d+))?(?P<letter>[a-zA-Z%])|(?P<plain>[^%]+)|%"
)


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
        elif match["letter"] is None:
            raise refuse("not supported here: this form of format", nodes[0])
        else:
            used += not match["place"]
            place = int(match["place"] or used)
            if not 0 < place <= len(values):
                raise refuse("format has more specifiers than arguments", nodes[0])
            parts.append(_padded(match, _printed(match, values[place - 1], nodes[0])))
    return Value(f"({' || '.join(parts) or text('')})", VARCHAR)


def _padded(match: re.Match[str], printed: str) -> str:
    """Return a text at its width; a null is printed as such, cut to the digits that are asked for."""
    missing = "null" if match["digits"] is None else "null"[: int(match["digits"])]
    filled = f"coalesce({printed}, {text(missing)})"
    if not match["width"]:
        return filled
    pad = "rpad" if "-" in match["flags"] else "lpad"
    return f"{pad}({filled}, CAST(greatest(length({filled}), {match['width']}) AS INTEGER), ' ')"


def _printed(match: re.Match[str], value: Value, node: exp.Expr) -> str:
    kind, flags, digits = value.type.name, match["flags"].replace("-", ""), match["digits"]
    match match["letter"]:
        case "s" if not flags and kind in ("varchar", "boolean", "date", "decimal", "unknown", *INTEGERS):
            printed = as_text(value.sql, value.type)
            return f"left({printed}, {digits})" if digits else printed
        case "b" if not flags and kind == "boolean" and not digits:
            return as_text(value.sql, value.type)
        case "d" if kind in INTEGERS and digits is None:
            zeros = f"0{match['width']}" if "0" in flags else ""
            return f"format('{{:{zeros}{',' if ',' in flags else ''}d}}', {value.sql})"
        case "f" if kind in ("decimal", "double", "real") and "0" not in flags:
            places = int(digits or 6)
            # Java rounds the shortest digits that tell a double apart, half up; so does this cast of its text.
            rounded = f"CAST(CAST({value.sql} AS VARCHAR) AS DECIMAL(38,{places}))"
            return f"format('{{:,.{places}f}}', CAST({rounded} AS DOUBLE))" if flags else f"CAST({rounded} AS VARCHAR)"
    raise refuse(f"not supported here: {match[0]} of a {value.type} in format", node)
