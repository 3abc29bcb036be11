"""Scan a live table, in parallel segments, for the items of a backfill."""

from collections.abc import Generator, Mapping, Set
from typing import Any

import msgspec

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_source import Item, Page
from firehose.lake.backfill.item_to_change import change_maker
from firehose.lake.jobs.job import Unit
from firehose.local.aws_errors import as_user_errors

# A key may be binary, which JSON is not.
_encode_key = msgspec.json.Encoder().encode


class TableSource:
    """A table. A unit is a segment of its scan, a position the key after which the segment continues.

    Reads are consistent: a page has everything that was written before it was requested. An item written during the
    scan may be in it or not; it comes through the table's stream in any case. The SDK waits out throttling.

    Raises:
        UserError: the table cannot be read.
    """

    ignored = ""

    def __init__(
        self,
        table: str,
        segments: int,
        at_micros: int,
        *,
        personal: Set[str],
        client: Any = None,
        page_items: int | None = None,
    ) -> None:
        self._where = f"table {table}"
        with as_user_errors(self._where, "read"):
            self._client = client or _client()
            described = self._client.describe_table(TableName=table)["Table"]
        self.table = table
        # A table that was deleted and created or restored again has the same ARN, and another id.
        self.identity = f"{described['TableArn']} {_table_id(described)}"
        self.items = described["ItemCount"]  # DynamoDB updates it about every six hours
        self.units = [Unit(number, self.items // segments) for number in range(segments)]
        self._segments = segments
        self._keys = [key["AttributeName"] for key in described["KeySchema"]]
        self.at_micros = at_micros
        self._make = change_maker(table, described["TableArn"].split(":")[3], personal)
        self._limit = {} if page_items is None else {"Limit": page_items}

    def pages(self, unit: int, position: str) -> Generator[Page, None, None]:
        """Yield one page for each Scan request, a megabyte of items at most."""
        start = _key(position)
        while True:
            with as_user_errors(self._where, "read"):
                answer = self._client.scan(
                    TableName=self.table,
                    Segment=unit,
                    TotalSegments=self._segments,
                    ConsistentRead=True,
                    **({"ExclusiveStartKey": start} if start else {}),
                    **self._limit,
                )
            start = answer.get("LastEvaluatedKey")
            items = [self._item(image, unit) for image in answer["Items"]]
            yield Page(items, Counts(read=len(items)), _encode_key(start).decode() if start else None)
            if not start:
                return

    def _item(self, image: Mapping[str, Any], unit: int) -> Item:
        # boto3 decodes binaries in DynamoDB's JSON; msgspec encodes them as base64 again.
        change = self._make(image, {name: image[name] for name in self._keys}, self.at_micros)
        kind = image.get("type", {}).get("S")
        return Item(change.payload, change.keys, kind, f"{self._where}, segment {unit}")


def _table_id(described: Mapping[str, Any]) -> str:
    """Return what distinguishes tables of one name: the table id, or the creation time from an emulator without ids."""
    return str(described.get("TableId") or described["CreationDateTime"].timestamp())


def _key(position: str) -> dict[str, Any]:
    """Return the key of a position: '{"pk":{"B":"eA=="}}' -> {"pk": {"B": b"x"}}."""
    key: dict[str, dict[str, Any]] = msgspec.json.decode(position) if position else {}
    return {
        name: {tag: msgspec.convert(body, bytes) if tag == "B" else body for tag, body in attribute.items()}
        for name, attribute in key.items()
    }


def _client() -> Any:
    import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    # Adaptive: the scan slows down, rather than fails, when the table has no capacity left.
    return boto3.client("dynamodb", config=Config(retries={"mode": "adaptive", "max_attempts": 20}))
