"""From a table: every item of a scan, in segments and pages, at the time at which the scan began."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import msgspec
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from firehose.lake.backfill.item_source import Page
from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.lake.backfill.table_scan import TableSource
from firehose.local.user_error import UserError
from tests.exports import SMALL, TABLE, backfilled, demand, full_export, make_table
from tests.failed import fans, rows
from tests.fakes import failing
from tests.given import payload, s

pytestmark = pytest.mark.slow

NAMES = sorted(f"{number:02}" for number in range(23))
STARTED = 1_740_000_000_000_000


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The parameters of each Scan."""
    made: list[dict[str, Any]] = []
    make = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "Scan":
            made.append(parameters)
        return make(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return made


def backfilled_table(folder: Path, **members: Any) -> Any:
    return backfilled(TABLE, folder / "lake", folder / "state", is_table=True, **members)


def test_every_item_is_in_the_lake_once_for_any_segments_and_pages(tmp_path: Path, scans: list[Any]) -> None:
    make_table(*map(demand, NAMES))

    counts = backfilled_table(tmp_path, segments=3, page_items=2, chunk_items=5).counts

    assert fans(tmp_path / "lake") == NAMES
    assert (counts.read, counts.settled, counts.delivered) == (23, 23, {"demand": 23})
    assert {one["Segment"] for one in scans} == {0, 1, 2}
    assert all(one["ConsistentRead"] and one["TotalSegments"] == 3 for one in scans)
    assert any("ExclusiveStartKey" in one for one in scans)


def test_an_item_of_a_table_is_an_insert_at_the_time_at_which_the_scan_began(tmp_path: Path) -> None:
    make_table(demand("a"), demand("b"))
    before = datetime.now(UTC).replace(tzinfo=None)

    backfilled_table(tmp_path)

    changes = [row["change"] for row in rows(tmp_path / "lake")]
    assert {change["name"] for change in changes} == {"INSERT"}
    assert len({change["atmicros"] for change in changes}) == 1
    # Parquet's times are kept to the millisecond.
    assert before - timedelta(milliseconds=1) <= changes[0]["at"] <= before + timedelta(minutes=5)


def test_the_same_item_has_the_same_id_in_a_scan_and_in_an_export(tmp_path: Path) -> None:
    items = [demand(name, binary={"B": b"\x00\xff"}, nested={"M": {"set": {"SS": ["y", "x"]}}}) for name in "ab"]
    make_table(*items)
    text = base64.b64encode(b"\x00\xff").decode()
    exported = [one | {"binary": {"B": text}, "nested": {"M": {"set": {"SS": ["x", "y"]}}}} for one in items]
    full_export(tmp_path / "export", exported)

    backfilled_table(tmp_path)
    backfilled(tmp_path / "export", tmp_path / "exported", tmp_path / "state")

    ids = [{row["fanid"]: row["change"]["id"] for row in rows(tmp_path / name)} for name in ("lake", "exported")]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_binary_values_are_base64_as_in_a_stream(tmp_path: Path) -> None:
    make_table(demand("a", secret={"B": b"\x00\xff"}, secrets={"BS": [b"\x01"]}))

    (page,) = TableSource(TABLE, 1, STARTED, personal=frozenset()).pages(0, "")

    image = msgspec.json.decode(page.items[0].payload)["dynamodb"]["NewImage"]
    assert (image["secret"], image["secrets"]) == ({"B": "AP8="}, {"BS": ["AQ=="]})
    assert msgspec.json.decode(page.items[0].keys) == {"pk": s("PK#a"), "sk": s("SK")}


def test_a_scan_resumes_after_a_binary_key(tmp_path: Path) -> None:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="binary",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "B"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(4):
        client.put_item(TableName="binary", Item={"pk": s("P"), "sk": {"B": bytes([255, number])}})
    source = TableSource("binary", 1, STARTED, personal=frozenset(), page_items=1)
    found: list[bytes] = []
    position: str | None = ""

    while position is not None:  # each page by a reader that knows the position only
        page: Page = next(source.pages(0, position))
        found += [item.keys for item in page.items]
        position = page.position

    assert len(found) == len(set(found)) == 4


def test_a_resumed_scan_keeps_its_time_and_does_not_read_again(
    tmp_path: Path, scans: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(*map(demand, NAMES))
    with monkeypatch.context() as patch:
        deliver = LakeLoader.deliver
        times: list[int] = []

        def some(lake: LakeLoader, records: Any, counts: Any, unit: int) -> None:
            times.append(1)
            if len(times) == 3:
                raise UserError("the lake is full")
            deliver(lake, records, counts, unit)

        patch.setattr(LakeLoader, "deliver", some)
        with pytest.raises(UserError, match="full"):
            backfilled_table(tmp_path, segments=2, **SMALL)
    assert len(fans(tmp_path / "lake")) == 4
    (began,) = {row["change"]["atmicros"] for row in rows(tmp_path / "lake")}
    first = len(scans)

    outcome = backfilled_table(tmp_path, segments=2, **SMALL)

    assert outcome.resumed
    assert outcome.counts.delivered == {"demand": 23}
    assert fans(tmp_path / "lake") == NAMES
    assert {row["change"]["atmicros"] for row in rows(tmp_path / "lake")} == {began}
    starts = [payload(one.get("ExclusiveStartKey", {}) | {"Segment": one["Segment"]}) for one in scans]
    assert len(starts) == len(set(starts)), "no page is asked for twice"
    assert first < len(scans)


def test_a_second_scan_is_later_and_its_rows_have_the_same_ids(tmp_path: Path) -> None:
    make_table(demand("a"))
    backfilled_table(tmp_path)

    backfilled_table(tmp_path)

    one, other = (row["change"] for row in rows(tmp_path / "lake"))
    assert one["id"] == other["id"]
    assert one["atmicros"] != other["atmicros"]


def test_only_selected_types_and_dates_are_backfilled(tmp_path: Path) -> None:
    make_table(demand("a", "2025-01-01"), demand("b", "2025-01-02"), demand("c", "2025-01-02", type=s("nobody")))

    counts = backfilled_table(tmp_path, types=("demand",), first="2025-01-02").counts

    assert fans(tmp_path / "lake") == ["b"]
    assert counts.skipped == {"other date": 1, "other type": 1}


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"table {TABLE} cannot be read: ResourceNotFoundException"):
        backfilled_table(tmp_path)

    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ProvisionedThroughputExceededException"])
def test_a_scan_that_is_refused_is_one_sentence_and_the_next_run_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    make_table(*map(demand, NAMES))
    make = botocore.client.BaseClient._make_api_call
    made: list[str] = []

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append(operation)
        if made.count("Scan") == 4:
            raise ClientError({"Error": {"Code": code, "Message": "PK#00"}}, operation)
        return make(client, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        with pytest.raises(UserError, match=f"^table {TABLE} cannot be read: {code}$"):
            backfilled_table(tmp_path, segments=2, page_items=4, chunk_items=4)

    backfilled_table(tmp_path, segments=2, page_items=4, chunk_items=4)

    assert fans(tmp_path / "lake") == NAMES


def test_another_table_of_the_same_name_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_table(demand("a"))
    with monkeypatch.context() as patch:
        patch.setattr(LakeLoader, "deliver", failing(error=UserError("full")))
        with pytest.raises(UserError, match="full"):
            backfilled_table(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    make_table(demand("b"))

    with pytest.raises(UserError, match=f"{TABLE} has changed since this backfill began: to start over, remove"):
        backfilled_table(tmp_path)
