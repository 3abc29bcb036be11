"""SQL over a lake of Avro containers: the same answers as over Parquet, in bounded memory."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.lake.objects import FolderLake
from firehose.lake.query.sql import Dialect, query
from firehose.local.user_error import UserError
from glue.layout import FILE_FORMATS, Format
from tests.commands import dmd
from tests.lake.test_query import DELETED, LATENCY, TOP_EVENTS
from tests.lakes import (
    DEMAND,
    at,
    avro_schema,
    demand,
    error_document,
    image_of_demand,
    write_avro,
    write_errors,
    write_parquet,
)

pytestmark = pytest.mark.slow

MOMENT = datetime(2025, 1, 3, 10, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "data-pipeline").mkdir()
    return tmp_path


def rows(sql: str, lake: Path) -> list[tuple[Any, ...]]:
    return query(sql, str(lake)).rows


def test_the_top_events_are_counted_without_deletions_and_earlier_days(lake: Path) -> None:
    write_avro(lake, "demand", "2024-12-31", [image_of_demand("2024-12-31")])
    row = image_of_demand("2025-01-01", eventId="e2")
    write_avro(lake, "demand", "2025-01-01", [row, row, image_of_demand("2025-01-01", isDeleted=True)])
    write_avro(lake, "demand", "2025-01-02", [image_of_demand("2025-01-02")])

    assert rows(TOP_EVENTS, lake) == [("e2", 2), ("e1", 1)]


def test_deletions_are_listed_with_their_times(lake: Path) -> None:
    times = {
        "requested": datetime(2024, 11, 1, 10, tzinfo=UTC),
        "deleted": datetime(2025, 2, 1, 10, 0, 0, 123_000, tzinfo=UTC),
    }
    write_avro(lake, "demand", "2024-11-01", [image_of_demand("2024-11-01", isDeleted=True, date=times)])

    answer = query(DELETED, str(lake))

    assert answer.columns == ["fanid", "eventid", "requested", "deleted"]
    assert answer.rows == [("f1", "e1", at("2024-11-01T10:00:00"), at("2025-02-01T10:00:00.123"))]


def test_seconds_between_two_times_are_whole_ones_as_in_athena(lake: Path) -> None:
    times = {
        "requested": datetime(2025, 1, 1, 10, 0, 0, 900_000, tzinfo=UTC),
        "notified": datetime(2025, 1, 1, 10, 0, 2, 100_000, tzinfo=UTC),
    }
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", date=times), image_of_demand("2025-01-01")])

    assert rows(LATENCY, lake) == [(1.0,)]


def event(**fields: Any) -> dict[str, Any]:
    change = {"name": "MODIFY", "at": MOMENT, "atMicros": 5, "expired": False}
    reference = {"id": "e1", "timestamp": MOMENT}
    return {"type": "event", "id": "e1", "isDeleted": False, "reference": reference, "change": change} | fields


def test_values_of_every_kind_come_as_from_parquet(lake: Path) -> None:
    links = {"spotify": [{"url": "u", "id": None}, None], "none": []}
    write_avro(
        lake,
        "event",
        "2025-01-03",
        [
            event(
                eventDate={"start": {"dateTime": MOMENT, "localDate": date(2025, 1, 2)}},
                attractions=[{"name": "a", "externalLinks": links, "aliases": ["x", None]}, None],
                images=[{"width": 7, "fallback": True}],
                isSuppressed=False,
            )
        ],
    )

    sql = "SELECT attractions[1].externallinks, attractions[1].aliases, attractions[2], images[1].width, "
    sql += "images[1].fallback, issuppressed, url, change.name, change.at, change.atmicros, partition_date, "
    sql += "eventdate.start.localdate FROM event"

    assert rows(sql, lake) == [
        (
            {"spotify": [{"url": "u", "id": None}, None], "none": []},
            ["x", None],
            None,
            7,
            True,
            False,
            None,
            "MODIFY",
            at("2025-01-03T10:00:00"),
            5,
            "2025-01-03",
            date(2025, 1, 2),
        )
    ]


def test_the_columns_and_types_are_those_of_parquet(lake: Path) -> None:
    write_avro(lake, "event", "2025-01-03", [event()])

    described = [
        query("SELECT * FROM (DESCRIBE event)", str(lake), file_format=file_format, dialect=Dialect.DUCKDB).rows
        for file_format in FILE_FORMATS
    ]

    assert described[0] == described[1]


@pytest.mark.parametrize("moment", ["1800-01-01T00:00:00", "1969-12-31T23:59:59.999", "2199-12-31T23:59:59.999"])
def test_times_to_both_ends_of_br_12_are_read_right(lake: Path, moment: str) -> None:
    row = image_of_demand("2025-01-01", requestedDateTime=at(moment).replace(tzinfo=UTC))
    write_avro(lake, "demand", "2025-01-01", [row])

    assert rows("SELECT requesteddatetime FROM demand", lake) == [(at(moment),)]


def older(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    """A schema without the field at a path."""
    made = copy.deepcopy(schema)
    record = made
    for name in path[:-1]:
        (field,) = [field for field in record["fields"] if field["name"] == name]
        record = field["type"]
    record["fields"] = [field for field in record["fields"] if field["name"] != path[-1]]
    return made


def test_a_field_that_an_older_file_lacks_is_null_at_any_depth(lake: Path) -> None:
    schema = older(older(avro_schema("demand"), "email"), "date", "deleted")
    write_avro(lake, "demand", "2024-11-01", [image_of_demand("2024-11-01", eventId="old")], schema)
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", email="m")])

    found = rows("SELECT eventid, email, date.requested, date.deleted FROM demand ORDER BY eventid DESC", lake)

    assert found[0] == ("old", None, at("2024-11-01T10:00:00"), None)
    assert found[1][1] == "m"


def test_a_field_that_only_a_newer_file_has_is_ignored(lake: Path) -> None:
    schema = copy.deepcopy(avro_schema("demand"))
    schema["fields"].insert(2, {"name": "seatMap", "type": {"type": "map", "values": "long"}})
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", seatMap={"a": 1})], schema)

    assert rows("SELECT * FROM demand", lake)[0][1:3] == ("f1", "e1")


def test_an_int_of_an_older_file_is_read_as_the_long_it_became(lake: Path) -> None:
    schema = copy.deepcopy(avro_schema("demand"))
    (change,) = [field["type"] for field in schema["fields"] if field["name"] == "change"]
    (micros,) = [field for field in change["fields"] if field["name"] == "atMicros"]
    micros["type"] = "int"
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")], schema)

    assert rows("SELECT change.atmicros FROM demand", lake) == [(0,)]


def test_a_required_field_that_a_file_lacks_is_a_user_error_as_in_hive(lake: Path) -> None:
    path = write_avro(
        lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")], older(avro_schema("demand"), "fanId")
    )

    with pytest.raises(UserError, match="was written with a schema that the table's own schema cannot read") as raised:
        query("SELECT fanid FROM demand", str(lake))

    assert str(path) in str(raised.value)


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_both_codecs_and_any_number_of_blocks_are_read(lake: Path, codec: str) -> None:
    many = [image_of_demand("2025-01-01", fanId=f"f{number}") for number in range(2500)]
    write_avro(lake, "demand", "2025-01-01", many, codec=codec, sync_interval=1000)
    write_avro(lake, "demand", "2025-01-01", [], codec=codec)

    assert rows("SELECT count(DISTINCT fanid), count(*) FROM demand", lake) == [(2500, 2500)]


def test_a_column_whose_type_is_defined_in_an_unused_column_is_read(lake: Path) -> None:
    # `images` defines the type of all images, those of attractions among them.
    write_avro(lake, "event", "2025-01-03", [event(images=[], attractions=[{"images": [{"url": "u"}]}])])

    assert rows("SELECT attractions[1].images[1].url FROM event", lake) == [("u",)]


def test_a_table_may_be_read_twice_in_one_query(lake: Path) -> None:
    two = [image_of_demand("2025-01-01"), image_of_demand("2025-01-01", email="m")]
    write_avro(lake, "demand", "2025-01-01", two)

    assert rows("SELECT count(*) FROM demand a JOIN demand b USING (fanid) WHERE a.email = 'm'", lake) == [(2,)]


def test_files_that_hive_ignores_are_ignored(lake: Path) -> None:
    path = write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])
    for name in ("_SUCCESS", ".part.avro"):
        (path.parent / name).write_text("no container")
    (path.parent.parent / "outside.avro").write_text("in no partition")

    assert rows("SELECT count(*) FROM demand", lake) == [(1,)]


@pytest.mark.parametrize("sql", [TOP_EVENTS, DELETED, "SELECT * FROM event", "SELECT * FROM sale, notification"])
def test_a_table_without_data_is_empty(lake: Path, sql: str) -> None:
    assert query(sql, str(lake), file_format=Format.AVRO).rows == []


def test_error_documents_are_the_table_errors_in_both_modes(lake: Path) -> None:
    write_errors(lake, "2025-01-01", error_document())
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])

    sql = "SELECT error.code, partition_date FROM errors"

    assert [query(sql, str(lake), file_format=one).rows for one in FILE_FORMATS] == [[("invalid", "2025-01-01")]] * 2


@pytest.mark.parametrize(
    ("parquet", "avro", "asked"),
    [(True, False, "parquet"), (True, True, "parquet"), (False, True, "avro"), (False, False, None)],
)
def test_parquet_is_read_if_the_lake_has_any_else_avro(lake: Path, parquet: bool, avro: bool, asked: str) -> None:
    if parquet:
        write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", eventid="parquet")])
    if avro:
        write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", eventId="avro")])

    assert rows("SELECT eventid FROM demand", lake) == ([(asked,)] if asked else [])


def test_the_files_of_another_table_make_a_lake_parquet_too(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])
    write_avro(lake, "event", "2025-01-03", [event()])

    assert rows("SELECT id FROM event", lake) == []


def test_the_format_to_read_can_be_chosen(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", eventid="parquet")])
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", eventId="avro")])

    for file_format in FILE_FORMATS:
        _, printed = dmd("query", "SELECT eventid FROM demand", "--lake", str(lake), "--csv", "--format", file_format)
        assert printed.split() == ["eventid", file_format]


def cut(body: bytes) -> bytes:
    return body[:-20]


def another_sync(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def other_bytes(body: bytes) -> bytes:
    # Avro has no checksum: that the bytes are no deflate is what can be known.
    return body[:-60] + b"\xff" * 40 + body[-20:]


def unknown_codec(body: bytes) -> bytes:
    return body.replace(b"deflate", b"snappyy")


@pytest.mark.parametrize(
    "damage", [cut, another_sync, other_bytes, unknown_codec, lambda _: b"", lambda _: b"no container"]
)
@pytest.mark.parametrize("sql", ["SELECT count(*) FROM demand", "SELECT * FROM demand ORDER BY fanid LIMIT 1"])
def test_a_damaged_file_is_a_user_error_that_names_it_and_no_value(
    lake: Path, damage: Callable[[bytes], bytes], sql: str
) -> None:
    write_avro(lake, "demand", "2024-12-31", [image_of_demand("2024-12-31")])
    path = write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", phoneNumber="SECRET")])
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(UserError) as raised:
        query(sql, str(lake))

    assert str(raised.value) == f"{path} is not an Avro container, or it is damaged"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("sql", ["SELECT eventid::INT FROM demand", "SELECT error(eventid) FROM demand"])
def test_a_value_is_never_in_an_error_message(lake: Path, sql: str) -> None:
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01", eventId="SECRET")])

    with pytest.raises(UserError) as raised:
        query(sql, str(lake))

    assert "SECRET" not in str(raised.value)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lake")
        yield client


def test_a_bucket_answers_as_a_folder_does(lake: Path, bucket: Any) -> None:
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])
    damaged = write_avro(lake, "demand", "2024-12-31", [])
    damaged.write_text("no container")
    for path in (path for path in lake.rglob("*") if path.is_file()):
        bucket.put_object(Bucket="lake", Key=path.relative_to(lake).as_posix(), Body=path.read_bytes())

    assert query(TOP_EVENTS, "s3://lake") == query(TOP_EVENTS, str(lake))
    with pytest.raises(
        UserError, match=r"^s3://lake/data-pipeline/avro/demand/partition_date=2024-12-31/.* is not an Avro"
    ):
        query("SELECT fanid FROM demand", "s3://lake")


def test_an_object_that_may_not_be_read_is_a_user_error(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> Any:
        raise UserError("it cannot be read: AccessDenied")

    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])
    monkeypatch.setattr(FolderLake, "open", denied)

    with pytest.raises(UserError, match=r"^it cannot be read: AccessDenied$"):
        query("SELECT fanid FROM demand", str(lake))


def test_the_columns_of_an_avro_lake_are_the_glue_tables(lake: Path) -> None:
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])

    assert query("SELECT * FROM demand", str(lake)).columns == [*DEMAND.names, "partition_date"]
