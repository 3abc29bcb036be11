"""The end-to-end test itself: what it finds, where it says that changes stopped, what it takes away."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from firehose.lake.query.sql import query
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import Format
from tests.commands import dmd
from tests.e2e.athena import QueryError
from tests.e2e.items import LIVING, NOBODY, Items, Life, Row, new_run
from tests.e2e.run import Clocks, Search, Stopped, run
from tests.e2e.where_it_stopped import where_it_stopped
from tests.given import change_of, payload, s
from tests.kinesis_streams import Clock
from tests.local_aws import local_aws
from tests.terraform import what_dev1_has_already

pytestmark = pytest.mark.slow

NAMES = Names("dev1")
RUN = "e2e-20250101-00000000"
DEMAND = Life("demand", RUN, "2025-01-01T10:00:00Z")
SINCE = datetime.now(UTC) - timedelta(minutes=1)

Answer = list[dict[str, str | None]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with local_aws() as address:
        what_dev1_has_already(address)
        yield Endpoint(address)


@pytest.fixture
def table(endpoint: Endpoint) -> Iterator[Any]:
    """DynamoDB with an item of somebody else's, which is all that it may hold afterwards."""
    client = endpoint.client("dynamodb")
    client.put_item(TableName=NAMES.table, Item={"pk": s("somebody's")})
    yield client
    assert client.scan(TableName=NAMES.table)["Items"] == [{"pk": s("somebody's")}]


def answer(rows: list[Row]) -> Answer:
    """What SQL answers where these rows are."""
    return [
        {
            "id": str(row),
            "entity": row.entity,
            "changed": row.change,
            "gone": row.deleted,
            "phonenumber": row.personal[0],
            "email": row.personal[1],
        }
        for row in rows
    ]


def lake(rows: list[Row], latest: list[Row] | None = None) -> Callable[[str], Answer]:
    """A lake that holds these rows."""
    return lambda sql: answer((DEMAND.latest if latest is None else latest) if "latest_" in sql else rows)


def try_out(
    table: Any, sql: Callable[[str], Answer], clock: Clock | None = None, said: list[str] | None = None
) -> None:
    """The end-to-end test of demands."""
    ticks = clock or Clock()
    run(
        Items(table, NAMES.table),
        [DEMAND],
        {Format.PARQUET: sql},
        seconds=60,
        where_it_stopped=lambda search: f"stopped before {search}",
        say=(said if said is not None else []).append,
        clocks=Clocks(lambda: ticks() / 1000, ticks.sleep),
    )


def test_every_step_is_said(table: Any) -> None:
    said: list[str] = []

    try_out(table, lake(DEMAND.rows), said=said)

    assert said == [
        "table   demand: items created, changed and deleted",
        "lake    demand (parquet): every change found after 0 s",
        "views   latest_demand: the newest row of each item",
        "clear   1 items deleted, 0 objects below test/",
    ]


def test_changes_are_looked_for_until_they_are_there(table: Any) -> None:
    clock, said = Clock(), list[str]()
    began = clock()

    def sql(asked: str) -> Answer:
        return lake(DEMAND.rows if clock() - began > 35_000 else DEMAND.rows[:2])(asked)

    try_out(table, sql, clock, said)

    assert said[1] == "lake    demand (parquet): every change found after 40 s"
    assert clock.slept == [10, 10, 10, 10]


def test_what_is_not_there_in_time_is_told_with_where_it_stopped(table: Any) -> None:
    clock = Clock()

    with pytest.raises(Stopped) as stopped:
        try_out(table, lake([row for row in DEMAND.rows if row.change != "REMOVE"]), clock)

    assert str(stopped.value) == (
        f"demand (parquet): 1 of 4 changes not found in 60 s, first the REMOVE of {RUN}_{RUN}_{RUN}-gone\n"
        "        stopped before demand (parquet)"
    )
    assert sum(clock.slept) == 60


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param({"personal": (NOBODY, "[redacted]")}, "with other personal data than it should", id="personal"),
        pytest.param({"deleted": "false"}, "with isdeleted = false", id="not deleted"),
        pytest.param({"change": "TRUNCATE"}, ", which it should not", id="a change nobody made"),
    ],
)
def test_a_row_that_is_not_as_it_should_be_ends_the_test_at_once(table: Any, wrong: Any, told: str) -> None:
    clock = Clock()
    rows = [row._replace(**wrong) if row.change == "REMOVE" else row for row in DEMAND.rows]

    with pytest.raises(Stopped, match=told) as stopped:
        try_out(table, lake(rows), clock)

    assert NOBODY not in str(stopped.value)
    assert clock.slept == []


def test_a_change_that_has_two_different_rows_ends_the_test(table: Any) -> None:
    with pytest.raises(Stopped, match="shows 5 rows of 4 changes"):
        try_out(table, lake([*DEMAND.rows, DEMAND.rows[0]]))


def test_a_view_that_does_not_show_the_newest_row_ends_the_test(table: Any) -> None:
    with pytest.raises(Stopped, match=r"latest_demand \(parquet\) does not show the REMOVE"):
        try_out(table, lake(DEMAND.rows, latest=DEMAND.latest[1:]))


@pytest.mark.parametrize("error", [KeyboardInterrupt, QueryError, UserError])
def test_however_it_ends_its_items_are_taken_away(table: Any, error: type[BaseException]) -> None:
    def sql(_: str) -> Answer:
        raise error

    with pytest.raises(error):
        try_out(table, sql)


def test_an_interrupt_between_the_puts_leaves_nothing(table: Any) -> None:
    delete = table.delete_item
    table.delete_item = Interrupted(delete)

    with pytest.raises(KeyboardInterrupt):
        try_out(table, lake([]))

    assert table.delete_item.calls == 3  # interrupted once, then one for each of the two items


class Interrupted:
    """A call that Ctrl-C interrupts the first time."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call, self.calls = call, 0

    def __call__(self, **arguments: Any) -> Any:
        self.calls += 1
        if self.calls == 1:
            raise KeyboardInterrupt
        return self.call(**arguments)


def test_an_item_that_was_there_before_is_neither_changed_nor_deleted(endpoint: Endpoint) -> None:
    client = endpoint.client("dynamodb")
    theirs = {"pk": s(f"{RUN}-demand-kept"), "type": s("theirs")}
    client.put_item(TableName=NAMES.table, Item=theirs)

    with pytest.raises(UserError, match=f"has an item {RUN}-demand-kept that is not ours"):
        try_out(client, lake([]))

    assert client.get_item(TableName=NAMES.table, Key={"pk": theirs["pk"]})["Item"] == theirs
    assert "Item" not in client.get_item(TableName=NAMES.table, Key={"pk": s(f"{RUN}-demand-gone")})
    client.delete_item(TableName=NAMES.table, Key={"pk": theirs["pk"]})


def test_items_that_cannot_be_taken_away_are_named(endpoint: Endpoint) -> None:
    client = endpoint.client("dynamodb")
    items, said = Items(client, NAMES.table), list[str]()
    told = "clear   NOT DONE: these items are still in prd3292-dev1-us-east-1-demand-table"

    def sql(_: str) -> Answer:
        client.delete_item = Interrupted(client.delete_item)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(items, [DEMAND], {Format.AVRO: sql}, seconds=1, where_it_stopped=str, say=said.append)

    assert said[-1] == f"{told}: {RUN}-demand-kept"
    assert items.clear() == 1


@pytest.mark.parametrize("name", LIVING)
def test_what_a_run_makes_is_known_by_its_id_and_is_nobodys(name: str) -> None:
    life = Life(name, RUN, "2025-01-01T10:00:00Z")

    assert all(RUN in row.entity for row in life.rows)
    for item in (life.gone, life.changed, life.kept):
        assert {item[one]["S"] for one in ("phoneNumber", "email", "messageBody") if one in item} <= {NOBODY}
    assert [row.change for row in life.latest] == ["REMOVE", "INSERT"]


def test_a_change_that_was_delivered_twice_is_one_row_and_other_runs_have_none(tmp_path: Path) -> None:
    other = Life("demand", "e2e-20250101-ffffffff", DEMAND.at)
    created = payload(change_of(DEMAND.gone))
    changes, lake = tmp_path / "changes.jsonl", str(tmp_path / "lake")
    changes.write_bytes(b"\n".join([created, created, payload(change_of(other.gone))]))
    assert dmd("run", str(changes), "--lake", lake)[0] == 0

    answer = query(DEMAND.sql("demand"), lake)

    assert query("SELECT count(*) FROM demand", lake).rows == [(3,)]
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    assert DEMAND.read(rows) == [row for row in DEMAND.rows if row.change == "INSERT" and "gone" in row.entity]


def test_two_runs_have_two_ids() -> None:
    assert new_run(SINCE) != new_run(SINCE)
    assert new_run(datetime(2025, 1, 1, tzinfo=UTC)).startswith("e2e-20250101-")


# Where it stopped.


class Replication:
    """A table's destinations, as DynamoDB describes them."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def describe_kinesis_streaming_destination(self, **_: Any) -> dict[str, Any]:
        if not self.states:
            raise ClientError({"Error": {"Code": "500"}}, "DescribeKinesisStreamingDestination")
        return {"KinesisDataStreamDestinations": [{"DestinationStatus": state} for state in self.states]}


def stopped(endpoint: Endpoint, *states: str, **place: Any) -> str:
    def client(service: str) -> Any:
        return Replication(*states) if service == "dynamodb" else endpoint.client(service)

    search = Search(Format.PARQUET, DEMAND, lake([]))
    since = place.get("since", SINCE)
    return where_it_stopped(client, NAMES, search.mode, search.life.name, search.life.date, since)


@pytest.fixture
def objects(endpoint: Endpoint) -> Iterator[Callable[[str], None]]:
    client = endpoint.client("s3")
    keys = []

    def put(key: str) -> None:
        keys.append(key)
        client.put_object(Bucket=NAMES.bucket, Key=key, Body=b"")

    yield put
    for key in keys:
        client.delete_object(Bucket=NAMES.bucket, Key=key)


def test_changes_that_dynamodb_does_not_carry_stopped_at_the_table(endpoint: Endpoint) -> None:
    assert stopped(endpoint, "DISABLED").startswith("stopped at the table: DynamoDB does not carry its changes")


@pytest.mark.parametrize("states", [("ACTIVE",), ("DISABLED", "ACTIVE"), ()], ids=["carried", "anew", "not told"])
def test_where_nothing_came_to_the_lake_they_stopped_before_it(endpoint: Endpoint, states: tuple[str, ...]) -> None:
    told = stopped(endpoint, *states)

    assert told == (
        "stopped before the lake: nothing came to data-pipeline/parquet/demand/partition_date=2025-01-01/, "
        "so look at the stream and the function"
    )


def test_errors_that_came_meanwhile_are_told(endpoint: Endpoint, objects: Callable[[str], None]) -> None:
    objects("data-pipeline/errors/firehose/processing-failed/a")

    told = stopped(endpoint, "ACTIVE")

    assert told.endswith(f"; 1 objects came to data-pipeline/errors/: dmd errors --lake s3://{NAMES.bucket}")
    assert "1 objects" not in stopped(endpoint, "ACTIVE", since=datetime.now(UTC) + timedelta(minutes=1))


def test_where_objects_came_to_the_lake_they_stopped_behind_it(
    endpoint: Endpoint, objects: Callable[[str], None]
) -> None:
    objects("data-pipeline/parquet/demand/partition_date=2025-01-01/a.parquet")
    objects("data-pipeline/parquet/demand/partition_date=2025-01-02/a.parquet")

    assert stopped(endpoint, "ACTIVE").startswith("stopped behind the lake or at single records: 1 objects came to")
