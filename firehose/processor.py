"""The Lambda processor: batches, the event, the invocation, and what becomes of each record of the reply.

Source: Firehose guide, "Transform source data"; what it does not say was measured by others on real streams: each
attempt has a new invocation id and the same bytes; a reply of the wrong form fails the batch and is tried again.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from firehose.printed import captured_output
from firehose.source import EventRecord

# The function as AWS calls it: event, context -> reply.
Function: TypeAlias = Callable[[dict[str, Any], Any], Any]

# Lambda's limit for a synchronous request and, apart from it, its answer (Lambda guide, "Quotas": 6 MB each).
LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024

# What GetRecords gives at most in one call (Kinesis API reference), and so the most that any function must expect.
BATCH_RECORDS = 10_000

# Firehose waits five minutes for a function (guide, "Transform source data").
FUNCTION_MILLISECONDS = 300_000


@dataclass(frozen=True, slots=True)
class LambdaSettings:
    """What a delivery stream says about its function."""

    function_arn: str
    retries: int
    buffer_bytes: int
    buffer_seconds: int


@dataclass(frozen=True, slots=True)
class Failure:
    """One record that the processor could not transform: its place in the batch, and why."""

    index: int
    code: str
    message: str
    attempts: int = 1


@dataclass(slots=True)
class Processed:
    """What became of a batch; each index of it stands in exactly one of the three."""

    ok: list[tuple[int, bytes, Any]] = field(default_factory=list)  # index, data, partition keys as answered
    dropped: list[int] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    printed: str = ""


@dataclass(frozen=True, slots=True)
class FunctionContext:
    """What a Python function finds in its `context` argument."""

    aws_request_id: str
    invoked_function_arn: str
    function_name: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    log_group_name: str = ""
    log_stream_name: str = ""

    def get_remaining_time_in_millis(self) -> int:
        """Firehose's five minutes; nothing runs against them here."""
        return FUNCTION_MILLISECONDS


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
        event_bytes = encoded + _EVENT_OVERHEAD_BYTES + 6 * len(record["kinesisRecordMetadata"]["partitionKey"])
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


class Processor:
    """Runs one function over batches; never raises for what the function does."""

    def __init__(
        self,
        function: Function,
        settings: LambdaSettings,
        *,
        stream_arn: str,
        delivery_stream_arn: str,
        region: str,
        new_invocation_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._function = function
        self._settings = settings
        self._event = {"sourceKinesisStreamArn": stream_arn, "deliveryStreamArn": delivery_stream_arn, "region": region}
        self._function_name = settings.function_arn.split(":function:")[-1].split(":")[0]
        self._new_invocation_id = new_invocation_id

    def process(self, records: Sequence[EventRecord]) -> Processed:
        """Invokes the function, up to NumberOfRetries + 1 times where it raises, and sorts its reply."""
        done = Processed()
        if _event_bytes(records) > LAMBDA_PAYLOAD_BYTES:
            # The batcher lets only a single record through that is too large.
            done.failed = _all_failed(records, "the record alone passes Lambda's 6 MB request limit", 1)
            return done
        printed: list[str] = []
        problem = ""
        for _ in range(self._settings.retries + 1):
            problem = self._attempt(records, done, printed)
            if not problem:
                break
        else:
            done = Processed(failed=_all_failed(records, problem, self._settings.retries + 1))
        done.printed = "".join(printed)
        return done

    def _attempt(self, records: Sequence[EventRecord], done: Processed, printed: list[str]) -> str:
        """Fills `done`; or leaves it empty and says what was wrong with the whole invocation."""
        invocation_id = self._new_invocation_id()
        # A copy of each record, 0.1 us: many functions write their answer into the record they were given.
        event = {"invocationId": invocation_id, **self._event, "records": list(map(dict.copy, records))}
        context = FunctionContext(invocation_id, self._settings.function_arn, self._function_name)
        with captured_output() as output:
            try:
                reply = self._function(event, context)
            except (Exception, SystemExit) as error:  # noqa: BLE001  see below
                # Whatever it raises is the function's failure; its text may quote the record.
                return f"the function raised {type(error).__name__}"
            finally:
                printed.append(output.getvalue())
        return _sort(records, reply, done)


def _event_bytes(records: Sequence[EventRecord]) -> int:
    if len(records) > 1:
        return 0
    return sum(len(record["data"]) for record in records) + 2 * _EVENT_OVERHEAD_BYTES


def _all_failed(records: Sequence[EventRecord], message: str, attempts: int) -> list[Failure]:
    return [Failure(index, "Lambda.FunctionError", message, attempts) for index in range(len(records))]


def _sort(records: Sequence[EventRecord], reply: Any, done: Processed) -> str:
    answers = reply.get("records") if isinstance(reply, dict) else None
    if not isinstance(answers, list):
        answers = []
    expected = [record["recordId"] for record in records]
    try:
        in_order = [answer["recordId"] for answer in answers] == expected
    except (TypeError, KeyError, IndexError):
        in_order = False
    paired = answers if in_order else _matched(expected, answers, done.failed)
    try:
        _sort_answers(paired, done)
        _check_size(reply, answers)
    except _BadReplyError as error:
        done.ok.clear()
        done.dropped.clear()
        done.failed.clear()
        return str(error)
    return ""


class _BadReplyError(Exception):
    """A reply that fails the whole batch; the message quotes nothing of it."""


def _check_size(reply: Any, answers: Iterable[Any]) -> None:
    # Only a reply that may be too large is serialised to see: 1 MiB takes 3 ms. An answer is about 280 bytes beside
    # its data; members that the contract does not name are not counted before that.
    texts = [answer.get("data") for answer in answers if isinstance(answer, dict)]
    estimate = 400 * len(texts) + sum([len(text) for text in texts if isinstance(text, str)])
    if estimate < LAMBDA_PAYLOAD_BYTES * 3 // 4:
        return
    try:
        size = len(json.dumps(reply))
    except (TypeError, ValueError):
        raise _BadReplyError("the reply is not JSON") from None
    if size > LAMBDA_PAYLOAD_BYTES:
        raise _BadReplyError("the reply passes Lambda's 6 MB limit")


def _matched(expected: list[str], answers: Iterable[Any], failed: list[Failure]) -> list[Any]:
    """The answer of each expected id; None where it failed for want of exactly one."""
    by_id: dict[str, list[Any]] = {record_id: [] for record_id in expected}
    for answer in answers:
        record_id = answer.get("recordId") if isinstance(answer, dict) else None
        if isinstance(record_id, str) and record_id in by_id:
            by_id[record_id].append(answer)
    paired: list[Any] = []
    for index, record_id in enumerate(expected):
        found = by_id[record_id]
        paired.append(found[0] if len(found) == 1 else None)
        if not found:
            failed.append(Failure(index, "Lambda.MissingRecordId", "the reply has no record of this id"))
        elif len(found) > 1:
            failed.append(Failure(index, "Lambda.DuplicatedRecordId", "the reply has several records of this id"))
    return paired


def _sort_answers(answers: Iterable[Any], done: Processed) -> None:
    # Once a record and stream; most answers of most streams are Dropped.
    dropped = done.dropped
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        result = answer.get("result")
        if result == "Dropped":
            dropped.append(index)
        elif result == "Ok":
            _sort_ok(index, answer, done)
        elif result == "ProcessingFailed":
            message = "ProcessingFailed status set for record"
            done.failed.append(Failure(index, "Lambda.ProcessingFailedStatus", message))
        else:
            raise _BadReplyError("the reply has a result that is not Ok, Dropped or ProcessingFailed")


def _sort_ok(index: int, answer: dict[str, Any], done: Processed) -> None:
    encoded = answer.get("data")
    if encoded is None:
        done.failed.append(Failure(index, "Lambda.InvalidReturnFormat", "result is Ok and data is absent or null"))
        return
    if not isinstance(encoded, str):
        raise _BadReplyError("the reply has data that is not base64")
    try:
        data = msgspec.convert(encoded, bytes)
    except msgspec.ValidationError:
        raise _BadReplyError("the reply has data that is not base64") from None
    metadata = answer.get("metadata")
    done.ok.append((index, data, metadata.get("partitionKeys") if isinstance(metadata, dict) else None))
