"""UNNEST: an array of rows gives a column a field, a map two columns, several arrays are read side by side.

DuckDB's unnest gives one column for an array of structs, so it stands in a subquery that takes the struct apart:

    CROSS JOIN UNNEST(e.images) WITH ORDINALITY AS i (url, width, n)
 -> CROSS JOIN LATERAL (SELECT struct_extract(u.u0, 'url') AS c0, struct_extract(u.u0, 'width') AS c1, u.n AS c2 FROM
      (SELECT unnest(e.images) AS u0, unnest(range(1, len(e.images) + 1)) AS n) AS u) AS r2
"""

from sqlglot import exp

from firehose.lake.query.athena.expressions import only, translate
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, Type, text
from firehose.lake.query.athena.value import Value

Columns = list[tuple[str | None, Type]]


def unnested(node: exp.Unnest, scope: Scope) -> tuple[str, Columns]:
    """Return the subquery, without parentheses, and the names and types of its columns c0, c1, ...

    Raises:
        SqlError: an argument is neither an array nor a map.
    """
    only(node, "expressions", "alias", "offset")
    values = [translate(one, scope) for one in node.expressions]
    lists: list[str] = []
    read: list[str] = []
    columns: Columns = []
    for value, argument in zip(values, node.expressions, strict=True):
        for listed, kind in _lists(value, argument):
            place = f"u.u{len(lists)}"
            lists.append(listed)
            fields = _fields(place, kind)
            read += [sql for sql, _, _ in fields]
            columns += [(name, field) for _, name, field in fields]
    inner = [f"unnest({listed}) AS u{place}" for place, listed in enumerate(lists)]
    if node.args.get("offset"):
        lengths = [f"len({listed})" for listed in lists]
        longest = f"greatest({', '.join(lengths)})" if len(lengths) > 1 else lengths[0]
        inner.append(f"unnest(range(1, {longest} + 1)) AS n")
        read.append("u.n")
        columns.append((None, BIGINT))
    selected = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(read))
    return f"SELECT {selected} FROM (SELECT {', '.join(inner)}) AS u", columns


def _lists(value: Value, argument: exp.Expr) -> list[tuple[str, Type]]:
    if value.type.name == "array":
        return [(value.sql, value.type.elements[0])]
    if value.type.name == "map":
        keys, values = value.type.elements
        return [(f"map_keys({value.sql})", keys), (f"map_values({value.sql})", values)]
    raise refuse(f"TYPE_MISMATCH: UNNEST takes arrays and maps, not {value.type}", argument)


def _fields(place: str, kind: Type) -> list[tuple[str, str | None, Type]]:
    if kind.name != "row":
        return [(place, None, kind)]
    fields = zip(kind.names, kind.fields, kind.elements, strict=True)
    return [(f"struct_extract({place}, {text(stored)})", name, member) for stored, name, member in fields]
