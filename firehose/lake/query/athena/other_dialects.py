"""Refuse what sqlglot takes and Athena does not: words of other dialects, a comma too many, names like 1a."""

import re

from sqlglot.tokenizer_core import Token, TokenType

from firehose.lake.query.athena.refusal import SqlError

_WORDS = {
    TokenType.DCOLON: "::",
    TokenType.QUALIFY: "QUALIFY",
    TokenType.DARROW: "->>",
    TokenType.FARROW: "=>",
    TokenType.RLIKE: "RLIKE",
    TokenType.NULLSAFE_EQ: "<=>",
    TokenType.ILIKE: "ILIKE",
    TokenType.GLOB: "GLOB",
    TokenType.DIV: "DIV",
    TokenType.DPIPE_SLASH: "||/",
    TokenType.AMP: "&",
    TokenType.CARET: "^",
    TokenType.TILDE: "~",
    TokenType.ISNULL: "ISNULL",
    TokenType.NOTNULL: "NOTNULL",
    TokenType.PIPE: "|",
}
_SIGNS = ("==", "!")

# Names of types that other dialects have, or Athena in DDL alone, and what a query calls them.
_TYPES = {
    "STRING": "varchar",
    "TEXT": "varchar",
    "FLOAT": "real",
    "NUMBER": "decimal",
    "BYTES": "varbinary",
    "INT64": "bigint",
    "INT8": "bigint",
    "INT4": "integer",
    "INT2": "smallint",
    "DATETIME": "timestamp",
    "FLOAT4": "real",
    "FLOAT8": "double",
    "FLOAT64": "double",
    "BOOL": "boolean",
    "BINARY": "varbinary",
}

# What cannot come behind a comma.
_ENDS = (
    *(TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT),
    *(TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.R_PAREN, TokenType.R_BRACKET),
    *(TokenType.COMMA, TokenType.SEMICOLON),
)


def refuse_other_dialects(tokens: list[Token], sql: str) -> None:
    """Refuse a token that Athena does not have, or does not have where it stands.

    Raises:
        SqlError: by the token.
    """
    calls: list[str] = []  # what stands before each parenthesis that is open
    for before, token, behind in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if message := _message(token, behind, sql):
            raise SqlError(message, token.start, token.end)
        if before and (message := _message_behind(before, token, sql)):
            raise SqlError(message, token.start, token.end)
        if before and before.token_type == TokenType.ALIAS and calls and calls[-1] in ("CAST", "TRY_CAST"):
            _check_type(token)
        if token.token_type == TokenType.L_PAREN:
            calls.append(before.text.upper() if before else "")
        elif token.token_type == TokenType.R_PAREN and calls:
            calls.pop()
    _check_offset(tokens)


def _message(token: Token, behind: Token | None, sql: str) -> str | None:
    written = sql[token.start : token.end + 1]
    if token.token_type in _WORDS or written in _SIGNS:
        return f"syntax error: Athena has no {_WORDS.get(token.token_type, written)}"
    if token.token_type == TokenType.HEX_STRING and written.startswith("0"):
        return "not supported here: hexadecimal numbers"
    if token.token_type == TokenType.NUMBER and re.search(r"[eE][+-]?\d+[+-]", written):
        return "not supported here: write blanks around an operator behind an exponent"
    if token.token_type == TokenType.COMMA and (behind is None or behind.token_type in _ENDS):
        return "syntax error: something is missing behind the comma"
    return None


def _message_behind(before: Token, token: Token, sql: str) -> str | None:
    if before.token_type == TokenType.NUMBER and before.end + 1 == token.start and sql[token.start].isidentifier():
        return f"not supported here: the number {before.text}{token.text}"
    if (before.token_type, token.token_type) == (TokenType.INTERVAL, TokenType.NUMBER):
        return "syntax error: write INTERVAL '1' DAY, with quotes"
    return None


def _check_type(token: Token) -> None:
    known = _TYPES.get(token.text.upper())
    if known:
        message = f"Athena has no type {token.text.lower()} in a query; write {known}"
        raise SqlError(message, token.start, token.end)


def _check_offset(tokens: list[Token]) -> None:
    for limit, token in zip(tokens, tokens[2:], strict=False):
        if (limit.token_type, token.token_type) == (TokenType.LIMIT, TokenType.OFFSET):
            raise SqlError("syntax error: OFFSET stands before LIMIT", token.start, token.end)
