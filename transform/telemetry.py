"""Structured log lines and metrics of an invocation, by Powertools. They never hold a record or a value of one.

There is one log line per invocation and one per failure reason. Metrics in CloudWatch's embedded format (EMF), printed:

    RecordsReceived, RecordsDelivered, BytesReceived, BytesDelivered      by stream
    ChangeAge (ms, the oldest change of the invocation on its arrival)    by stream
    AttributesUnmapped, RecordsSampled (transform/drift.py)               by stream
    RecordsDropped                                                        by stream and type
    RecordsDelivered, BytesDelivered, ObjectsWritten (Avro mode)          by stream and type
    RecordsFailed                                                         by stream and reason
"""

import logging
import sys
from collections import Counter
from functools import cache
from typing import TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from transform.error_place import error_place
from transform.object_store import error_name
from transform.tally import Tally

NAMESPACE = "dmd-pipeline"


class _Stdout(logging.StreamHandler[TextIO]):
    """Writes to the sys.stdout of the moment, so that several functions in one process can be captured apart."""

    @property
    def stream(self) -> TextIO:
        return sys.stdout

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Ignore it: the handler has no stream of its own."""


@cache
def _logger(service: str) -> Logger:
    # One per service: Powertools configures a logger once, and ignores the handler of a second of the same name.
    return Logger(service=service, level="INFO", logger_handler=_Stdout())


class Telemetry:
    """The logger and metrics of one function, `service`: `transform-demand`."""

    def __init__(self, service: str) -> None:
        self._logger = _logger(service)
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
        self._cold = True

    def begin(self, stream: str, invocation_id: str, request_id: str | None) -> None:
        """Start an invocation: all further lines carry its ids."""
        self._stream = stream
        self._bugs: Counter[tuple[str, str]] = Counter()
        self._not_written: Counter[str] = Counter()
        self._logger.set_correlation_id(invocation_id)
        self._logger.append_keys(stream=stream, request_id=request_id, cold_start=self._cold)
        self._cold = False

    def bug(self, error: Exception) -> None:
        """Count an error of our own code by its type and place, but not its text, which may quote the record."""
        self._bugs[type(error).__name__, error_place(error)] += 1

    def not_written(self, error: BaseException) -> None:
        """Count error documents that could not be made or put. Nothing is lost: Firehose has the originals."""
        self._not_written[error_name(error)] += 1

    def report(self, tally: Tally) -> None:
        """Write the metrics and the log lines of the invocation."""
        self._emit(tally)
        for (error, where), records in self._bugs.items():
            self._logger.critical("our own code failed", error=error, where=where, records=records)
        for error, times in self._not_written.items():
            self._logger.error("error documents not written", error=error, times=times)
        for reason, count in tally.failed.items():
            self._logger.error("records failed", reason=reason, records=count, paths=tally.failed_paths(reason))
        self._logger.info(
            "batch transformed",
            received=tally.received,
            delivered=tally.delivered,
            dropped=dict(tally.dropped),
            failed=dict(tally.failed),
            oldest_change_age_ms=tally.oldest_age_ms,
        )

    def _emit(self, tally: Tally) -> None:
        count, size = MetricUnit.Count, MetricUnit.Bytes
        self._metrics.add_metric("RecordsReceived", count, tally.received)
        self._metrics.add_metric("RecordsDelivered", count, tally.delivered)
        self._metrics.add_metric("BytesReceived", size, tally.received_bytes)
        self._metrics.add_metric("BytesDelivered", size, tally.delivered_bytes)
        self._metrics.add_metric("RecordsSampled", count, tally.sampled)
        self._metrics.add_metric("AttributesUnmapped", count, tally.unmapped)
        if tally.oldest_age_ms is not None:
            self._metrics.add_metric("ChangeAge", MetricUnit.Milliseconds, tally.oldest_age_ms)
        self._flush()
        for written in tally.written:
            self._metrics.add_metric("RecordsDelivered", count, written.records)
            self._metrics.add_metric("BytesDelivered", size, written.bytes)
            self._metrics.add_metric("ObjectsWritten", count, written.objects)
            self._flush(type=written.type)
        self._emit_each("RecordsDropped", "type", tally.dropped)
        self._emit_each("RecordsFailed", "reason", tally.failed)

    def _emit_each(self, name: str, dimension: str, counts: Counter[str]) -> None:
        for value, number in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, number)
            self._flush(**{dimension: value})

    def _flush(self, **dimensions: str) -> None:
        """Print the metrics added, by stream and further dimensions; Powertools adds the service, and clears them."""
        for name, value in {"stream": self._stream, **dimensions}.items():
            self._metrics.add_dimension(name, value)
        self._metrics.flush_metrics()
