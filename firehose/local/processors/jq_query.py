"""A jq query over one JSON document.

Firehose runs jq 1.6 (guide, "Understand partitioning keys"); the library here has a later one, which takes a few words
more.
"""

from typing import Any

import jq


class QueryError(ValueError):
    """A query that jq does not compile; the message is jq's own."""


class QueryFailedError(ValueError):
    """A query that gives no result for a document; the message quotes nothing of it."""


class JqQuery:
    """One jq program, compiled once.

    Raises, when it is made:
        QueryError: jq does not compile it.
    """

    def __init__(self, query: str) -> None:
        try:
            self._program = jq.compile(query)
        except ValueError as error:
            raise QueryError(str(error).partition("\n")[0]) from None

    def results(self, document: bytes) -> list[Any]:
        """Return all that the query gives for a document.

        '{type: .kind, n: .n}' of b'{"kind": "sale", "n": 3}' -> [{"type": "sale", "n": 3}]

        Raises:
            QueryFailedError: the document is not JSON in UTF-8, or the query fails.
        """
        try:
            results: list[Any] = self._program.input_text(document.decode()).all()
        except (ValueError, RecursionError):
            # jq's message quotes the record.
            raise QueryFailedError("the query failed, or the record is not JSON") from None
        return results
