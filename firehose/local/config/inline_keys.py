"""Partition keys by inline parsing: the jq program of a MetadataExtraction processor, run on every record.

Firehose runs jq 1.6 (guide, "Understand partitioning keys"); the library here has a later one, which takes a few words
more. What Firehose does with a value that is no text is not documented; here a number or a boolean is its JSON text.
"""

import json
from collections.abc import Mapping
from typing import Any

import jq

from firehose.local.config.prefix import PartitionKeyError


class QueryError(ValueError):
    """A MetadataExtractionQuery that jq does not compile; raised when the stream is made."""


class InlineKeys:
    """One jq program, compiled once.

    Raises, when it is made:
        QueryError: jq's own words.
    """

    def __init__(self, query: str) -> None:
        try:
            self._program = jq.compile(query)
        except ValueError as error:
            raise QueryError(str(error).partition("\n")[0]) from None

    def of(self, record: bytes) -> Mapping[str, str]:
        """The partition keys of a record, as the function gave it where there is one.

        '{type: .kind, n: .n}' of b'{"kind": "sale", "n": 3}' -> {"type": "sale", "n": "3"}

        A key whose value cannot be one (null, a list, an object) is left out.

        Raises:
            PartitionKeyError: the record is not JSON in UTF-8, or the program fails or gives anything but one object.
        """
        try:
            outputs = self._program.input_text(record.decode()).all()
        except (ValueError, RecursionError):
            # jq's message quotes the record.
            raise PartitionKeyError("the query failed, or the record is not JSON") from None
        if len(outputs) != 1 or not isinstance(outputs[0], dict):
            raise PartitionKeyError("the query did not give one object")
        return {name: text for name, value in outputs[0].items() if (text := _text(value)) is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else None
