"""The MetadataExtraction processor: partition keys by inline parsing, a jq query over each record.

It runs on what the function made of a record, if there is a function. What Firehose does with a key whose value is no
text is not documented; here a number or a boolean is its JSON text.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from firehose.local.batch import Batch
from firehose.local.metrics import Metrics
from firehose.local.processors.jq_query import JqQuery, QueryFailedError
from firehose.local.processors.stage import OkRecord, Processed, ProcessorFailure, Stage

METADATA_EXTRACTION_FAILED = "DynamicPartitioning.MetadataExtractionFailed"


class MetadataExtraction(Stage):
    """Adds the keys of a query to each record; a record without them fails alone.

    Raises, when it is made:
        QueryError: a query that jq does not compile.
    """

    def __init__(self, query: str, metrics: Metrics, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._query = JqQuery(query)
        self._metrics = metrics
        self._seconds = seconds

    def process(self, batch: Batch, processed: Processed) -> None:  # noqa: ARG002 - the data that came is of no use
        """Query each ok record."""
        began_seconds = self._seconds()
        kept: list[OkRecord] = []
        for ok in processed.ok:
            index, data, _ = ok
            try:
                processed.query_keys[index] = self.keys(data)
            except QueryFailedError as error:
                processed.failed.append(ProcessorFailure(index, METADATA_EXTRACTION_FAILED, str(error)))
            else:
                kept.append(ok)
        processed.ok = kept
        self._metrics.add("JQProcessing.Duration", 1000 * (self._seconds() - began_seconds))

    def keys(self, data: bytes) -> Mapping[str, str]:
        """Return the partition keys of one record.

        '{type: .kind, n: .n}' of b'{"kind": "sale", "n": 3}' -> {"type": "sale", "n": "3"}

        A key whose value cannot be one (null, a list, an object) is left out.

        Raises:
            QueryFailedError: the query gives anything but one object.
        """
        results = self._query.results(data)
        if len(results) != 1 or not isinstance(results[0], dict):
            raise QueryFailedError("the query did not give one object")
        return {name: text for name, value in results[0].items() if (text := _text(value)) is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else None
