"""Functions of texts and of bytes."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.casts import as_text
from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.functions.calling import apply, typed
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.operators import concatenated
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import VARCHAR
from firehose.lake.query.athena.value import Value

_TABLE = """
lower(varchar(x)) -> varchar(x) = lower({0})
upper(varchar(x)) -> varchar(x) = replace(upper({0}), 'ẞ', 'ß')
length(varchar) -> bigint = length({0})
length(varbinary) -> bigint = CAST(octet_length({0}) AS BIGINT)
substr(varchar(x),bigint) -> varchar(x) = athena_substr({0}, {1})
substr(varchar(x),bigint,bigint) -> varchar(x) = athena_substring({0}, {1}, {2})
substring(varchar(x),bigint) -> varchar(x) = athena_substr({0}, {1})
substring(varchar(x),bigint,bigint) -> varchar(x) = athena_substring({0}, {1}, {2})
strpos(varchar,varchar) -> bigint = CAST(strpos({0}, {1}) AS BIGINT)
replace(varchar,varchar) -> varchar = replace({0}, {1}, '')
replace(varchar,varchar,varchar) -> varchar = athena_replace({0}, {1}, {2})
reverse(varchar(x)) -> varchar(x) = athena_reverse({0})
reverse(array(T)) -> array(T) = list_reverse({0})
split(varchar,varchar) -> array(varchar) = athena_split({0}, {1})
split(varchar,varchar,bigint) -> array(varchar) = athena_split_limit({0}, {1}, {2})
split_part(varchar,varchar,bigint) -> varchar = athena_split_part({0}, {1}, {2})
split_to_map(varchar,varchar,varchar) -> map(varchar,varchar) = athena_split_to_map({0}, {1}, {2})
starts_with(varchar,varchar) -> boolean = starts_with({0}, {1})
lpad(varchar,bigint,varchar) -> varchar = athena_pad({0}, {1}, {2}, lpad({0}, CAST({1} AS INTEGER), {2}))
rpad(varchar,bigint,varchar) -> varchar = athena_pad({0}, {1}, {2}, rpad({0}, CAST({1} AS INTEGER), {2}))
chr(bigint) -> varchar(1) = chr(CAST({0} AS INTEGER))
codepoint(varchar) -> integer = unicode({0})
translate(varchar,varchar,varchar) -> varchar = translate({0}, {1}, {2})
levenshtein_distance(varchar,varchar) -> bigint = levenshtein({0}, {1})
hamming_distance(varchar,varchar) -> bigint = hamming({0}, {1})
to_utf8(varchar) -> varbinary = encode({0})
from_utf8(varbinary) -> varchar = decode({0})
to_hex(varbinary) -> varchar = hex({0})
from_hex(varchar) -> varbinary = unhex({0})
to_base64(varbinary) -> varchar = to_base64({0})
from_base64(varchar) -> varbinary = from_base64({0})
md5(varbinary) -> varbinary = unhex(md5({0}))
sha1(varbinary) -> varbinary = unhex(sha1({0}))
sha256(varbinary) -> varbinary = unhex(sha256({0}))
"""
add(SCALARS, _TABLE)

for _name in ("trim", "ltrim", "rtrim"):
    add(SCALARS, f"{_name}(varchar(x)) -> varchar(x) = {_name}({{0}}, athena_blanks())")
    add(SCALARS, f"{_name}(varchar(x),varchar) -> varchar(x) = {_name}({{0}}, {{1}})")


@special("concat")
def _concat(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Join texts or arrays; null where one of them is."""
    values = [translate(node, scope) for node in nodes]
    if len(values) < 2:
        raise SqlError("function concat takes two or more arguments")
    joined = values[0]
    for value in values[1:]:
        if {joined.type.name, value.type.name} - {"varchar", "array", "varbinary", "unknown"}:
            raise SqlError(f"unexpected parameters ({joined.type}, {value.type}) for function concat")
        joined = concatenated(joined, value)
    return joined


@special("concat_ws")
def _concat_ws(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Join texts with a separator between them, nulls left out."""
    separator, *values = (translate(node, scope) for node in nodes)
    if len(values) == 1 and values[0].type.name == "array":
        return Value(f"athena_join({values[0].sql}, {separator.sql})", VARCHAR)
    for value in (separator, *values):
        if value.type.name not in ("varchar", "unknown"):
            raise SqlError(f"unexpected parameters ({value.type}) for function concat_ws; expected: varchar")
    return Value(f"CASE WHEN {separator.sql} IS NOT NULL THEN concat_ws({', '.join(typed(one, VARCHAR) for one in (separator, *values))}) END", VARCHAR)  # fmt: skip


@special("array_join")
def _array_join(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Join the elements as texts; nulls are left out, or replaced by the third argument."""
    values = [translate(node, scope) for node in nodes]
    if len(values) not in (2, 3) or values[0].type.name != "array":
        raise SqlError(
            "unexpected parameters for function array_join; expected: array_join(array(T), varchar[, varchar])"
        )
    printed = as_text("joined_v", values[0].type.elements[0])
    if len(values) == 3:
        printed = f"coalesce({printed}, {typed(values[2], VARCHAR)})"
    listed = f"list_transform({values[0].sql}, lambda joined_v: {printed})"
    return Value(f"athena_join({listed}, {typed(values[1], VARCHAR)})", VARCHAR)


@translates(exp.StrPosition)
def _position(node: exp.StrPosition, scope: Scope) -> Value:
    only(node, "this", "substr")
    return apply(SCALARS["strpos"], [translate(node.this, scope), translate(node.args["substr"], scope)])


@translates(exp.Substring)
def _substring(node: exp.Substring, scope: Scope) -> Value:
    only(node, "this", "start", "length")
    parts = (node.this, node.args.get("start"), node.args.get("length"))
    return apply(SCALARS["substr"], [translate(one, scope) for one in parts if one is not None])


@translates(exp.Trim)
def _trim(node: exp.Trim, scope: Scope) -> Value:
    only(node, "this", "position", "expression")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "trim")
    parts = [node.this, *([node.expression] if node.expression else [])]
    return apply(SCALARS[name], [translate(one, scope) for one in parts])
