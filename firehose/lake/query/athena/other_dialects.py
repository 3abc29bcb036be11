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

_TYPE = "AS"
_BEHIND_TYPES = (TokenType.COMMA, TokenType.L_PAREN, TokenType.R_PAREN)

# Words that an operand cannot be: [ behind one of them would begin an array.
_NO_OPERANDS = (
    *("SELECT", "DISTINCT", "ALL", "FROM", "WHERE", "BY", "HAVING", "ON", "AND", "OR", "NOT", "IN", "IS", "LIKE"),
    *("BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "AS", "VALUES"),
)
_WITHOUT_PARENTHESES = ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "LOCALTIME")

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
    calls: list[str] = []  # what stands before each parenthesis that is open, or that it is part of a cast's type
    for before, token, behind in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if message := _message(token, behind, sql):
            raise SqlError(message, token.start, token.end)
        if before and (message := _message_behind(before, token, sql)):
            raise SqlError(message, token.start, token.end)
        in_type = bool(calls) and calls[-1] == _TYPE
        if in_type and behind and behind.token_type in _BEHIND_TYPES:
            _check_type(token)
        if token.token_type == TokenType.ALIAS and calls and calls[-1] in ("CAST", "TRY_CAST"):
            calls[-1] = _TYPE
        if token.token_type == TokenType.L_PAREN:
            calls.append(_TYPE if in_type else before.text.upper() if before else "")
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
    if (before.token_type, token.token_type) == (TokenType.ALIAS, TokenType.STRING):
        return "syntax error: an alias is written in double quotes, or in none"
    words = (before.text.upper(), token.text.upper())
    if token.token_type == TokenType.L_PAREN and words[0] in _WITHOUT_PARENTHESES:
        return f"not supported here: parentheses behind {words[0]}"
    if words[0] in ("IS", "NOT") and words[1] == "UNKNOWN":
        return "syntax error: Athena has no IS UNKNOWN; write IS NULL"
    if before.token_type == TokenType.INTERVAL and re.search("[A-Za-z]", token.text):
        return "syntax error: write INTERVAL '1' DAY, the unit behind the quotes"
    if token.token_type == TokenType.L_BRACKET and not _is_operand(before):
        return "syntax error: an array is written ARRAY[...]"
    return None


def _is_operand(token: Token) -> bool:
    """Say whether a token may end an operand, whose subscript [ begins, or is the word ARRAY."""
    is_text = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING, TokenType.R_PAREN, TokenType.R_BRACKET)
    return is_text or (token.text.isidentifier() and token.text.upper() not in _NO_OPERANDS)


def _check_type(token: Token) -> None:
    known = _TYPES.get(token.text.upper())
    if known:
        message = f"Athena has no type {token.text.lower()} in a query; write {known}"
        raise SqlError(message, token.start, token.end)


def _check_offset(tokens: list[Token]) -> None:
    for limit, token in zip(tokens, tokens[2:], strict=False):
        if (limit.token_type, token.token_type) == (TokenType.LIMIT, TokenType.OFFSET):
            raise SqlError("syntax error: OFFSET stands before LIMIT", token.start, token.end)
