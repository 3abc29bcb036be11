"""The views `latest_<type>` and compliance's queries, run by DuckDB over a lake that `dmd run` wrote."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firehose.cli import app
from firehose.lake.query.sql import query
from glue import hive
from glue.build import ATHENA, PROJECT
from glue.compliance import REDACTED, deletions_sql, personal_data_sql, rows_without_item_sql
from glue.dictionary import data_dictionary
from glue.layout import FILE_FORMATS
from glue.model import SchemaError
from glue.schema import load
from glue.tables import table_inputs
from glue.views import latest, trino_type
from tests.given import CHANGED_MS, change, m, payload, s
from tests.invented import gift, group, member, optional, record_type, without
from transform import scrub

TYPES = load()
PIPELINE = PROJECT / "terraform" / "modules" / "pipeline"

Answer = list[tuple[Any, ...]]
Ask = Callable[..., Answer]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def ask(tmp_path: Path, lake: Path) -> Ask:
    """The answer to SQL over a lake of these change records, where `latest` stands for a type's view."""

    def ask(sql: str, *records: Any, of: str = "demand") -> Answer:
        changes = tmp_path / "changes.jsonl"
        changes.write_bytes(b"".join(payload(record) + b"\n" for record in records))
        done = CliRunner().invoke(app.app, ["run", "--strict", str(changes), "--lake", str(lake)])
        assert done.exit_code == 0, done.output
        return query(sql.replace("FROM latest", f"FROM latest_{of}"), str(lake)).rows

    return ask


def at(seconds: int, record: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The change record with its change so many seconds later, and its own id."""
    time = {"ApproximateCreationDateTime": CHANGED_MS + seconds * 1000}
    own = {"eventID": f"00000000-0000-4000-8000-{seconds:012}"}
    return record | own | {"dynamodb": record["dynamodb"] | time} | members


def test_an_entity_is_shown_once_as_it_was_last(ask: Ask) -> None:
    answer = ask(
        "SELECT eventname FROM latest",
        at(2, change("demand", "MODIFY", eventName=s("newest"))),
        at(1, change("demand", "MODIFY", eventName=s("newer"))),
        at(0, change("demand", eventName=s("new"))),
    )

    assert answer == [("newest",)]


def with_keys(record: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The change record with another sort key, or with keys that are none."""
    keys = {"pk": s("P"), "sk": s(key)} if key is not None else None
    return record | {"dynamodb": record["dynamodb"] | {"Keys": keys}}


def test_two_items_of_one_reference_are_two_entities(ask: Ask) -> None:
    """A fan gets several notifications for one sale: `reference.id` does not tell them apart (BR-20, BR-21)."""
    answer = ask(
        "SELECT salename, reference.id FROM latest ORDER BY 1",
        with_keys(at(0, change("notification", saleName=s("one"))), "N#1"),
        with_keys(at(1, change("notification", saleName=s("two"))), "N#2"),
        with_keys(at(2, change("notification", "MODIFY", saleName=s("two, changed"))), "N#2"),
        of="notification",
    )

    assert answer == [("one", "e1_s1_f1"), ("two, changed", "e1_s1_f1")]


def test_rows_without_an_item_are_one_entity_of_their_reference(ask: Ask) -> None:
    answer = ask(
        "SELECT salename, change.item IS NULL FROM latest ORDER BY 1",
        with_keys(at(0, change("notification", saleName=s("one")))),
        with_keys(at(1, change("notification", "MODIFY", saleName=s("one, changed")))),
        with_keys(at(2, change("notification", saleName=s("two"))), "N#2"),
        of="notification",
    )

    assert answer == [("one, changed", True), ("two", False)]


def test_the_newest_row_is_that_of_the_largest_time_then_of_the_largest_sequence(ask: Ask) -> None:
    """Its eventID says nothing, nor does the order of the file."""
    answer = ask(
        "SELECT eventname FROM latest",
        at(1, change("demand", "MODIFY", eventName=s("later, but earlier in the stream")), eventID="a"),
        at(0, change("demand", eventName=s("first")), eventID="z"),
    )

    assert answer == [("later, but earlier in the stream",)]


def test_rows_without_an_item_are_counted_where_others_of_their_reference_have_one(ask: Ask) -> None:
    answer = ask(
        rows_without_item_sql(TYPES),
        with_keys(at(0, change("notification"))),
        with_keys(at(1, change("notification", "MODIFY"))),
        with_keys(at(2, change("notification")), "N#2"),
        with_keys(at(3, change("notification", fanId=s("another")))),
        with_keys(at(4, change("demand"))),
        with_keys(at(5, change("sale")), "S#1"),
    )

    assert answer == [("demand", 0, 0), ("event", 0, 0), ("notification", 2, 1), ("sale", 0, 0)]


def test_every_entity_is_shown(ask: Ask) -> None:
    answer = ask(
        "SELECT reference.id FROM latest ORDER BY 1", change(fanId=s("a")), change(fanId=s("b")), change(fanId=s("c"))
    )

    assert answer == [("e1_s1_a",), ("e1_s1_b",), ("e1_s1_c",)]


def test_changes_of_the_same_moment_are_told_apart_by_their_place_in_the_stream(ask: Ask) -> None:
    answer = ask(
        "SELECT eventname FROM latest",
        at(0, change("demand", eventName=s("first")), eventID="f"),
        at(0, change("demand", "MODIFY", eventName=s("second")), eventID="a"),
    )

    assert answer == [("second",)]


def test_a_change_delivered_twice_is_shown_once(ask: Ask) -> None:
    twice = change("sale")

    assert ask("SELECT count(*) FROM latest", twice, twice, of="sale") == [(1,)]


def test_a_deleted_entity_is_shown_as_deleted(ask: Ask) -> None:
    answer = ask(
        "SELECT isdeleted, change.expired, email, date.deleted IS NULL FROM latest",
        at(0, change("demand", email=s("a@b.c"))),
        at(1, change("demand", "REMOVE", email=s("a@b.c"))),
    )

    assert answer == [(True, False, "[redacted]", False)]


def test_an_entity_made_again_after_its_deletion_is_shown_alive(ask: Ask) -> None:
    answer = ask(
        "SELECT isdeleted FROM latest",
        at(0, change("demand")),
        at(1, change("demand", "REMOVE")),
        at(2, change("demand")),
    )

    assert answer == [(False,)]


def test_an_entity_whose_partition_date_changed_is_shown_once(ask: Ask) -> None:
    answer = ask(
        "SELECT partition_date FROM latest",
        at(0, change("sale")),
        at(1, change("sale", "MODIFY", saleStartDateTime=s("2025-03-04T10:00:00Z"))),
        of="sale",
    )

    assert answer == [("2025-03-04",)]


@pytest.mark.parametrize("name", TYPES)
def test_a_view_has_the_columns_of_its_table_as_glue_and_athena_write_them(name: str, lake: Path) -> None:
    view = latest(TYPES[name])
    (lake / "data-pipeline").mkdir(parents=True)

    shown = query(view["View"]["originalSql"], str(lake)).columns

    assert shown == [column["Name"] for column in view["Columns"]]
    assert shown == [column["name"] for column in view["View"]["columns"]]
    assert view["Name"] == f"latest_{name}"


@pytest.mark.parametrize(
    ("hive_type", "athenas"),
    [
        ("string", "varchar"),
        ("bigint", "bigint"),
        ("timestamp", "timestamp(3)"),
        ("array<int>", "array(integer)"),
        ("map<string,array<string>>", "map(varchar, array(varchar))"),
        ("struct<end:timestamp,n:double>", 'row("end" timestamp(3), "n" double)'),
    ],
)
def test_athenas_engine_has_names_of_its_own_for_hives_types(hive_type: str, athenas: str) -> None:
    assert trino_type(hive.parse(hive_type)) == athenas


def test_compliance_sees_each_deletion_of_a_period_once_whatever_its_type(ask: Ask) -> None:
    sale = at(1, change("sale", "REMOVE"))
    expired = at(
        2, change("event", "REMOVE"), userIdentity={"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    )

    answer = ask(deletions_sql(TYPES), change("demand"), sale, sale, expired)

    assert [(kind, entity, by_ttl) for kind, entity, _, _, by_ttl, _, _ in answer] == [
        ("sale", "e1_s1", False),
        ("event", "e1", True),
    ]


def test_compliance_tells_deleted_items_of_one_reference_apart(ask: Ask) -> None:
    deleted = at(1, change("notification", "REMOVE"), eventID=...)
    del deleted["eventID"]

    answer = ask(deletions_sql(TYPES), with_keys(deleted, "N#1"), with_keys(deleted, "N#2"))

    assert len({item for _, _, item, *_ in answer}) == 2


def test_a_deletion_after_the_period_is_left_out(ask: Ask) -> None:
    assert ask(deletions_sql(TYPES), at(31 * 86_400, change("sale", "REMOVE"))) == []


def test_the_proof_counts_deleted_rows_for_each_field_of_personal_data(ask: Ask) -> None:
    kept = change("demand", email=s("a@b.c"))
    deleted = at(1, change("demand", "REMOVE", email=s("a@b.c"), phoneNumber=s("1")))

    answer = ask(personal_data_sql(TYPES), kept, deleted)

    assert [row for row in answer if row[0] == "demand"] == [("demand", "email", 1, 0), ("demand", "phonenumber", 1, 0)]
    assert {(kind, field) for kind, field, _, _ in answer} == {
        (name, field.name.lower()) for name, one in TYPES.items() for field in one.row.fields if field.pii
    }


def test_the_proof_fails_where_a_deleted_row_holds_personal_data(ask: Ask) -> None:
    sql = personal_data_sql(TYPES).replace("WHERE isdeleted", "WHERE NOT isdeleted")  # as if nothing were scrubbed

    assert ("demand", "email", 1, 1) in ask(sql, change("demand", email=s("a@b.c")))


def test_the_proof_looks_for_what_scrubbing_leaves() -> None:
    assert REDACTED == scrub.REDACTED


def test_the_proof_reaches_personal_data_in_a_nested_record() -> None:
    contact = member("contact", optional(group("Contact", member("phone", optional("string"), pii=True))))

    assert "contact.phone <> '[redacted]'" in personal_data_sql({"gift": record_type(gift(contact))})


def test_the_proof_refuses_personal_data_that_it_does_not_reach() -> None:
    lists = {"type": "array", "items": ["null", group("Contact", member("phone", optional("string"), pii=True))]}

    with pytest.raises(SchemaError, match="gift: contacts"):
        personal_data_sql({"gift": record_type(gift(member("contacts", optional(lists))))})


def test_without_personal_data_there_is_nothing_to_prove() -> None:
    assert "SELECT 0 AS not_redacted" in personal_data_sql({"gift": record_type(gift())})


@pytest.mark.parametrize("path", [*sorted(PIPELINE.glob("queries/*.sql")), *sorted((PROJECT / ATHENA).glob("*.sql"))])
def test_every_saved_query_runs_and_says_first_what_it_is_for(path: Path, ask: Ask) -> None:
    sql = path.read_text()

    ask(sql, change("demand", date=m(requested=s("2025-01-01T10:00:00Z"), notified=s("2025-01-01T10:00:05Z"))))

    assert sql.startswith("-- ")


def test_the_time_of_a_deletion_of_a_type_without_such_a_field_is_the_changes(tmp_path: Path) -> None:
    schema = without(gift(), "deletedAt")
    del schema["deletionTime"]
    next(field for field in schema["fields"] if field["name"] == "reference")["timestampSources"] = ["madeAt"]
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "gift.avsc").write_text(json.dumps(schema))
    removed = change("gift", "REMOVE", id=s("g1"), madeAt=s("2024-12-24T18:00:00Z"))
    (tmp_path / "in.jsonl").write_bytes(payload(removed) + b"\n")
    lake = str(tmp_path / "lake")

    for mode in FILE_FORMATS:
        arguments = [str(tmp_path / "in.jsonl"), "--lake", lake, "--schemas", str(schemas), "--format", mode]
        assert CliRunner().invoke(app.app, ["run", "--strict", *arguments]).exit_code == 0

    types = load(schemas)
    for mode in FILE_FORMATS:
        (row,) = query(deletions_sql(types), lake, table_inputs(types), file_format=mode).rows
        assert row[:2] == ("gift", "g1")
        assert datetime(2025, 1, 1, 10, 0) in row
    assert "A deletion has `isdeleted = true` and its time in `change.at`." in data_dictionary(types)
