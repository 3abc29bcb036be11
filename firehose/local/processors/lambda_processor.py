"""The Lambda processor: the event, the invocation and its attempts.

A batch becomes an event, and the function is invoked with it up to NumberOfRetries + 1 times. Each attempt has a new
invocation id and the same bytes. An invocation that failed as a whole is tried again: one that raised, timed out or
answered bad base64, for example (`LambdaCode.retried`); a reply of the right form is final, whatever it says of single
records (function_reply.py). With a clock the attempts are seconds apart; on files nobody waits. After the last attempt
every record of the batch fails with the code of that attempt, and the stream moves on.

Source: Firehose guide, "Transform source data"; others measured the rest on real streams.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass, field
from hashlib import sha256
from io import StringIO
from typing import Any

import msgspec

from firehose.local.batch import Batch
from firehose.local.behaviour import OBSERVED, Behaviour, FunctionTimeout
from firehose.local.config.processing import LambdaSettings
from firehose.local.event_record import EventRecord, payloads_bytes
from firehose.local.metrics import Metrics
from firehose.local.processors.batcher import EVENT_OVERHEAD_BYTES
from firehose.local.processors.exceptions import exception_log
from firehose.local.processors.function_problems import FunctionProblems
from firehose.local.processors.function_reply import sort_reply
from firehose.local.processors.invocation import (
    FUNCTION_SECONDS,
    LAMBDA_PAYLOAD_BYTES,
    Function,
    FunctionContext,
    InvocationError,
    LambdaCode,
    Problem,
)
from firehose.local.processors.printed import captured_output
from firehose.local.processors.stage import Processed, ProcessorFailure, Stage

_LONGEST_SPACING_MS = 60_000


@dataclass(slots=True)
class LambdaProcessor(Stage):
    """Runs one function over batches; never raises for what the function does.

    `stream_arn` is the Kinesis stream that the delivery stream reads, None if records are put into it directly.
    `timeout_seconds` is the function's own, if it is known. `keeps_event` says that the function never changes its
    event, so records need not be copied; `captures_output`, that it prints to our standard output.
    """

    function: Function
    settings: LambdaSettings
    _: KW_ONLY
    delivery_stream_arn: str
    region: str
    stream_arn: str | None = None
    timeout_seconds: float | None = None
    keeps_event: bool = False
    captures_output: bool = True
    behaviour: Behaviour = OBSERVED
    routing_member: str = "partitionKeys"
    metrics: Metrics | None = None
    problems: FunctionProblems = field(default_factory=FunctionProblems)
    new_invocation_id: Callable[[], str] = lambda: str(uuid.uuid4())
    clock_seconds: Callable[[], float] = time.monotonic

    def process(self, batch: Batch, processed: Processed) -> None:
        """Invoke the function, and sort its reply. With a clock an attempt that failed as a whole is repeated later."""
        records = batch.records
        if len(records) == 1 and len(records[0]["data"]) + 2 * EVENT_OVERHEAD_BYTES > LAMBDA_PAYLOAD_BYTES:
            # The batcher passes nothing too large except a single record. AWS does not document the code of its
            # failure.
            too_large = Problem(LambdaCode.FUNCTION_ERROR, "a single record exceeds Lambda's 6 MB request limit")
            self.problems.add(too_large)
            processed.failed = _all_failed(records, too_large, 1)
            return
        while True:
            processed.attempts += 1
            problem = self._attempt(records, processed)
            if not problem or not problem.code.retried or processed.attempts > self.settings.retries:
                break
            if batch.now_ms is not None:
                processed.retry_ms = batch.now_ms + spacing_ms(processed.attempts, records[0]["recordId"])
                return
        attempts = processed.attempts
        if problem:
            processed.failed = _all_failed(records, problem, attempts)
        elif attempts > 1:
            processed.failed = [msgspec.structs.replace(failure, attempts=attempts) for failure in processed.failed]

    def _attempt(self, records: Sequence[EventRecord], processed: Processed) -> Problem | None:
        """Invoke once. Fill `processed`; or leave it empty and return why the whole invocation failed."""
        began_seconds = self.clock_seconds()
        event, context = self._event(records), self._context(began_seconds)
        event["invocationId"] = context.aws_request_id
        problem, reply = self._invoke(event, context, processed)
        took_seconds = self.clock_seconds() - began_seconds
        # A function in our own process cannot be stopped, so an answer that comes too late is thrown away.
        if took_seconds > self._limit_seconds:
            problem = Problem(LambdaCode.TIMED_OUT, f"the function timed out after {self._limit_seconds:g} s")
        problem = problem or sort_reply(records, reply, processed, self.behaviour, self.routing_member)
        if problem:
            self.problems.add(problem)
            problem = problem._replace(code=self._code(problem.code))
        if self.metrics is not None:
            self._count(self.metrics, records, processed, took_seconds, failed=problem is not None)
        return problem

    def _invoke(
        self, event: dict[str, Any], context: FunctionContext, processed: Processed
    ) -> tuple[Problem | None, Any]:
        with captured_output() if self.captures_output else nullcontext(StringIO()) as output:
            try:
                return None, self.function(event, context)
            except KeyboardInterrupt:
                raise  # Ctrl-C, which is for us
            except InvocationError as error:
                return error.problem, None
            except BaseException as error:  # noqa: BLE001 - whatever it raises is its failure
                place, log = exception_log(error)
                return Problem(LambdaCode.FUNCTION_ERROR, f"the function raised {place}", log), None
            finally:
                processed.printed += output.getvalue()

    def _event(self, records: Sequence[EventRecord]) -> dict[str, Any]:
        """Return the event, its members in the order of a captured one; records put directly have no source."""
        return {
            "invocationId": "",
            **({"sourceKinesisStreamArn": self.stream_arn} if self.stream_arn else {}),
            "deliveryStreamArn": self.delivery_stream_arn,
            "region": self.region,
            "records": list(records) if self.keeps_event else _copies(records),
        }

    def _context(self, began_seconds: float) -> FunctionContext:
        arn = self.settings.invoked_arn
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

    def _code(self, code: LambdaCode) -> LambdaCode:
        by_error = self.behaviour.function_timeout is FunctionTimeout.FUNCTION_ERROR
        return LambdaCode.FUNCTION_ERROR if code is LambdaCode.TIMED_OUT and by_error else code

    @property
    def _limit_seconds(self) -> float:
        return min(self.timeout_seconds or FUNCTION_SECONDS, FUNCTION_SECONDS)

    def _count(
        self,
        metrics: Metrics,
        records: Sequence[EventRecord],
        processed: Processed,
        took_seconds: float,
        *,
        failed: bool,
    ) -> None:
        """Count one invocation; the metrics of records count those answered Ok, by the size of the originals."""
        metrics.add("ExecuteProcessing.Success", 0 if failed else 1)
        metrics.add("ExecuteProcessing.Duration", took_seconds * 1000)
        if not failed:
            metrics.add("SucceedProcessing.Records", len(processed.ok))
            metrics.add("SucceedProcessing.Bytes", payloads_bytes([records[index] for index, _, _ in processed.ok]))


def spacing_ms(attempts: int, record_id: str) -> int:
    """Return how long Firehose waits after so many attempts: 2 to 4 s, 4 to 8 s, 8 to 16 s, a minute at most.

    Undocumented: three retries took 14 to 33 s together on five real objects, which an exponential spacing with jitter
    fits. Here the jitter is derived from the batch, so that a test sees the same times again.
    """
    jitter = int.from_bytes(sha256(f"{record_id} {attempts}".encode(errors="surrogatepass")).digest()[:4]) / 2**32
    return min(int(1000 * 2 ** min(attempts, 10) * (1 + jitter)), _LONGEST_SPACING_MS)


def _copies(records: Sequence[EventRecord]) -> list[EventRecord]:
    # Many functions write their answer into the record they were given; other attempts and streams get the same bytes.
    # 0.6 us a record, 0.4 of it for the inner one.
    if records and "kinesisRecordMetadata" not in records[0]:
        return [{**record} for record in records]
    return [{**record, "kinesisRecordMetadata": {**record["kinesisRecordMetadata"]}} for record in records]


def _all_failed(records: Sequence[EventRecord], problem: Problem, attempts: int) -> list[ProcessorFailure]:
    return [ProcessorFailure(index, problem.code, problem.code.message, attempts) for index in range(len(records))]
