"""Functions of JSON and of URLs."""

import re
from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.functions.calling import apply, arguments, constant, require
from firehose.lake.query.athena.functions.registry import SCALARS, add, special
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, JSON, VARCHAR, text
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

# The forms of JSON that a value of a type may be equal to.
_FORMS = {"varchar": "VARCHAR", "boolean": "BOOLEAN", "bigint": "U?BIGINT", "double": "DOUBLE"}
for _kind, _form in _FORMS.items():
    for _written, _document_sql in (("json", "{0}"), ("varchar", "athena_json({0})")):
        _contains = f"athena_json_contains({_document_sql}, '{_form}', CAST({{1}} AS VARCHAR))"
        add(SCALARS, f"json_array_contains({_written},{_kind}) -> boolean = {_contains}")

_STEP = re.compile(r"""\.([A-Za-z_][\w$-]*)|\["((?:[^"\\])*)"\]|\[(\d+)\]|\['([^'\\]*)'\]""")


@translates(exp.ParseJSON)
def _literal(node: exp.ParseJSON, scope: Scope) -> Value:
    """Return JSON '...'."""
    only(node, "this", "is_literal")
    return apply(SCALARS["json_parse"], [translate(node.this, scope)])


@special("json_extract")
def _extract(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_extract")
    return Value(f"athena_java_json(json_extract({document}, {path}))", JSON)


@special("json_extract_scalar")
def _extract_scalar(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_extract_scalar", "athena_numbers_as_texts")
    return Value(f"athena_json_scalar({document}, {path})", VARCHAR)


@special("json_size")
def _size(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    document, path = _document(nodes, scope, "json_size")
    return Value(f"athena_json_size({document}, {path})", BIGINT)


def _document(nodes: Sequence[exp.Expr], scope: Scope, name: str, read: str = "athena_json") -> tuple[str, str]:
    """Return the document, null where a text is not JSON, and the path. `read` is the macro that reads a text."""
    arguments(name, nodes, 2, 2)
    value = require(translate(nodes[0], scope), "json", "varchar", name=name)
    document = value.sql if value.type == JSON and read == "athena_json" else f"{read}({value.sql})"
    return document, text(_path(constant(nodes[1], scope, f"{name} with a path"), nodes[1]))


def _path(written: str, node: exp.Expr) -> str:
    """Return a path as DuckDB reads it, each name in quotes: $.a["b"][0] -> $."a"."b"[0]."""
    steps = written.removeprefix("$")
    found = list(_STEP.finditer(steps))
    if not written.startswith("$") or "".join(match[0] for match in found) != steps:
        raise refuse("not supported here: this form of JSON path; names and numbers are: $.a[0]", node)
    return "$" + "".join(f"[{match[3]}]" if match[3] else f'."{match[1] or match[2] or match[4]}"' for match in found)
