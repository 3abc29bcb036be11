"""Functions of JSON and of URLs."""

import re
from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import arguments, constant, require
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, JSON, VARCHAR, Type, text
from firehose.lake.query.athena.value import Value

_TABLE = """
json_parse(varchar) -> json = athena_json_parse({0})
json_format(json) -> varchar = CAST({0} AS VARCHAR)
json_array_length(json) -> bigint = athena_json_array({0})
json_array_length(varchar) -> bigint = athena_json_array(athena_json({0}))
is_json_scalar(json) -> boolean = (json_type({0}) NOT IN ('OBJECT', 'ARRAY'))
is_json_scalar(varchar) -> boolean = (json_type(athena_json({0})) NOT IN ('OBJECT', 'ARRAY'))
url_extract_protocol(varchar) -> varchar = athena_url({0}, 1)
url_extract_host(varchar) -> varchar = athena_url({0}, 2)
url_extract_port(varchar) -> bigint = TRY_CAST(nullif(athena_url({0}, 3), '') AS BIGINT)
url_extract_path(varchar) -> varchar = url_decode(replace(athena_url({0}, 4), '+', '%2B'))
url_extract_query(varchar) -> varchar = url_decode(replace(athena_url({0}, 5), '+', '%2B'))
url_extract_fragment(varchar) -> varchar = url_decode(replace(athena_url({0}, 6), '+', '%2B'))
url_extract_parameter(varchar,varchar) -> varchar = athena_url_parameter({0}, {1})
url_encode(varchar) -> varchar = replace(replace(replace(url_encode({0}), '%20', '+'), '~', '%7E'), '%2A', '*')
url_decode(varchar) -> varchar = url_decode(replace({0}, '+', ' '))
"""
add(SCALARS, _TABLE)

_STEP = re.compile(r"""\.([A-Za-z_][\w$-]*)|\["((?:[^"\\])*)"\]|\[(\d+)\]|\['([^'\\]*)'\]""")


@special("json_extract")
def _extract(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_extract")
    return Value(f"json_extract({document}, {path})", JSON)


@special("json_extract_scalar")
def _extract_scalar(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_extract_scalar")
    return Value(f"athena_json_scalar({document}, {path})", VARCHAR)


@special("json_size")
def _size(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_size")
    return Value(f"athena_json_size({document}, {path})", BIGINT)


def _document(nodes: Sequence[exp.Expr], scope: Scope, name: str) -> tuple[str, str]:
    """Return the document, null where a text is not JSON, and the path."""
    arguments(name, nodes, 2, 2)
    value = require(translate(nodes[0], scope), "json", "varchar", name=name)
    document = value.sql if value.type == JSON else f"athena_json({value.sql})"
    return document, text(_path(constant(nodes[1], scope, f"{name} with a path"), nodes[1]))


def _path(written: str, node: exp.Expr) -> str:
    """Return a path as DuckDB reads it, each name in quotes: $.a["b"][0] -> $."a"."b"[0]."""
    steps = written.removeprefix("$")
    found = list(_STEP.finditer(steps))
    if not written.startswith("$") or "".join(match[0] for match in found) != steps:
        raise refuse("not supported here: this form of JSON path; names and numbers are: $.a[0]", node)
    return "$" + "".join(f"[{match[3]}]" if match[3] else f'."{match[1] or match[2] or match[4]}"' for match in found)


@special("json_array_contains")
def _array_contains(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("json_array_contains", nodes, 2, 2)
    value = require(translate(nodes[0], scope), "json", "varchar", name="json_array_contains")
    document = value.sql if value.type == JSON else f"athena_json({value.sql})"
    wanted = translate(nodes[1], scope)
    return Value(f"CASE WHEN json_type({document}) = 'ARRAY' THEN json_contains({document}, to_json({wanted.sql})) END", Type("boolean"))  # fmt: skip
