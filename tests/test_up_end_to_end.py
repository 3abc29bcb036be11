"""Items that are put into the table are found by SQL: every type, created, changed and deleted, in both modes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firehose.commands import Format
from firehose.kinesis.source import now_ms
from firehose.up.code import checkout_package
from firehose.up.deployed import load_deployed
from firehose.up.endpoint import Endpoint
from firehose.up.resources import BUCKET, TABLE, make_resources
from firehose.up.session import Session
from tests.given import image, s
from tests.kinesis_streams import Clock
from tests.local_aws import local_aws
from tests.test_run import dmd

TYPES = ("demand", "event", "notification", "sale")
SECRET = "+15550100"  # of nobody


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint whose table had an item of every type created, changed and deleted, and all of that delivered."""
    with local_aws() as address:
        made = Endpoint(address)
        make_resources(made, list(Format), checkout_package())
        table = made.client("dynamodb")
        for name in TYPES:
            live(table, name)
        table.put_item(TableName=TABLE, Item={"pk": s("broken"), "sk": s("x")})
        deliver(made, tmp_path_factory.mktemp("state"))
        yield made


def live(table: Any, name: str) -> None:
    """The life of an item: put, changed, deleted; and one that stays."""
    item = image(name, phoneNumber=s(SECRET))
    for key in ("gone", "kept"):
        table.put_item(TableName=TABLE, Item={**item, "pk": s(name), "sk": s(key)})
    table.put_item(TableName=TABLE, Item={**item, "pk": s(name), "sk": s("gone"), "email": s("a@example.com")})
    table.delete_item(TableName=TABLE, Key={"pk": s(name), "sk": s("gone")})


def deliver(endpoint: Endpoint, state: Path) -> None:
    clock = Clock(now_ms())
    end_ms = clock.now + 20_000
    with ExitStack() as running:
        deployed = load_deployed(endpoint, [checkout_package()], running, interval_seconds=5)
        session = Session(endpoint, deployed, state, clock=clock, sleep=clock.sleep)
        report = session.run(stop=lambda: clock() > end_ms)
    assert report.unsettled == 0
    assert {one.buffered for one in session.counts()} == {0}
    assert session.bridge.carried == report.read == 4 * len(TYPES) + 1


@pytest.fixture
def sql(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in endpoint.variables.items():
        monkeypatch.setenv(name, value)

    def rows(query: str, file_format: Format) -> list[dict[str, Any]]:
        code, printed = dmd("query", query, "--lake", f"s3://{BUCKET}", "--format", file_format, "--json")
        assert code == 0
        return msgspec.json.decode(printed, type=list[dict[str, Any]])

    return rows


@pytest.mark.parametrize("file_format", Format)
@pytest.mark.parametrize("name", TYPES)
def test_an_item_created_changed_and_deleted_is_found_by_sql(sql: Any, name: str, file_format: Format) -> None:
    query = f"SELECT change.name AS change, isdeleted FROM {name} ORDER BY change.atmicros, change.sequence"  # noqa: S608

    assert [(row["change"], bool(row["isdeleted"])) for row in sql(query, file_format)] == [
        ("INSERT", False),
        ("INSERT", False),
        ("MODIFY", False),
        ("REMOVE", True),
    ]


@pytest.mark.parametrize("file_format", Format)
def test_a_deleted_item_has_no_personal_data_in_the_lake(sql: Any, file_format: Format) -> None:
    query = "SELECT isdeleted, phonenumber, email FROM demand WHERE isdeleted"

    assert sql(query, file_format) == [{"isdeleted": True, "phonenumber": "[redacted]", "email": "[redacted]"}]


def test_what_has_no_type_is_kept_as_an_error_once_in_each_mode(endpoint: Endpoint) -> None:
    listed = endpoint.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="data-pipeline/errors/")

    kinds = sorted(one["Key"].split("/")[2] for one in listed["Contents"])
    assert kinds == ["firehose", "firehose", "records", "records"]
