"""The query of a MetadataExtraction processor: the partition keys of one record, as jq 1.6 gives them."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import jq

from firehose.local.processors.jq_1_6 import PRELUDE, QueryError, for_1_6
from firehose.local.processors.jq_process import QueryProcess, may_not_end

# Seen in error objects of real streams.
NOT_ONE_DOCUMENT = "Non JSON record provided"

_FAILED = "the query failed"
_ENDLESS = "the query does not end"
_NOT_COMPILED = "the query does not compile"

_DOCUMENTS = "not one document"

# A key that is a number or a boolean is its JSON text; one that cannot be a key is null.
_TEXTS = """if type == "object" then map_values(
    if type == "string" then . elif type == "boolean" or (type == "number" and (isnan | not)) then tojson else null end
) else . end"""

# A literal of more than 17 digits, which the library rounds twice on its way to a double; or text.
_LONG_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.]{17,}(?:[eE][+-]?\d+)?', re.DOTALL)


class QueryFailedError(ValueError):
    """A query that gives no keys for a record; the message quotes nothing of it."""


class KeyQuery:
    """One jq program, compiled once. A program that does not compile fails every record, as on AWS."""

    def __init__(self, query: str) -> None:
        self._process = QueryProcess(query) if may_not_end(query) else None
        try:
            self._program = compiled(query)
        except QueryError:
            self._program = None

    def keys(self, record: bytes) -> Mapping[str, str]:
        """Return the partition keys of a record.

        '{type: .kind, n: .n}' of b'{"kind": "sale", "n": 3}' -> {"type": "sale", "n": "3"}

        A key whose value cannot be one (null, a list, an object) is left out.

        Raises:
            QueryFailedError: the record is not one JSON document in UTF-8, or the query gives anything but one object.
        """
        if self._program is None:
            raise QueryFailedError(_NOT_COMPILED)
        try:
            text = record.decode()
        except UnicodeDecodeError:
            raise QueryFailedError(NOT_ONE_DOCUMENT) from None
        results = self._results(_LONG_NUMBER.sub(_as_double, text))
        if len(results) != 1 or not isinstance(results[0], dict):
            raise QueryFailedError("the query did not give one object")
        return {name: value for name, value in results[0].items() if value is not None}

    def _results(self, text: str) -> list[Any]:
        if self._process is None:
            return results_of(self._program, text)
        answer = self._process.answer(text)
        if answer is None:
            raise QueryFailedError(_ENDLESS)
        if "failed" in answer:
            raise QueryFailedError(answer["failed"])
        results: list[Any] = answer["results"]
        return results


def results_of(program: Any, text: str) -> list[Any]:
    """Return the first two results of a compiled query for a record: two are as bad as a thousand.

    Raises:
        QueryFailedError: the record is not one document, or the query fails.
    """
    try:
        return list(islice(program.input_text(text, slurp=True), 2))
    except (ValueError, RecursionError) as error:
        # jq's message quotes the record.
        raise QueryFailedError(NOT_ONE_DOCUMENT if _is_of_parser(str(error)) else _FAILED) from None


def compiled(query: str) -> Any:
    """Compile a query as jq 1.6 would.

    Raises:
        QueryError: it does not compile.
    """
    own = for_1_6(query)
    try:
        jq.compile(f"{PRELUDE} {own}")  # so that the query cannot close the parenthesis around it
        # The input is the array of the record's documents.
        one = f'if length == 1 then .[0] else error("{_DOCUMENTS}") end'
        return jq.compile(f"{PRELUDE} {one} | _doubles | ({own}\n) | {_TEXTS}")
    except ValueError as error:
        raise QueryError(str(error).partition("\n")[0]) from None


def _as_double(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else repr(float(found[0]))


def _is_of_parser(message: str) -> bool:
    return message.startswith("parse error") or message == _DOCUMENTS
