"""Writing into a Kinesis stream: full calls of PutRecords, what a call refused again, no faster than asked."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from hashlib import md5
from typing import Any, TypeAlias

import msgspec
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from firehose.local.aws_errors import as_user_errors
from firehose.local.user_error import UserError

KINESIS = "kinesis://"

# Source: Kinesis Data Streams API, PutRecords. A record counts with its partition key.
CALL_RECORDS = 500
CALL_BYTES = 5 * 1024 * 1024
# Streams can be set to take up to 10 MiB; what a delivery stream and its function make of such a record is nowhere
# documented (firehose-facts 6.1), so the default limit of a stream is ours.
RECORD_BYTES = 1024 * 1024

# A full shard refuses records for as long as its writers together are too fast. Eleven waits, 0.2 s doubled up to 20 s,
# are 105 s in all, in which an on-demand stream splits a shard or an operator stops another writer.
ATTEMPTS = 12
_WAITS = wait_exponential(multiplier=0.2, max=20)

# One element of `Records` in a PutRecords request.
Entry: TypeAlias = dict[str, Any]


class TooLargeError(ValueError):
    """A record above what a stream takes; the message names sizes only."""


class KinesisWriter:
    """Puts payloads into a Kinesis stream by PutRecords, within its limits, and sees each of them accepted.

    writer.put(b'{"eventID": ...}', "6D5A..."); writer.flush(); writer.sent == 1

    At least once: a call whose answer was lost is repeated by the SDK. Records that one call refused go after those
    that it took, so the order of one item's records is kept from one `flush` to the next only.

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
        # A second's worth at most, so that a low rate is not kept by bursts of 500 and long silences.
        self._call_records = CALL_RECORDS if not self._rate else max(1, min(CALL_RECORDS, int(self._rate)))
        self._sleep = sleep
        self._clock = clock_seconds
        self._may_send_at = clock_seconds()
        self._waiting: list[Entry] = []
        self._waiting_bytes = 0

    def put(self, payload: bytes, partition_key: str) -> None:
        """Takes a record; sends those that wait where it would not fit into one call with them.

        Raises:
            TooLargeError: the record with its key is above a stream's limit; it was not taken.
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
        """Sends what waits; when it returns, everything put so far is in the stream.

        Raises:
            UserError: the stream cannot be written, or refused records in every attempt. They still wait.
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
        """One call with what waits. Keeps what it refused; the error codes of that."""
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
    """The stream of an address: "kinesis://dmnd" -> "dmnd".

    Raises:
        UserError: it is none.
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
    """The keys of a change record's item; all of a payload that has none, for it has to go to some shard.

    b'{"dynamodb":{"Keys":{"pk":{"S":"FAN#1"}}}}' -> b'{"pk":{"S":"FAN#1"}}'
    """
    try:
        return bytes(msgspec.json.decode(payload, type=_Change).dynamodb.Keys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload


def partition_key(keys_json: bytes) -> str:
    """32 upper-case hex digits of an item's keys, as DynamoDB's own: the same item, the same shard.

    b'{"pk":{"S":"FAN#1"},"sk":{"S":"SALE#2"}}' -> "5B1E..."; the order of the members and blanks make no difference.
    """
    # What is not JSON belongs to one shard all the same.
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        keys_json = msgspec.json.encode(msgspec.json.decode(keys_json), order="sorted")
    return md5(keys_json, usedforsecurity=False).hexdigest().upper()


def _client(where: str) -> Any:
    import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    with as_user_errors(where, "written"):
        # PutRecords answers 200 where single records were refused; the SDK repeats only calls that failed as a whole.
        return boto3.client("kinesis", config=Config(retries={"mode": "standard", "max_attempts": 8}))
