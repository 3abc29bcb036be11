"""The MetadataExtraction processor: partition keys by inline parsing, a jq query over each record.

It runs on what the function made of a record, if there is a function.
"""

import time
from collections.abc import Callable

from firehose.local.batch import Batch
from firehose.local.metrics import Metrics
from firehose.local.processors.jq_query import KeyQuery, QueryFailedError
from firehose.local.processors.stage import METADATA_EXTRACTION_FAILED, OkRecord, Processed, ProcessorFailure, Stage

EXTRACTION_FAILED = "DynamicPartitioning.MetadataExtractionFailed"


class MetadataExtraction(Stage):
    """Adds the keys of a query to each record; a record for which the query gives none fails alone."""

    def __init__(self, query: str, metrics: Metrics, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._query = KeyQuery(query)
        self._metrics = metrics
        self._seconds = seconds

    def process(self, batch: Batch, processed: Processed) -> None:  # noqa: ARG002 - the data that came is of no use
        """Query each ok record."""
        if not processed.ok:
            return
        began_seconds = self._seconds()
        kept: list[OkRecord] = []
        for ok in processed.ok:
            index, data, _ = ok
            try:
                processed.query_keys[index] = self._query.keys(data)
            except QueryFailedError as error:
                failure = ProcessorFailure(index, EXTRACTION_FAILED, str(error), error_type=METADATA_EXTRACTION_FAILED)
                processed.failed.append(failure)
            else:
                kept.append(ok)
        processed.ok = kept
        self._metrics.add("JQProcessing.Duration", 1000 * (self._seconds() - began_seconds))
