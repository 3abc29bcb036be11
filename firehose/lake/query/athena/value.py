"""An expression of Athena's, translated: the SQL that DuckDB runs for it and the type that Athena gives it."""

import msgspec

from firehose.lake.query.athena.types import VARCHAR, Type, text


class Value(msgspec.Struct, frozen=True):
    """A translated expression; `literal` is its text where it is written as a string or a number."""

    sql: str
    type: Type
    literal: str | None = None


def string(value: str) -> Value:
    """Return a literal of the type varchar(n)."""
    return Value(text(value), Type(VARCHAR.name, (len(value),)), value)
