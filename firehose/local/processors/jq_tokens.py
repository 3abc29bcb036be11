"""Splits a jq program into tokens: enough to see what jq 1.6 refuses in it.

Source: jq 1.6, src/lexer.l.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Token(NamedTuple):
    r"""A piece of a program: `kind` is word, field, variable, format, number, string or mark.

    A string with interpolations is several tokens: its text up to `\(`, the mark `\(`, the tokens inside, `)`.
    """

    kind: str
    text: str
    start: int

    @property
    def ends_term(self) -> bool:
        """True if the token can be the last one of a term such as `.a[0]`."""
        return self.kind in ("field", "variable", "format", "number", "string") or self.text in (")", "]", "}", "?")


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<field>\.[A-Za-z_]\w*)
      | (?P<variable>\$[A-Za-z_][\w:]*)
      | (?P<format>@\w+)
      | (?P<word>(?:[A-Za-z_]\w*::)*[A-Za-z_]\w*)
      | (?P<quote>")
      | (?P<mark>\?//=?|//=|//|\.\.|==|!=|<=|>=|\|=|\+=|-=|\*=|/=|%=|.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_STRING = re.compile(r'(?:[^"\\]|\\[^(])*', re.DOTALL)


def tokens(program: str) -> list[Token]:
    """Return the tokens of a program; white space and comments are left out.

    '{k: .a}' -> {, k, :, .a, }
    """
    return list(_tokens(program))


def _tokens(program: str) -> Iterator[Token]:
    place = 0
    depths: list[int] = []  # of open parentheses, in each interpolation that is open
    while place < len(program):
        found = _TOKEN.match(program, place)
        assert found is not None and found.lastgroup is not None  # noqa: PT018, S101 - the last choice takes any character
        kind, text = found.lastgroup, found[0]
        if kind == "quote" or (text == ")" and depths and depths[-1] == 0):
            if kind != "quote":
                depths.pop()
                yield Token("mark", text, place)
            body = _STRING.match(program, found.end())
            assert body is not None  # noqa: S101 - it matches nothing, too
            place = body.end() + 1
            yield Token("string", body[0], body.start())
            if program[body.end() : body.end() + 2] == "\\(":
                place += 1
                depths.append(0)
                yield Token("mark", "\\(", body.end())
            continue
        if depths:
            depths[-1] += (text == "(") - (text == ")")
        if kind != "space":
            yield Token(kind, text, place)
        place = found.end()
