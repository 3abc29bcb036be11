"""Makes the jq that is here, 1.8, answer as jq 1.6, which Firehose runs (guide, "Understand partitioning keys").

Four things differ, found by running both over some six hundred programs:

Programs that 1.6 does not compile. `check` looks at the tokens of a program for later functions (`trim`), `if` without
`else`, an index after a dot (`.a.[0]`), and object values that 1.6 wants in parentheses (`{k: .a // "x"}`).

Numbers. 1.6 reads each as a double and writes it with 17 digits at most; 1.8 keeps its text: 1.10 stays 1.10. Here all
numbers of a record, and of what a program parses, are multiplied by one.

Functions that do something else, or are gone: `PRELUDE` defines them anew. jq compiles operators and formats to calls,
too: `%` and `*` to `_mod` and `_multiply`, `@uri` to `format`. Two functions never end in 1.6 for some arguments, such
as `gsub("^"; "x")`; here they fail, as by a time limit.

An index with a fraction: null in 1.6, rounded down in 1.8. What is no plain number or string in `.[...]` gets `_index`.

Left as it is: the sign of zero, and an index with a fraction that is assigned to.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from firehose.local.processors.jq_tokens import Token, tokens


class QueryError(ValueError):
    """A query that jq 1.6 does not compile; the message is jq's own, or about what 1.6 does not know."""


# By arity. Found by `builtins` of both, which do not list all.
_LATER = frozenset(
    {
        "abs/0", "add/1", "debug/1", "have_decnum/0", "have_literal_numbers/0", "ltrim/0", "pick/1", "rtrim/0",
        "scan/2", "skip/2", "toarray/0", "toboolean/0", "trim/0", "trimstr/1",
    }
)  # fmt: skip

_DEFINITIONS = r"""
    def _doubles: if type == "number" then . * 1 elif type == "array" or type == "object" then map_values(_doubles)
        else . end;
    def _remainder(a; b): a % b; def _int64: if type != "number" then . elif isnan or . >= 9223372036854775808
        or . < -9223372036854775808 then -9223372036854775808 else . end;
    def _mod(a; b): b as $b | a as $a | _remainder($a | _int64; $b | _int64);
    def _times(a; b): a * b;
    def _repeat($text; $count): if $count > 0 then _times($text; [1, $count] | max) else null end;
    def _multiply(a; b): b as $b | a as $a | [$a, $b | type] | if . == ["string", "number"] then _repeat($a; $b)
        elif . == ["number", "string"] then _repeat($b; $a) else _times($a; $b) end;
    def _index: if type == "number" and . != floor then infinite else . end;
    def _format($form): format($form);
    def format($form): _format($form) | if $form == "uri" then reduce ("!", "'", "(", ")", "*") as $kept
        (.; split($kept | _format("uri")) | join($kept)) else . end;
    def _fromjson: fromjson; def fromjson: _fromjson | _doubles;
    def tonumber: if type == "number" then .
        elif type == "string" then fromjson | if type == "number" then . else error("no number") end
        else error("no number") end;
    def ltrimstr($x): if type == "string" and ($x | type) == "string" and startswith($x) then .[($x | length):]
        else . end;
    def rtrimstr($x): if type == "string" and ($x | type) == "string" and endswith($x) and $x != ""
        then .[:length - ($x | length)] else . end;
    def _indices($x): indices($x);
    def indices($x): if type == "string" and ($x | type) == "string" then
            if $x == "" then error("endless") else ($x | utf8bytelength) as $bytes
            | [foreach split($x)[:-1][] as $part (-$bytes; . + $bytes + ($part | utf8bytelength))] end
        else _indices($x) end;
    def index($x): indices($x) | .[0];
    def rindex($x): indices($x) | .[-1:][0];
    def limit($n; f): if $n < 0 then f
        else label $out | foreach f as $one (0; . + 1; $one, if . >= $n then break $out else empty end) end;
    def _sub($re; str; $flags): sub($re; str; $flags);
    def _rest($re; str; $flags): . as $in | [match($re; $flags)][0] as $found
        | if $found == null then $in else
            ([$found.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries) as $captures
            | $in[$found.offset + $found.length:] as $rest
            | if $rest == $in and $in != "" then error("endless")
              else $in[:$found.offset] + ($captures | str)
                + (if $rest == "" then "" else ($rest | _rest($re; str; $flags)) end) end end;
    def sub($re; str; $flags): if ($flags // "") | contains("g")
        then _rest($re; str; ($flags | split("g") | join(""))) else _sub($re; str; $flags) end;
    def sub($re; str): sub($re; str; "");
    def gsub($re; str; $flags): sub($re; str; ($flags // "") + "g");
    def gsub($re; str): gsub($re; str; "");
    def _mktime: mktime;
    def mktime: if type == "array" and length < 6 then error("no time") else _mktime end;
    def _strftime($form): strftime($form);
    def strftime($form): if type == "array" and length < 6 then error("no time")
        else _strftime(if $form | type == "string" then $form | _sub("(?<pair>%%)|%Z"; .pair // "UTC"; "g")
            else $form end) end;
    def todate: strftime("%Y-%m-%dT%H:%M:%SZ"); def todateiso8601: todate;
    def leaf_paths: paths(scalars);
    def recurse_down: recurse;
    def input_filename: null;
    def scalars_or_empty: select(. == null or . == true or . == false or type == "number" or type == "string");
"""

_OPENING = ("(", "[", "{", "\\(")
_CLOSING = (")", "]", "}")

# On one line, so that `$__loc__` counts the query's own.
PRELUDE = " ".join(_DEFINITIONS.split())


def for_1_6(query: str) -> str:
    """Return the query with its numbers as doubles and its indices checked, to stand behind `PRELUDE`.

    '{k: 1.10, l: .l[.n]}' -> '{k: (1.10|.*1), l: .l[(.n)|_index]}'

    Raises:
        QueryError: jq 1.6 does not compile it.
    """
    found = tokens(query)
    check(found)
    edits = sorted([*_doubled_numbers(found), *_computed_indices(found)])
    ends = [0, *(place + len(before) for place, before, _ in edits)]
    starts = [*(place for place, _, _ in edits), len(query)]
    kept = [query[end:start] for end, start in zip(ends, starts, strict=True)]
    return kept[0] + "".join(after + rest for (_, _, after), rest in zip(edits, kept[1:], strict=True))


# Words that an array may follow: any other is the call of a function, which is indexed.
_BEFORE_TERM = frozenset(
    ("and", "or", "if", "then", "elif", "else", "as", "reduce", "foreach", "try", "catch", "import", "include")
)

# A place in a query, the text there, and that in its place.
_Edit = tuple[int, str, str]


def _doubled_numbers(found: Sequence[Token]) -> Iterator[_Edit]:
    for token in found:
        # Whole numbers of 15 digits are doubles of the same text.
        if token.kind == "number" and not re.fullmatch(r"\d{1,15}", token.text):
            # Behind a pipe, so that jq does not compute with it while it compiles, by its own operators.
            yield token.start, token.text, f"({token.text}|.*1)"


def _computed_indices(found: Sequence[Token]) -> Iterator[_Edit]:
    """Yield the edits of ".[E]" to ".[(E)|_index]". Slices, strings and whole numbers stay as they are."""
    opened: list[int] = []
    for place, token in enumerate(found):
        if token.kind != "mark":
            continue
        if token.text in _OPENING:
            opened.append(place)
        elif token.text in _CLOSING and opened:
            start = opened.pop()
            if token.text == "]" and _is_computed_index(found, start, place):
                yield found[start].start + 1, "", "("
                yield token.start, "", ")|_index"


def _is_computed_index(found: Sequence[Token], start: int, end: int) -> bool:
    """Return True if the brackets at two places index a term, by more than a string or a whole number."""
    before, inside = found[start - 1] if start else None, found[start + 1 : end]
    called = before is not None and before.kind == "word" and before.text not in _BEFORE_TERM
    indexes = before is not None and (called or before.ends_term or before.text == ".")
    plain = len(inside) == 1 and (inside[0].kind == "string" or inside[0].text.isdigit())
    return indexes and bool(inside) and not plain and not _is_slice(inside)


def _is_slice(inside: Sequence[Token]) -> bool:
    depth = 0
    for token in inside:
        if token.kind == "mark":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if token.text == ":" and depth == 0:
                return True
    return False


def check(found: Sequence[Token]) -> None:
    """Refuse a program that jq 1.6 does not compile, though a later one may.

    Raises:
        QueryError: naming what 1.6 does not know.
    """
    if not found:
        return
    around = [Token("mark", "", 0), *found, Token("mark", "", 0)]
    for reason in (_later_function(around), _if_without_else(found), _index_after_dot(around), _bare_value(found)):
        if reason:
            raise QueryError(f"jq 1.6 does not compile it: {reason}")


def _later_function(around: Sequence[Token]) -> str:
    own = {name.text for before, name in pairwise(around) if before.text == "def"}
    braces = _brackets(around)
    for place in range(1, len(around) - 1):
        before, token, after = around[place - 1 : place + 2]
        shorthand = braces[place] == "{" and before.text in "{," and after.text in "},"
        if token.kind != "word" or token.text in own or after.text == ":" or shorthand:
            continue
        name = f"{token.text}/{_arity(around, place + 1)}"
        if name in _LATER:
            return f"{name} is not defined"
    return ""


def _brackets(around: Sequence[Token]) -> list[str]:
    """Return the innermost open bracket before each token."""
    opened = [""]
    innermost = []
    for token in around:
        innermost.append(opened[-1])
        if token.kind == "mark" and token.text in _OPENING:
            opened.append(token.text)
        elif token.kind == "mark" and token.text in _CLOSING and len(opened) > 1:
            opened.pop()
    return innermost


def _arity(around: Sequence[Token], start: int) -> int:
    if around[start].text != "(":
        return 0
    depth, arity = 0, 1
    for token in around[start:]:
        depth += (token.text in ("(", "\\(")) - (token.text == ")")
        arity += depth == 1 and token.text == ";"
        if depth == 0:
            break
    return arity


def _if_without_else(found: Sequence[Token]) -> str:
    has_else: list[bool] = []
    for token in found:
        if token.kind != "word":
            continue
        if token.text == "if":
            has_else.append(False)
        elif token.text == "else" and has_else:
            has_else[-1] = True
        elif token.text == "end" and has_else and not has_else.pop():
            return "`if` needs `else`"
    return ""


def _index_after_dot(around: Sequence[Token]) -> str:
    for before, dot, after in zip(around, around[1:], around[2:], strict=False):
        if dot.text == "." and after.text == "[" and (before.ends_term or before.kind == "word"):
            return "`.[` after a term: write .a[0], not .a.[0]"
    return ""


# Of the values of an object; all else needs parentheses there.
_OPERATORS = frozenset(
    ("+", "*", "/", "%", "//", "?//", "==", "!=", "<", "<=", ">", ">=", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//=")
)
_NO_TERMS = frozenset(("and", "or", "if", "reduce", "foreach", "try", "def", "as", "label"))


def _bare_value(found: Sequence[Token]) -> str:
    for before, token in _values(found):
        binary_minus = token.text == "-" and (before.ends_term or before.kind == "word")
        if token.text in _OPERATORS or binary_minus or (token.kind == "word" and token.text in _NO_TERMS):
            return f"`{token.text}` in a value of an object: put the value in parentheses"
        if token.text == "$__loc__" and before.text in "{,":
            return "$__loc__ as a key of an object"
    return ""


def _values(found: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Yield the tokens that stand in an object itself, in no other bracket, each with the one before."""
    innermost = _brackets(found)
    for before, token, bracket in zip(found, found[1:], innermost[1:], strict=False):
        if bracket == "{" and token.kind != "string":
            yield before, token
