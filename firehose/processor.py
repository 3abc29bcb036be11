"""The Lambda processor: batches, the event, the invocation and its attempts.

Source: Firehose guide, "Transform source data"; what it does not say was measured by others on real streams: each
attempt has a new invocation id and the same bytes.
"""

import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from firehose.function_reply import LAMBDA_PAYLOAD_BYTES, Failure, Processed, sort_reply
from firehose.printed import captured_output
from firehose.source import EventRecord
from firehose.stream.processing import LambdaSettings

# The function as AWS calls it: event, context -> reply.
Function: TypeAlias = Callable[[dict[str, Any], Any], Any]

# What GetRecords gives at most in one call (Kinesis API reference), and so the most that any function must expect.
BATCH_RECORDS = 10_000

# Firehose waits five minutes for a function (guide, "Transform source data").
FUNCTION_SECONDS = 300


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
        """Firehose's five minutes, whole at any time: no function here stops short because it watches them."""
        return FUNCTION_SECONDS * 1000


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
        clock_seconds: Callable[[], float] = time.monotonic,
        keeps_event: bool = False,
    ) -> None:
        self._function = function
        self._keeps_event = keeps_event
        self._settings = settings
        self._event = {"sourceKinesisStreamArn": stream_arn, "deliveryStreamArn": delivery_stream_arn, "region": region}
        self._function_name = settings.function_arn.split(":function:")[-1].split(":")[0]
        self._new_invocation_id = new_invocation_id
        self._clock_seconds = clock_seconds

    def process(self, records: Sequence[EventRecord]) -> Processed:
        """Invokes the function, up to NumberOfRetries + 1 times where it fails as a whole, and sorts its reply."""
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
        event = {
            "invocationId": invocation_id,
            **self._event,
            "records": list(records) if self._keeps_event else _copies(records),
        }
        context = FunctionContext(invocation_id, self._settings.function_arn, self._function_name)
        began_seconds = self._clock_seconds()
        with captured_output() as output:
            try:
                reply = self._function(event, context)
            except (Exception, SystemExit) as error:  # noqa: BLE001  see below
                # Whatever it raises is the function's failure; its text may quote the record.
                return f"the function raised {type(error).__name__}"
            finally:
                printed.append(output.getvalue())
        # It cannot be cut off in our own process; what Firehose would not have waited for does not count.
        if self._clock_seconds() - began_seconds > FUNCTION_SECONDS:
            return "the function took longer than five minutes"
        return sort_reply(records, reply, done)


class NoFunction:
    """The place of a processor in a stream without one: every record goes on as it came."""

    def process(self, records: Sequence[EventRecord]) -> Processed:
        """All of them, without partition keys."""
        return Processed(ok=[(index, b64decode(record["data"]), None) for index, record in enumerate(records)])


def _copies(records: Sequence[EventRecord]) -> list[EventRecord]:
    # Many functions write their answer into the record they were given; other attempts and streams get the same bytes.
    # 0.6 us a record, 0.4 of it for the inner one.
    return [{**record, "kinesisRecordMetadata": {**record["kinesisRecordMetadata"]}} for record in records]


def _event_bytes(records: Sequence[EventRecord]) -> int:
    if len(records) > 1:
        return 0
    return sum(len(record["data"]) for record in records) + 2 * _EVENT_OVERHEAD_BYTES


def _all_failed(records: Sequence[EventRecord], message: str, attempts: int) -> list[Failure]:
    return [Failure(index, "Lambda.FunctionError", message, attempts) for index in range(len(records))]
