"""Carries the changes of tables to the Kinesis stream where the endpoint does not, from DynamoDB Streams."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.change_of_stream import change_of_stream
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.event_record import EventRecord
from firehose.local.kinesis_writer import KinesisWriter
from firehose.local.sources.checkpoints import Checkpoints, load_checkpoints, save_checkpoints

# The most that DynamoDB Streams gives.
_RECORDS = 1_000


class Bridge:
    """The changes of the tables of an endpoint, into one Kinesis stream.

    Bridge(endpoint, "prd3292-test-dmnd-table-stream", state=Path(".local/up")).carry() -> 3, changes carried

    How far it is lies in `state` and moves when the changes are in the stream: at least once, as DynamoDB itself.
    """

    def __init__(self, endpoint: Endpoint, stream: str, *, state: Path) -> None:
        self._client = endpoint.client("dynamodbstreams")
        self._writer = KinesisWriter(stream, client=endpoint.client("kinesis"))
        self._where = endpoint.url
        with as_user_errors(self._where, "read"):
            tables = _tables_to_carry(endpoint, stream)
        self._tables = [_Table(name, arn, state / f"{name}.json") for name, arn in tables]
        self.carried = 0

    @property
    def tables(self) -> list[str]:
        """The tables whose changes it carries."""
        return [table.name for table in self._tables]

    def carry(self) -> int:
        """Carries what has changed since it was last called; how many changes that were."""
        before = self.carried
        with as_user_errors(self._where, "read"):
            for table in self._tables:
                self._carry(table)
        return self.carried - before

    def before(self, source: Iterable[EventRecord | None]) -> Iterator[EventRecord | None]:
        """The records of a source; whenever it has none, changes are carried."""
        for record in source:
            if record is None:
                self.carry()
            yield record

    def _carry(self, table: "_Table") -> None:
        for shard in self._shards(table.arn):
            position = table.checkpoints.shards.get(shard, "")
            for records in self._pages(table.arn, shard, position):
                for record in records:
                    self._writer.put(*change_of_stream(record, table.name))
                self._writer.flush()
                self.carried += len(records)
                table.checkpoints.shards[shard] = records[-1]["dynamodb"]["SequenceNumber"]
                save_checkpoints(table.path, table.checkpoints)

    def _shards(self, arn: str) -> list[str]:
        """Oldest first, so that a parent comes before its children."""
        described = self._client.describe_stream(StreamArn=arn)["StreamDescription"]
        return [shard["ShardId"] for shard in described["Shards"]]

    def _pages(self, arn: str, shard: str, position: str) -> Iterator[list[dict[str, Any]]]:
        """What a shard has behind a position, up to where there is nothing now."""
        where = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position}
            if position
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        answer = self._client.get_shard_iterator(StreamArn=arn, ShardId=shard, **where)
        iterator = answer["ShardIterator"]
        while iterator:
            answer = self._client.get_records(ShardIterator=iterator, Limit=_RECORDS)
            if not answer["Records"]:
                return
            yield answer["Records"]
            iterator = answer.get("NextShardIterator")


class _Table:
    """A table, and how far its changes have been carried."""

    def __init__(self, name: str, arn: str, path: Path) -> None:
        self.name = name
        self.arn = arn
        self.path = path
        # The stream's ARN ends in the instant that it was made at.
        self.checkpoints: Checkpoints = load_checkpoints(path, arn, 0, 0)


def _tables_to_carry(endpoint: Endpoint, stream: str) -> list[tuple[str, str]]:
    """The tables with a stream of changes, by name and the stream's ARN, that the endpoint does not carry itself."""
    client = endpoint.client("dynamodb", attempts=1)
    names = client.list_tables()["TableNames"]
    found = ((name, client.describe_table(TableName=name)["Table"].get("LatestStreamArn")) for name in names)
    return [(name, arn) for name, arn in found if arn and not _is_carried(client, name, stream)]


def _is_carried(client: Any, table: str, stream: str) -> bool:
    """Whether the endpoint says that it carries the table's changes to this stream."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - with boto3
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        answer = client.describe_kinesis_streaming_destination(TableName=table)
    except (ClientError, ResponseParserError):  # moto answers 500
        return False
    destinations = answer.get("KinesisDataStreamDestinations", [])
    return any(
        one["StreamArn"].endswith(f":stream/{stream}") and one["DestinationStatus"] == "ACTIVE" for one in destinations
    )
