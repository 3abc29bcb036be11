"""A Kinesis stream that behaves as AWS's does where moto does not: shards that end, children, refusals on request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/dmnd"
STARTED_MS = 1_735_725_600_000


@dataclass
class Clock:
    """Epoch milliseconds that only sleeping moves."""

    now: int = STARTED_MS
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1000)


@dataclass
class Shard:
    id: str
    parents: tuple[str, ...]
    records: list[tuple[int, bytes, int, str]] = field(default_factory=list)  # number, payload, arrival, key
    open: bool = True


@dataclass
class Stream:
    """What a boto3 client answers about one stream. `refuse` names the error of a call, or nothing."""

    clock: Clock
    shards: dict[str, Shard] = field(default_factory=dict)
    refuse: Callable[[str], str] = lambda _call: ""
    created: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    page: int = 10_000
    calls: list[str] = field(default_factory=list)
    called_ms: list[int] = field(default_factory=list)
    polled: list[tuple[int, str]] = field(default_factory=list)  # when, which shard
    _number: int = 0

    def add(self, *parents: str) -> str:
        """A new shard."""
        name = f"shardId-{len(self.shards):012}"
        self.shards[name] = Shard(name, parents)
        return name

    def put(self, payload: bytes, shard: str = "shardId-000000000000") -> None:
        assert self.shards[shard].open
        self._number += 1
        number = 49_546_986_683_135_544_286_507_457_936_321_625_675_700_192_471_156_785_154 + self._number
        self.shards[shard].records.append((number, payload, self.clock(), f"{crc32(payload):032X}"))

    def split(self, shard: str) -> tuple[str, str]:
        self.shards[shard].open = False
        return self.add(shard), self.add(shard)

    def merge(self, one: str, other: str) -> str:
        self.shards[one].open = self.shards[other].open = False
        return self.add(one, other)

    def describe_stream_summary(self, **_: Any) -> dict[str, Any]:
        return {"StreamDescriptionSummary": {"StreamARN": ARN, "StreamCreationTimestamp": self.created}}

    def list_shards(self, **_: Any) -> dict[str, Any]:
        self._called("list_shards")
        return {"Shards": [self._described(shard) for shard in self.shards.values()]}

    def get_shard_iterator(self, ShardId: str, ShardIteratorType: str, **where: Any) -> dict[str, str]:  # noqa: N803
        self._called("get_shard_iterator")
        records = self.shards[ShardId].records
        if ShardIteratorType == "AFTER_SEQUENCE_NUMBER":
            at = sum(number <= int(where["StartingSequenceNumber"]) for number, *_ in records)
        else:
            assert ShardIteratorType == "AT_TIMESTAMP"
            at = sum(arrived < where["Timestamp"].timestamp() * 1000 for _, _, arrived, _ in records)
        return {"ShardIterator": f"{ShardId} {at}"}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        self._called("get_records")
        name, at = ShardIterator.split()
        self.polled.append((self.clock(), name))
        shard, start = self.shards[name], int(at)
        arrived = sum(arrived <= self.clock() for _, _, arrived, _ in shard.records)
        end = max(start, min(start + min(Limit, self.page), arrived))
        answer = {
            "Records": [self._record(*one) for one in shard.records[start:end]],
            "MillisBehindLatest": 1000 * max(0, arrived - end),
        }
        if shard.open or end < len(shard.records):
            answer["NextShardIterator"] = f"{name} {end}"
        return answer

    def _called(self, call: str) -> None:
        self.calls.append(call)
        self.called_ms.append(self.clock())
        if code := self.refuse(call):
            raise ClientError({"Error": {"Code": code, "Message": "told by the test"}}, call)

    def _described(self, shard: Shard) -> dict[str, Any]:
        names = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
        return {
            "ShardId": shard.id,
            "SequenceNumberRange": {} if shard.open else {"EndingSequenceNumber": "1"},
            **names,
        }

    def _record(self, number: int, payload: bytes, arrived: int, key: str) -> dict[str, Any]:
        return {
            "Data": payload,
            "PartitionKey": key,
            "SequenceNumber": str(number),
            "ApproximateArrivalTimestamp": datetime.fromtimestamp(arrived / 1000, UTC),
        }
