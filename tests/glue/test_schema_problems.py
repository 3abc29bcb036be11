"""All problems of the schemas are reported at once, and each problem once."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firehose.cli.glue import app
from firehose.local.user_error import UserError
from glue.model import SchemaError
from glue.schema import load
from tests.glue.test_schema import BAD_FACTS, BAD_FIELDS
from tests.invented import TIME, gift, group, member, optional, record_type


def problems(schema: dict[str, Any]) -> list[str]:
    """The paths of the problems in a schema."""
    with pytest.raises(SchemaError) as refused:
        record_type(schema)
    return [line.partition(": ")[0] for line in str(refused.value).splitlines()]


def test_a_schema_with_many_faults_names_each_of_them() -> None:
    dates = group("Dates", member("sent", "text"), member("opened", optional(TIME), default=7))
    schema = gift(
        member("id", doc=""),
        member("label", ["string", "null"], pii="yes"),
        member("dates", dates, PII=True),
        namespace="a b",
        partitionDate={"sources": ["when"], "from": "2015-02-30", "to": "soon"},
        deletionTime="gone",
    )

    assert problems(schema) == [
        "gift.id",
        "gift.label",
        "gift.label",
        "gift.dates",
        "gift.dates.sent",
        "gift.dates.opened",
        "gift.namespace",
        "gift.partitionDate.sources",
        "gift.partitionDate.from",
        "gift.partitionDate.to",
        "gift.deletionTime",
    ]


def test_every_fault_of_a_field_that_is_refused_alone_is_named_among_all_others() -> None:
    faults: list[Any] = [case.values for case in BAD_FIELDS]
    faults = [(field, path) for field, path in faults if field["name"] == "x"]

    found = problems(gift(*(field | {"name": f"x{number}"} for number, (field, _) in enumerate(faults))))

    expected = {path.replace("gift.x", f"gift.x{number}") for number, (_, path) in enumerate(faults)}
    assert len(expected) == len(faults) > 20
    assert expected <= set(found)


@pytest.mark.parametrize(("schema", "path"), [case for case in BAD_FACTS if case.id != "not a record"])
def test_a_fault_of_the_facts_is_named_beside_one_of_a_field(schema: dict[str, Any], path: str) -> None:
    faulty = schema | {"fields": [*schema["fields"], member("label", "text")]}

    assert {path, "gift.label"} <= set(problems(faulty))


@pytest.mark.parametrize(
    ("field", "path"),
    [
        pytest.param(member("madeAt", "time"), "gift.madeAt", id="partition date and reference come from it"),
        pytest.param(member("deletedAt", optional("time")), "gift.deletedAt", id="a deletion sets it"),
        pytest.param(member("id", "text"), "gift.id", id="part of the reference"),
        pytest.param(member("type", "text"), "gift.type", id="an image is recognised by it"),
        pytest.param(member("isDeleted", "bool", derived=True), "gift.isDeleted", id="derived"),
        pytest.param(member("label", "text", pii=True), "gift.label", id="personal data"),
        pytest.param(
            member("x", {"type": "record", "name": "X", "fields": []}), "gift.x", id="a record without fields"
        ),
    ],
)
def test_nothing_is_said_of_what_depends_on_a_type_that_cannot_be_read(field: dict[str, Any], path: str) -> None:
    assert problems(gift(field)) == [path]


def test_a_type_that_was_refused_may_be_named_again() -> None:
    assert problems(gift(member("x", group("Empty")), member("y", optional("Empty")))) == ["gift.x"]


def test_the_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    for name in ("card", "gift"):
        (tmp_path / f"{name}.avsc").write_text(json.dumps(gift(member("x", "text"), member("y", "text"), name=name)))
    (tmp_path / "parcel.avsc").write_text("{")

    with pytest.raises(SchemaError) as refused:
        load(tmp_path)
    answered = CliRunner().invoke(app, ["check", "--schemas", str(tmp_path), "--out", str(tmp_path)])

    paths = [line.partition(": ")[0] for line in str(refused.value).splitlines()]
    assert paths == ["card.x", "card.y", "gift.x", "gift.y", "parcel"]
    assert isinstance(answered.exception, UserError)
    assert str(answered.exception) == str(refused.value)
