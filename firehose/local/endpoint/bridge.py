"""Copies the changes of tables from DynamoDB Streams to a Kinesis stream, where the endpoint does not do so itself."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.change_of_stream import change_of_stream
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.event_record import EventRecord
from firehose.local.kinesis_writer import KinesisWriter
from firehose.local.sources.checkpoints import Checkpoints, load_checkpoints, save_checkpoints

# The most records that DynamoDB Streams returns at once.
PAGE_RECORDS = 1_000

# The states of a destination in which changes reach it, or soon will. A disabled one stays in the table's description.
_CARRYING = {"ACTIVE", "ENABLING", "UPDATING"}


class Bridge:
    """Copies the changes of an endpoint's tables into one Kinesis stream, at least once, as DynamoDB does.

    Bridge(endpoint, "orders-changes", state=Path(".local/up")).carry() -> 3, the number of changes

    Its checkpoints are in the folder `state`. They move once the changes are in the stream.
    """

    def __init__(self, endpoint: Endpoint, stream: str, *, state: Path, page_records: int = PAGE_RECORDS) -> None:
        self._client = endpoint.client("dynamodbstreams")
        self._writer = KinesisWriter(stream, client=endpoint.client("kinesis"))
        self._where = endpoint.url
        self._page_records = page_records
        with as_user_errors(self._where, "read"):
            tables = _tables_to_carry(endpoint, stream)
        self._tables = [_Table(name, arn, state / f"{name}.json") for name, arn in tables]
        self.carried = 0

    @property
    def tables(self) -> list[str]:
        """The names of the tables whose changes it copies."""
        return [table.name for table in self._tables]

    def carry(self) -> int:
        """Copy the changes since the last call, and return their number."""
        before = self.carried
        with as_user_errors(self._where, "read"):
            for table in self._tables:
                self._carry(table)
        return self.carried - before

    def before(self, source: Iterable[EventRecord | None]) -> Iterator[EventRecord | None]:
        """Yield the records of a source, and copy changes whenever it has none."""
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
        """Return the shards, oldest first, so that a parent comes before its children."""
        described = self._client.describe_stream(StreamArn=arn)["StreamDescription"]
        return [shard["ShardId"] for shard in described["Shards"]]

    def _pages(self, arn: str, shard: str, position: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the records of a shard after a position, until it has no more for now."""
        where = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position}
            if position
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        answer = self._client.get_shard_iterator(StreamArn=arn, ShardId=shard, **where)
        iterator = answer["ShardIterator"]
        while iterator:
            answer = self._client.get_records(ShardIterator=iterator, Limit=self._page_records)
            if not answer["Records"]:
                return
            yield answer["Records"]
            iterator = answer.get("NextShardIterator")


class _Table:
    """A table, and the checkpoints of its stream."""

    def __init__(self, name: str, arn: str, path: Path) -> None:
        self.name = name
        self.arn = arn
        self.path = path
        # The stream's ARN ends in its creation time, so a table made again starts afresh.
        self.checkpoints: Checkpoints = load_checkpoints(path, arn, 0, 0)


def _tables_to_carry(endpoint: Endpoint, stream: str) -> list[tuple[str, str]]:
    """Return name and stream ARN of each table whose changes the endpoint does not copy to Kinesis itself."""
    client = endpoint.client("dynamodb", attempts=1)
    names = client.list_tables()["TableNames"]
    found = ((name, client.describe_table(TableName=name)["Table"].get("LatestStreamArn")) for name in names)
    return [(name, arn) for name, arn in found if arn and not _is_carried(client, name, stream)]


def _is_carried(client: Any, table: str, stream: str) -> bool:
    """Return True if the endpoint copies the table's changes to this stream itself."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - with boto3
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        answer = client.describe_kinesis_streaming_destination(TableName=table)
    except (ClientError, ResponseParserError):  # moto answers 500
        return False
    destinations = answer.get("KinesisDataStreamDestinations", [])
    return any(
        one["StreamArn"].endswith(f":stream/{stream}") and one["DestinationStatus"] in _CARRYING for one in destinations
    )
