"""The Lambda processor: batches, the event, the invocation and its attempts.

Source: Firehose guide, "Transform source data"; what it does not say was measured by others on real streams: each
attempt has a new invocation id and the same bytes.

What was wrong with a reply is for function_reply.py to say, what is tried again for `Problem.retried`.
"""

import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

import msgspec

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.processing import LambdaSettings
from firehose.local.event_record import EventRecord, payloads_bytes
from firehose.local.metrics import Metrics
from firehose.local.processors.function_reply import LAMBDA_PAYLOAD_BYTES, Failure, Processed, sort_reply
from firehose.local.processors.invocation import InvocationError, LambdaCode, Problem
from firehose.local.processors.printed import captured_output

# The function as AWS calls it: event, context -> reply.
Function: TypeAlias = Callable[[dict[str, Any], Any], Any]

# What GetRecords gives at most in one call (Kinesis API reference), and so the most that any function must expect.
BATCH_RECORDS = 10_000

# Firehose waits five minutes for a function (guide, "Transform source data").
FUNCTION_SECONDS = 300

# A record's member that only those of a Kinesis stream have.
_METADATA = "kinesisRecordMetadata"


class FunctionContext(msgspec.Struct, frozen=True):
    """What a Python function finds in its `context` argument."""

    aws_request_id: str
    invoked_function_arn: str
    function_name: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    log_group_name: str = ""
    log_stream_name: str = ""
    remaining_ms: Callable[[], int] = lambda: FUNCTION_SECONDS * 1000

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's own timeout, which Lambda counts, whatever Firehose waits for.

        Where that is not known, Firehose's five minutes, whole at any time: no function stops short because it watches
        them.
        """
        return self.remaining_ms()


class Batcher:
    """Gathers records to the buffer size, or as long as the buffer interval where a clock runs.

    Firehose's hints count raw bytes. Whether it splits a batch whose event would pass 6 MB is not documented; here it
    is split, since an event that Lambda refuses would fail the whole batch.
    """

    def __init__(self, buffer_bytes: int) -> None:
        self._buffer_bytes = buffer_bytes
        self._records: list[EventRecord] = []
        self._raw_bytes = 0
        self._event_bytes = 0
        self.opened_ms: int | None = None

    def add(self, record: EventRecord, now_ms: int | None = None) -> list[EventRecord]:
        """Takes one record; the batch that it does not fit in any more, else nothing."""
        encoded = len(record["data"])
        raw_bytes = encoded * 3 // 4
        event_bytes = encoded + _EVENT_OVERHEAD_BYTES
        if _METADATA in record:
            event_bytes += 6 * len(record[_METADATA]["partitionKey"])
        full: list[EventRecord] = []
        if self._records and (
            self._raw_bytes + raw_bytes > self._buffer_bytes
            or self._event_bytes + event_bytes > LAMBDA_PAYLOAD_BYTES - _EVENT_OVERHEAD_BYTES
            or len(self._records) == BATCH_RECORDS
        ):
            full = self.take()
        if not self._records:
            self.opened_ms = now_ms
        self._records.append(record)
        self._raw_bytes += raw_bytes
        self._event_bytes += event_bytes
        return full

    def take(self) -> list[EventRecord]:
        """What has been gathered, however little."""
        records, self._records = self._records, []
        self._raw_bytes = self._event_bytes = 0
        self.opened_ms = None
        return records


# An event record without its data and partition key (which may be escaped, at six bytes a character) is 448 bytes as
# compact JSON; the event around the records about 330.
_EVENT_OVERHEAD_BYTES = 512


@dataclass(slots=True)
class Processor:
    """Runs one function over batches; never raises for what the function does.

    `stream_arn` is the Kinesis stream that the delivery stream reads, None where records are put into it directly.
    `timeout_seconds` is the function's own, where it is known. A function that never writes into its event,
    `keeps_event`, needs no copy of each record. An attempt has a new invocation id and the same records as the one
    before, and follows it at once: how long Firehose waits in between is not known.
    """

    function: Function
    settings: LambdaSettings
    _: KW_ONLY
    delivery_stream_arn: str
    region: str
    stream_arn: str | None = None
    timeout_seconds: float | None = None
    keeps_event: bool = False
    behaviour: Behaviour = OBSERVED
    metrics: Metrics | None = None
    new_invocation_id: Callable[[], str] = lambda: str(uuid.uuid4())
    clock_seconds: Callable[[], float] = time.monotonic

    def process(self, records: Sequence[EventRecord]) -> Processed:
        """Invokes the function, up to NumberOfRetries + 1 times where it fails as a whole, and sorts its reply."""
        done = Processed()
        if _event_bytes(records) > LAMBDA_PAYLOAD_BYTES:
            # The batcher lets only a single record through that is too large. Its code is not documented.
            message = "the record alone passes Lambda's 6 MB request limit"
            return Processed(failed=_all_failed(records, Problem(LambdaCode.FUNCTION_ERROR, message), 1))
        printed: list[str] = []
        attempts = 0
        while True:
            attempts += 1
            problem = self._attempt(records, done, printed)
            if not problem or not problem.retried or attempts > self.settings.retries:
                break
        if problem:
            done = Processed(failed=_all_failed(records, problem, attempts))
        elif attempts > 1:
            done.failed = [msgspec.structs.replace(failure, attempts=attempts) for failure in done.failed]
        done.printed = "".join(printed)
        return done

    def _attempt(self, records: Sequence[EventRecord], done: Processed, printed: list[str]) -> Problem | None:
        """One invocation. Fills `done`; or leaves it empty and says what was wrong with the whole of it."""
        began_seconds = self.clock_seconds()
        event, context = self._event(records), self._context(began_seconds)
        event["invocationId"] = context.aws_request_id
        problem, reply = self._invoked(event, context, printed)
        took_seconds = self.clock_seconds() - began_seconds
        # It cannot be cut off in our own process; what would not have been waited for does not count.
        if took_seconds > self._limit_seconds:
            problem = Problem(LambdaCode.FUNCTION_ERROR, f"the function took longer than {self._limit_seconds:g} s")
        problem = problem or sort_reply(records, reply, done, self.behaviour)
        if self.metrics is not None:
            self._count(self.metrics, records, done, took_seconds, failed=problem is not None)
        return problem

    def _invoked(
        self, event: dict[str, Any], context: FunctionContext, printed: list[str]
    ) -> tuple[Problem | None, Any]:
        with captured_output() as output:
            try:
                return None, self.function(event, context)
            except KeyboardInterrupt:
                raise  # Ctrl-C, which is for us
            except InvocationError as error:
                return Problem(error.code, str(error)), None
            except BaseException as error:  # noqa: BLE001 - whatever it raises is its failure; its text may quote data
                return Problem(LambdaCode.FUNCTION_ERROR, f"the function raised {type(error).__name__}"), None
            finally:
                printed.append(output.getvalue())

    def _event(self, records: Sequence[EventRecord]) -> dict[str, Any]:
        """The members in the order of a captured event; one of records put directly has no source at all."""
        return {
            "invocationId": "",
            **({"sourceKinesisStreamArn": self.stream_arn} if self.stream_arn else {}),
            "deliveryStreamArn": self.delivery_stream_arn,
            "region": self.region,
            "records": list(records) if self.keeps_event else _copies(records),
        }

    def _context(self, began_seconds: float) -> FunctionContext:
        arn = self.settings.function_arn
        name = arn.split(":function:")[-1].split(":")[0]
        if self.timeout_seconds is None:
            return FunctionContext(self.new_invocation_id(), arn, name)
        ends_seconds = began_seconds + self.timeout_seconds
        return FunctionContext(
            self.new_invocation_id(),
            arn,
            name,
            remaining_ms=lambda: max(0, round((ends_seconds - self.clock_seconds()) * 1000)),
        )

    @property
    def _limit_seconds(self) -> float:
        return min(self.timeout_seconds or FUNCTION_SECONDS, FUNCTION_SECONDS)

    def _count(
        self, metrics: Metrics, records: Sequence[EventRecord], done: Processed, took_seconds: float, *, failed: bool
    ) -> None:
        """The metrics of one invocation; those of records count what it answered Ok for, by the originals' size."""
        metrics.add("ExecuteProcessing.Success", 0 if failed else 1)
        metrics.add("ExecuteProcessing.Duration", took_seconds * 1000)
        if not failed:
            metrics.add("SucceedProcessing.Records", len(done.ok))
            metrics.add("SucceedProcessing.Bytes", payloads_bytes([records[index] for index, _, _ in done.ok]))


class NoFunction:
    """The place of a processor in a stream without one: every record goes on as it came."""

    def process(self, records: Sequence[EventRecord]) -> Processed:
        """All of them, without partition keys."""
        return Processed(ok=[(index, b64decode(record["data"]), None) for index, record in enumerate(records)])


def _copies(records: Sequence[EventRecord]) -> list[EventRecord]:
    # Many functions write their answer into the record they were given; other attempts and streams get the same bytes.
    # 0.6 us a record, 0.4 of it for the inner one.
    if records and _METADATA not in records[0]:
        return [{**record} for record in records]
    return [{**record, _METADATA: {**record[_METADATA]}} for record in records]


def _event_bytes(records: Sequence[EventRecord]) -> int:
    if len(records) > 1:
        return 0
    return sum(len(record["data"]) for record in records) + 2 * _EVENT_OVERHEAD_BYTES


def _all_failed(records: Sequence[EventRecord], problem: Problem, attempts: int) -> list[Failure]:
    return [Failure(index, problem.code, problem.message, attempts) for index in range(len(records))]
