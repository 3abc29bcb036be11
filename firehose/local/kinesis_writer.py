"""Writes to a Kinesis stream by full calls of PutRecords, retries refused records, and keeps to a rate."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from hashlib import md5
from typing import Any, Protocol, TypeAlias

import msgspec
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from firehose.local.aws_errors import as_user_errors
from firehose.local.user_error import UserError

KINESIS = "kinesis://"

# Source: Kinesis Data Streams API, PutRecords. A record's size includes its partition key.
CALL_RECORDS = 500
CALL_BYTES = 5 * 1024 * 1024
# A stream can be configured to take up to 10 MiB; how a delivery stream and its function treat such a record is not
# documented, so the limit here is a stream's default.
RECORD_BYTES = 1024 * 1024

# A full shard refuses records as long as its writers together are too fast. Eleven waits, 0.2 s doubled up to 20 s,
# take 105 s in all: in that time an on-demand stream splits a shard, or an operator stops another writer.
ATTEMPTS = 12
_WAITS = wait_exponential(multiplier=0.2, max=20)

# One element of `Records` in a PutRecords request.
Entry: TypeAlias = dict[str, Any]


class TooLargeError(ValueError):
    """A record is larger than a stream takes; the message names sizes only."""


class Writer(Protocol):
    """Takes records for a stream: a KinesisWriter, or what stands before it or in its place."""

    def put(self, payload: bytes, partition_key: str) -> None:
        """Take a record. Raises TooLargeError for one that a stream would refuse."""

    def flush(self) -> None:
        """Send everything that was put; return when it is in the stream."""


class KinesisWriter:
    """Puts payloads into a Kinesis stream by PutRecords, within its limits, until all of them are accepted.

    writer.put(b'{"eventID": ...}', "6D5A..."); writer.flush(); writer.sent == 1

    At least once: the SDK repeats a call whose answer was lost. Records that a call refused are sent after those it
    accepted, so the records of one item keep their order only from one `flush` to the next.

    Raises:
        UserError: the client cannot be made.
    """

    def __init__(
        self,
        stream: str,
        *,
        client: Any = None,
        records_per_second: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sent = 0
        self._where = KINESIS + stream
        self._stream = stream
        self._client = client or _client(self._where)
        self._rate = records_per_second
        # At most the records of one second, so that a low rate is not bursts of 500 and long pauses.
        self._call_records = CALL_RECORDS if not self._rate else max(1, min(CALL_RECORDS, int(self._rate)))
        self._sleep = sleep
        self._clock = clock_seconds
        self._may_send_at = clock_seconds()
        self._waiting: list[Entry] = []
        self._waiting_bytes = 0

    def put(self, payload: bytes, partition_key: str) -> None:
        """Add a record; first send the waiting ones if it does not fit into one call with them.

        Raises:
            TooLargeError: the record with its key exceeds a stream's limit; it was not added.
            UserError: as `flush` does.
        """
        size_bytes = len(payload) + len(partition_key.encode())
        if size_bytes > RECORD_BYTES:
            raise TooLargeError(f"a record of {size_bytes:,} bytes; a Kinesis stream takes {RECORD_BYTES:,}")
        if len(self._waiting) == self._call_records or self._waiting_bytes + size_bytes > CALL_BYTES:
            self.flush()
        self._waiting.append({"Data": payload, "PartitionKey": partition_key})
        self._waiting_bytes += size_bytes

    def flush(self) -> None:
        """Send the waiting records. When it returns, everything put so far is in the stream.

        Raises:
            UserError: the stream cannot be written, or refused records in every attempt; they are still waiting.
        """
        if not self._waiting:
            return
        self._keep_rate(len(self._waiting))
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS), wait=_WAITS, retry=retry_if_result(bool), sleep=self._sleep
        )
        try:
            attempts(self._send)
        except RetryError as error:
            codes = error.last_attempt.result()
            refused = ", ".join(f"{count:,} {code}" for code, count in codes.most_common())
            raise UserError(f"{self._where} refused records in {ATTEMPTS} attempts: {refused}") from None
        self._waiting_bytes = 0

    def _send(self) -> Counter[str]:
        """Make one call with the waiting records, keep those it refused, and return their error codes."""
        with as_user_errors(self._where, "written"):
            answer = self._client.put_records(StreamName=self._stream, Records=self._waiting)
        refused = [
            (entry, result["ErrorCode"])
            for entry, result in zip(self._waiting, answer["Records"], strict=True)
            if result.get("ErrorCode")
        ]
        self.sent += len(self._waiting) - len(refused)
        self._waiting = [entry for entry, _ in refused]
        return Counter(code for _, code in refused)

    def _keep_rate(self, records: int) -> None:
        if not self._rate:
            return
        now = self._clock()
        if now < self._may_send_at:
            self._sleep(self._may_send_at - now)
        self._may_send_at = max(now, self._may_send_at) + records / self._rate


def stream_of(address: str) -> str:
    """Return the stream that an address names: "kinesis://dmnd" -> "dmnd".

    Raises:
        UserError: it is not the address of a stream.
    """
    stream = address.removeprefix(KINESIS)
    if not address.startswith(KINESIS) or not stream or "/" in stream:
        raise UserError(f"{address} is not a stream: it should be {KINESIS}STREAM")
    return stream


class _Data(msgspec.Struct):
    Keys: msgspec.Raw


class _Change(msgspec.Struct):
    dynamodb: _Data


def item_keys(payload: bytes) -> bytes:
    """Return the keys of a change record's item, or the whole payload if it has no keys: it must go to some shard.

    b'{"dynamodb":{"Keys":{"pk":{"S":"FAN#1"}}}}' -> b'{"pk":{"S":"FAN#1"}}'
    """
    try:
        return bytes(msgspec.json.decode(payload, type=_Change).dynamodb.Keys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload


def partition_key(keys_json: bytes) -> str:
    """Return 32 upper-case hex digits of an item's keys, as DynamoDB does: all changes of an item go to one shard.

    b'{"pk":{"S":"FAN#1"},"sk":{"S":"SALE#2"}}' -> "5B1E...", whatever the order of the members and the blanks.
    """
    # Text that is not JSON is hashed as it stands.
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        keys_json = msgspec.json.encode(msgspec.json.decode(keys_json), order="sorted")
    return md5(keys_json, usedforsecurity=False).hexdigest().upper()


def _client(where: str) -> Any:
    import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    with as_user_errors(where, "written"):
        # PutRecords answers 200 if it refused single records; the SDK repeats only calls that failed as a whole.
        return boto3.client("kinesis", config=Config(retries={"mode": "standard", "max_attempts": 8}))
