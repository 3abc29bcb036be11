"""A Kinesis stream as a source: every shard is polled once a second, as Firehose does, without end.

Source: Firehose guide, "Writing to Firehose using Kinesis Data Streams"; Kinesis API reference, "GetRecords".
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.delivery.source_marks import shard_of
from firehose.local.event_record import EventRecord, event_record
from firehose.local.kinesis_writer import KINESIS
from firehose.local.sources.checkpoints import END, begin_again_for, load_checkpoints, readable, save_checkpoints

# One GetRecords a second and shard, of the five that all readers of a shard share.
POLL_MS = 1_000

# Soon, but slow enough for five reads a second even if the new iterator is refused as well.
RENEW_MS = 200

# The most that GetRecords gives.
POLL_RECORDS = 10_000

# A shard that ends names its children; this finds the other new shards.
LIST_MS = 10_000

# Errors after which the source retries without end, as Firehose does (guide, "Troubleshooting").
PASSING = {
    "InternalFailure",
    "InternalFailureException",
    "InternalServerError",
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
}
LONGEST_WAIT_MS = 30_000


def now_ms() -> int:
    """Return the time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Shard:
    id: str
    read: str  # the last sequence number read; "" if none was
    due_ms: int
    iterator: str = ""
    closed: bool = False  # split or merged: no more records come to it
    refused: int = 0  # times in a row
    behind_ms: int = 0


class KinesisSource:
    """Yields the records of a stream, shard by shard; None whenever it waits.

    for record in KinesisSource("dmnd", state=Path(".local/up"), start_ms=0): ...

    `start_ms` is the instant at which the first reading of a stream begins. Call `settled` with the number of records
    yielded that are delivered: a later source with the same state skips those, and no others. It skips none if it has
    `new_readers`: delivery streams that have not read what came since they were made. Children of a shard are read
    when the shard has been read to its end, so that the changes of an item keep their order. Without a `state` folder
    the checkpoints are kept in memory alone.

    Raises, when it is made:
        UserError: the stream does not exist, or cannot be described.
    """

    def __init__(
        self,
        stream: str,
        *,
        state: Path | None,
        start_ms: int,
        readers: Iterable[str] = (),
        client: Any = None,
        clock: Callable[[], int] = now_ms,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.throttled = 0
        self._where = KINESIS + stream
        self._stream = stream
        self._client = client or kinesis_client(self._where)
        self._clock = clock
        self._sleep = sleep
        self._path = state / f"{stream}.json" if state else None
        with as_user_errors(self._where, "read"):
            described = self._client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        created_ms = _ms(described["StreamCreationTimestamp"])
        self._checkpoints = load_checkpoints(self._path, described["StreamARN"], created_ms, start_ms)
        self.new_readers = begin_again_for(self._checkpoints, readers)
        self._save()
        self._parents: dict[str, tuple[str, ...]] = {}
        self._ended = {shard for shard, number in self._checkpoints.shards.items() if number == END}
        self._shards: dict[str, _Shard] = {}
        self._list_due_ms = 0
        self._lists_refused = 0
        self._yielded = 0
        # Not settled yet: the count of records yielded, the shard, and the sequence number up to there.
        self._waiting: deque[tuple[int, str, str]] = deque()

    @property
    def lag_ms(self) -> int:
        """The lag of the slowest shard behind its newest record, in milliseconds."""
        return max((shard.behind_ms for shard in self._shards.values()), default=0)

    def source_of(self, record_id: str) -> str:
        """Return the name of a record's source: its shard, of this stream and not of an earlier one of its name."""
        return f"{self._stream}.{self._checkpoints.created_ms}.{shard_of(record_id)}"

    @property
    def behind(self) -> bool:
        """True if the last read of a shard did not reach its newest record, or if a shard was not read yet."""
        return any(shard.behind_ms or not shard.iterator for shard in self._shards.values())

    def __iter__(self) -> Iterator[EventRecord | None]:
        while True:
            if self._clock() >= self._list_due_ms:
                self._list()
            for shard in [shard for shard in self._shards.values() if self._clock() >= shard.due_ms]:
                yield from self._poll(shard)
            yield None
            self._rest()

    def settled(self, count: int) -> None:
        """Move the checkpoints past the first `count` records yielded, which are delivered."""
        waiting = self._waiting
        if not waiting or waiting[0][0] > count:
            return
        shards = self._checkpoints.shards
        while waiting and waiting[0][0] <= count:
            _, name, number = waiting.popleft()
            shards[name] = number
        self._save()

    def hurry(self) -> None:
        """Poll every shard at once, and look for new ones."""
        self._list_due_ms = 0
        for shard in self._shards.values():
            shard.due_ms = 0

    def _save(self) -> None:
        if self._path:
            save_checkpoints(self._path, self._checkpoints)

    def _rest(self) -> None:
        due_ms = min([self._list_due_ms, *(shard.due_ms for shard in self._shards.values())])
        # No longer than a second, so that buffer intervals are checked.
        wait_ms = min(due_ms - self._clock(), POLL_MS)
        if wait_ms > 0:
            self._sleep(wait_ms / 1000)

    def _list(self) -> None:
        now = self._clock()
        try:
            listed = self._listed()
        except _PassingError:
            self._lists_refused += 1
            self._list_due_ms = now + _wait_ms(self._lists_refused)
            return
        self._lists_refused = 0
        self._list_due_ms = now + LIST_MS
        self._parents = {
            shard["ShardId"]: tuple(shard[of] for of in ("ParentShardId", "AdjacentParentShardId") if of in shard)
            for shard in listed
        }
        self._forget_trimmed()
        for name in readable(self._parents, self._ended):
            if name not in self._shards:
                self._shards[name] = _Shard(name, self._checkpoints.shards.get(name, ""), now)
        for shard in listed:
            if shard["ShardId"] in self._shards and "EndingSequenceNumber" in shard["SequenceNumberRange"]:
                self._shards[shard["ShardId"]].closed = True

    def _forget_trimmed(self) -> None:
        """Drop the checkpoints of shards that the stream no longer keeps."""
        for shard in [shard for shard in self._checkpoints.shards if shard not in self._parents]:
            if shard not in self._shards:
                del self._checkpoints.shards[shard]

    def _listed(self) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {"StreamName": self._stream}
        listed: list[dict[str, Any]] = []
        while arguments:
            answer = self._call("list_shards", **arguments)
            listed += answer["Shards"]
            arguments = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        return listed

    def _poll(self, shard: _Shard) -> Iterator[EventRecord]:
        """Call GetRecords once, and yield its records."""
        # Read before the call, so that the call sees what was put before the shard was closed.
        closed = shard.closed
        now = self._clock()
        try:
            answer = self._get(shard)
        except _PassingError:
            shard.refused += 1
            shard.due_ms = now + _wait_ms(shard.refused)
            return
        except _ExpiredError:
            # After five minutes, which a long delivery may take.
            shard.iterator = ""
            shard.due_ms = now + RENEW_MS
            return
        shard.refused = 0
        shard.due_ms = now + POLL_MS
        shard.behind_ms = answer.get("MillisBehindLatest", 0)
        for record in answer["Records"]:
            shard.read = record["SequenceNumber"]
            self._yielded += 1
            self._waiting.append((self._yielded, shard.id, shard.read))
            yield _event_record(shard.id, record)
        shard.iterator = answer.get("NextShardIterator") or ""
        # moto keeps giving iterators of a closed shard, so a closed shard with nothing left has ended as well.
        if not shard.iterator or (closed and not answer["Records"] and not shard.behind_ms):
            self._end(shard)

    def _end(self, shard: _Shard) -> None:
        del self._shards[shard.id]
        self._ended.add(shard.id)
        self._waiting.append((self._yielded, shard.id, END))
        self._list_due_ms = 0

    def _get(self, shard: _Shard) -> dict[str, Any]:
        if not shard.iterator:
            where: dict[str, Any] = (
                {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": shard.read}
                if shard.read
                else {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": _moment(self._checkpoints.start_ms)}
            )
            answer = self._call("get_shard_iterator", StreamName=self._stream, ShardId=shard.id, **where)
            shard.iterator = answer["ShardIterator"]
        return self._call("get_records", ShardIterator=shard.iterator, Limit=POLL_RECORDS)

    def _call(self, call: str, **arguments: Any) -> dict[str, Any]:
        """Call the service, and return its answer.

        Raises:
            _PassingError: the service refuses for now.
            _ExpiredError: the shard iterator is too old.
            UserError: an error that will not pass, such as a missing stream or denied access.
        """
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004, PLC0415 - with boto3

        with as_user_errors(self._where, "read"):
            try:
                answer: dict[str, Any] = getattr(self._client, call)(**arguments)
            except (ConnectionError, HTTPClientError):
                raise _PassingError from None
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in PASSING:
                    self.throttled += 1
                    raise _PassingError from None
                if code == "ExpiredIteratorException":
                    raise _ExpiredError from None
                raise
        return answer


class _PassingError(Exception):
    """The service refuses for now."""


class _ExpiredError(Exception):
    """A shard iterator is too old."""


def kinesis_client(where: str) -> Any:
    """Return a client that does not retry: the source waits itself, and counts it."""
    import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    with as_user_errors(where, "read"):
        return boto3.client("kinesis", config=Config(retries={"mode": "standard", "total_max_attempts": 1}))


def _event_record(shard_id: str, record: dict[str, Any]) -> EventRecord:
    return event_record(
        record["Data"],
        shard_id=shard_id,
        partition_key=record["PartitionKey"],
        sequence_number=record["SequenceNumber"],
        arrival_ms=_ms(record["ApproximateArrivalTimestamp"]),
    )


def _wait_ms(refused: int) -> int:
    """Return how long to wait after so many refusals: a second, two, four, up to half a minute."""
    return min(POLL_MS << min(refused - 1, 10), LONGEST_WAIT_MS)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
