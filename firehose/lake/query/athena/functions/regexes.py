r"""Regular expressions. Trino's are Java's, DuckDB's are RE2's, which has fewer forms: the others are refused.

Where nothing matches Trino answers null and DuckDB an empty text; so also for a group that takes no part in the match.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.calling import arguments, constant, require
from firehose.lake.query.athena.functions.registry import special
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, BOOLEAN, VARCHAR, array, text
from firehose.lake.query.athena.value import Value, string

# What Java reads, and RE2 refuses (look-around, back references, possessive quantifiers) or reads otherwise.
_ONLY_JAVA = re.compile(
    r"&&|\[\[|\\[GZRXhHvVCc0-9]|\\k<|\(\?[a-z]*[xudU]|\(\?<?[=!]|\(\?>|(?<!\\)[*+?]\+|\{\d+,?\d*\}\+"
)
_TOKENS = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_BLANKS = r"\t-\r "  # RE2's \s lacks the vertical tab
_FORMS = {r"\s": f"[{_BLANKS}]", r"\S": f"[^{_BLANKS}]", r"[\s\S]": "(?s:.)", r"[\S\s]": "(?s:.)"}


def _refused(name: str, what: str) -> SqlError:
    return SqlError(f"not supported here: {name} with {what}")


def _pattern(node: exp.Expr, scope: Scope, name: str) -> Value:
    """Return a regular expression as RE2 reads it."""
    value = require(translate(node, scope), "varchar", name=name)
    if value.literal is None:
        raise _refused(name, "a regular expression that is not a literal")
    if _ONLY_JAVA.search(value.literal):
        raise _refused(name, "this form of regular expression, which only Java has")
    return string("".join(_of_re2(token, name) for token in _tokens(value.literal)))


def _tokens(pattern: str) -> list[str]:
    named = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)
    return _TOKENS.findall(named)


def _of_re2(token: str, name: str) -> str:
    if token in _FORMS or len(token) < 2 or token[0] != "[":
        return _FORMS.get(token, token)
    inside = re.sub(r"\\(.)", lambda escape: "" if escape[1] in "[]" else escape[0], token[1:-1])
    if "[" in inside or r"\S" in inside:
        raise _refused(name, r"a class within a class of characters, as [a[b]] or [\S,]")
    return token.replace(r"\s", _BLANKS)


def _guarded(source: Value, pattern: Value, name: str) -> tuple[Value, Value]:
    r"""Return the text and the pattern, the text such that it ends the query where RE2 would see something else in it.

    $ matches before a last line break, too, and \b knows all letters.
    """
    tokens = _tokens(pattern.literal or "")
    by_lines = re.search(r"\(\?[a-z]*m", pattern.literal or "")
    if name == "regexp_like" and not by_lines and tokens.count("$") == 1 and "".join(tokens).rstrip(")").endswith("$"):
        place = tokens.index("$")
        pattern = string("".join([*tokens[:place], r"(?:\n?\z)", *tokens[place + 1 :]]))
    elif "$" in tokens or by_lines:
        source = Value(f"athena_before_line_end({source.sql})", source.type)
    if {r"\b", r"\B"} & {*tokens}:
        source = Value(f"athena_in_ascii({source.sql})", source.type)
    return source, pattern


def _refuse_empty_matches(pattern: Value, name: str) -> None:
    """Refuse a pattern that may match nothing, as a*: Trino also sees that match behind another one."""
    try:
        least = re._parser.parse((pattern.literal or "").replace(r"\z", r"\Z")).getwidth()[0]  # type: ignore[attr-defined]
    except re.error:
        return
    if least == 0:
        raise _refused(name, "a regular expression that may match an empty text")


@special("regexp_like")
def _like(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_like", nodes, 2, 2)
    source, pattern, _ = _matched(nodes, scope, "regexp_like")
    return Value(f"regexp_matches({source.sql}, {pattern.sql})", BOOLEAN)


@special("regexp_count")
def _count(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_count", nodes, 2, 2)
    source, pattern, _ = _matched(nodes, scope, "regexp_count")
    _refuse_empty_matches(pattern, "regexp_count")
    return Value(f"CAST(len(regexp_extract_all({source.sql}, {pattern.sql})) AS BIGINT)", BIGINT)


@special("regexp_split")
def _split(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_split", nodes, 2, 2)
    source, pattern, _ = _matched(nodes, scope, "regexp_split")
    _refuse_empty_matches(pattern, "regexp_split")
    return Value(f"string_split_regex({source.sql}, {pattern.sql})", array(VARCHAR))


@special("regexp_extract")
def _extract(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_extract", nodes, 2, 3)
    source, pattern, group = _matched(nodes, scope, "regexp_extract")
    found = f"regexp_extract({source.sql}, {pattern.sql}, {group})"
    if group and _group_may_be_absent(pattern, group):
        found = f"nullif({found}, '')"
    return Value(f"CASE WHEN regexp_matches({source.sql}, {pattern.sql}) THEN {found} END", VARCHAR)


@special("regexp_extract_all")
def _extract_all(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_extract_all", nodes, 2, 3)
    source, pattern, group = _matched(nodes, scope, "regexp_extract_all")
    _refuse_empty_matches(pattern, "regexp_extract_all")
    found = f"regexp_extract_all({source.sql}, {pattern.sql}, {group})"
    if group and _group_may_be_absent(pattern, group):
        found = f"list_transform({found}, lambda found_v: nullif(found_v, ''))"
    return Value(found, array(VARCHAR))


def _matched(nodes: Sequence[exp.Expr], scope: Scope, name: str) -> tuple[Value, Value, int]:
    source = require(translate(nodes[0], scope), "varchar", name=name)
    source, pattern = _guarded(source, _pattern(nodes[1], scope, name), name)
    group = int(constant(nodes[2], scope, f"{name} with a group")) if len(nodes) > 2 else 0
    return source, pattern, group


def _group_may_be_absent(pattern: Value, group: int) -> bool:
    """Say whether a group may take no part in a match, as in (a)?b. RE2 gives an empty text for it.

    Raises:
        SqlError: it may, and may be empty, too, so that the two cannot be told apart.
    """
    try:
        parsed = re._parser.parse(pattern.literal or "")  # type: ignore[attr-defined]  # the library's own parser
    except re.error:
        raise SqlError("not supported here: a group of a regular expression of this form") from None
    if group > parsed.state.groups - 1:
        raise SqlError(f"the pattern has {parsed.state.groups - 1} groups; cannot access group {group}")
    absent, least = _group(parsed, group, optional=False) or (True, 0)
    if absent and least == 0:
        raise SqlError("not supported here: a group that may be empty or take no part in the match")
    return absent


def _group(parsed: Any, group: int, *, optional: bool) -> tuple[bool, int] | None:
    """Return whether a group is optional, and the least characters that it matches."""
    for operation, argument in parsed:
        name = str(operation)
        if name == "SUBPATTERN":
            if argument[0] == group:
                return optional, argument[3].getwidth()[0]
            inner = [argument[3]]
        elif name == "BRANCH":
            inner = argument[1]
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            inner = [argument[2]]
        else:
            continue
        optional_inside = optional or name == "BRANCH" or (name != "SUBPATTERN" and argument[0] == 0)
        for one in inner:
            if found := _group(one, group, optional=optional_inside):
                return found
    return None


@special("regexp_replace")
def _replace(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("regexp_replace", nodes, 2, 3)
    source, pattern, _ = _matched(nodes[:2], scope, "regexp_replace")
    if len(nodes) == 2:
        return Value(f"regexp_replace({source.sql}, {pattern.sql}, '', 'g')", VARCHAR)
    if isinstance(nodes[2], exp.Lambda):
        raise SqlError("not supported here: regexp_replace with a lambda")
    replacement = _replacement(constant(nodes[2], scope, "regexp_replace with a replacement"))
    if replacement:
        _refuse_empty_matches(pattern, "regexp_replace")
    return Value(f"regexp_replace({source.sql}, {pattern.sql}, {text(replacement)}, 'g')", VARCHAR)


def _replacement(written: str) -> str:
    r"""Return a replacement as RE2 reads it: [$1] -> [\1], \$5 -> $5."""
    found = []
    for match in re.finditer(r"\\(.)|\$(\d)|(\$.?)|(.)", written, re.DOTALL):
        escaped, group, other, plain = match.groups()
        if other:
            raise SqlError("not supported here: regexp_replace with a named group; write $1")
        found.append(f"\\{group}" if group else (escaped or plain).replace("\\", "\\\\"))
    return "".join(found)
