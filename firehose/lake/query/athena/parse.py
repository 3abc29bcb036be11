"""Athena's SQL as sqlglot's syntax tree.

The parser is sqlglot's for Athena's DML (its engine 3 is Trino), with one change: a function call stays a call under
the name that Trino gives it. sqlglot would turn it into a node common to thirty dialects, and forget on the way what
sets Trino's function apart. functions/ says what a call means; an unknown one is refused.

Names and types are resolved in this package, not by sqlglot's optimizer, which knows neither the columns that an UNNEST
of rows gives, nor the types of a lambda's parameters, nor Trino's rules for decimals.
"""

import logging
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.athena import AthenaTrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from firehose.lake.query.athena.other_dialects import refuse_other_dialects
from firehose.lake.query.athena.refusal import SqlError, did_you_mean

_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE")

# Calls whose arguments are separated by words and not by commas alone.
_KEYWORD_CALLS = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "LISTAGG")


class _Athena(Trino):
    INDEX_OFFSET = 0  # subscripts stay as they are written, from 1

    class Parser(AthenaTrinoParser):
        JOINS_HAVE_EQUAL_PRECEDENCE = True  # a comma is a CROSS JOIN, and so differs from JOIN alone
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: AthenaTrinoParser.FUNCTION_PARSERS[name] for name in _KEYWORD_CALLS
        }
        TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
            **AthenaTrinoParser.TYPE_LITERAL_PARSERS,
            exp.DType.DECIMAL: lambda _, this, __: _decimal_literal(this),
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CASE": AthenaTrinoParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
        }


def _decimal_literal(this: exp.Expr) -> exp.Expr:
    """Return DECIMAL '1.50' as the number 1.50: its type has the digits that it is written with, as no cast has."""
    number = exp.Literal.number(this.name if "." in this.name else f"{this.name}.")
    number.meta.update(this.meta)
    return number


def parse(sql: str) -> exp.Expr:
    """Return the syntax tree of the one statement.

    Raises:
        SqlError: the SQL cannot be parsed, or sqlglot warns of it, or there is not one statement.
    """
    warnings = _Warnings()
    logger = logging.getLogger("sqlglot")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(warnings)
    try:
        tokens = _Athena().tokenize(sql)
        _refuse_other_statements(tokens)
        refuse_other_dialects(tokens, sql)
        statements = [one for one in _Athena().parser().parse(tokens, sql) if one is not None]
    except ParseError as error:
        raise _refused(error, sql) from None
    except TokenError:
        raise SqlError("syntax error: a text, a name or a comment is not closed") from None
    except RecursionError:
        raise SqlError("not supported here: SQL nested as deep as this") from None
    finally:
        logger.removeHandler(warnings)
        logger.propagate = propagate
    if warnings.messages:
        raise SqlError(f"not supported here: {warnings.messages[0]}")
    if len(statements) != 1:
        raise SqlError("no query in this SQL" if not statements else "Athena takes one statement at a time")
    return statements[0]


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().partition("\n")[0])


def _refuse_other_statements(tokens: list[Token]) -> None:
    first = tokens[0] if tokens else None
    if first is None or first.text.upper() in _QUERIES or first.token_type in (TokenType.L_PAREN, TokenType.SEMICOLON):
        return
    hint = did_you_mean(first.text.lower(), [word.lower() for word in _QUERIES]).upper()
    message = f"not supported here: {first.text.upper()}; queries, SHOW and DESCRIBE are"
    raise SqlError(f"{message}{hint.replace('DID YOU MEAN', 'did you mean')}", first.start, first.end)


def _refused(error: ParseError, sql: str) -> SqlError:
    first = error.errors[0]
    description = str(first["description"])
    message = "syntax error: something is missing here" if "<class" in description else f"syntax error: {description}"
    message = message.rstrip(".")
    if not first.get("highlight"):
        return SqlError(message)
    start = len(first["start_context"]) if len(first["start_context"]) < _CONTEXT else None
    if start is None:
        lines = sql.split("\n")[: first["line"] - 1]
        start = sum(len(line) + 1 for line in lines) + first["col"] - len(first["highlight"])
    return SqlError(message, start, start + len(first["highlight"]) - 1)


_CONTEXT = 100  # characters that sqlglot quotes before the error
