"""The facts of a schema: what the function computes, whom a record is about (BR-22), and money."""

import json
from pathlib import Path
from typing import Any

import pytest

from glue.dictionary import data_dictionary
from glue.evolution import breaking
from glue.model import SchemaError
from glue.schema import SCHEMAS, load
from tests.invented import gift, group, member, optional, record_type


def problems(schema: dict[str, Any]) -> list[str]:
    with pytest.raises(SchemaError) as refused:
        record_type(schema)
    return str(refused.value).splitlines()


def paths(schema: dict[str, Any]) -> list[str]:
    return [line.partition(": ")[0] for line in problems(schema)]


@pytest.mark.parametrize("name", ["id", "sequence", "item"])
def test_a_member_of_change_that_may_be_unknown_is_optional(name: str) -> None:
    schema = gift()
    change = next(field for field in schema["fields"] if field["name"] == "change")
    (found,) = (field for field in change["type"]["fields"] if field["name"] == name)
    found["type"] = "string"
    del found["default"]

    assert paths(schema) == ["gift.change"]


def test_what_the_function_always_makes_is_required_and_system_is_not() -> None:
    schema = gift()
    change = next(field for field in schema["fields"] if field["name"] == "change")
    change |= {"type": optional(change["type"]), "default": None}
    parts = group("System", member("id"), member("databaseId"), member("memberId"))

    (of_change,) = problems(schema)
    (of_system,) = problems(gift(member("system", parts, derived=True, parsedFrom="id")))
    assert of_change.startswith("gift.change: derived, so it must be required")
    assert of_system.startswith("gift.system: derived, so it must be optional")


def test_an_older_schema_is_read_though_the_function_computes_more_today(tmp_path: Path) -> None:
    schema = gift()
    change = next(field for field in schema["fields"] if field["name"] == "change")
    change["type"]["fields"].pop()
    (tmp_path / "gift.avsc").write_text(json.dumps(schema))

    assert load(tmp_path, older=True)["gift"].name == "gift"
    with pytest.raises(SchemaError, match=r"^gift\.change: "):
        load(tmp_path)


def test_the_subject_of_a_record_is_a_fact_of_its_schema() -> None:
    assert {name: one.subject for name, one in load().items()} == {
        "demand": ("fanId",),
        "event": None,
        "notification": ("fanId",),
        "sale": None,
    }
    assert '"subject": true' in (SCHEMAS / "demand.avsc").read_text()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([member("x", "int", subject=True)], "gift.x: only a string of the image itself"),
        ([member("x", {"type": "array", "items": optional("string")}, subject=True)], "gift.x: only a string of the"),
        ([member("x", group("G", member("fan", subject=True)))], "gift.x.fan: only a string of the image itself"),
        ([member("x", subject="true")], "gift.x: subject is true or false"),
        ([member("x", subject=True, pii=True)], "gift.x: the subject cannot be personal data"),
        ([member("x", subject=True), member("y", subject=True)], "gift: only one of x, y can be the subject"),
    ],
)
def test_a_subject_is_one_string_of_the_image(fields: list[dict[str, Any]], problem: str) -> None:
    (line,) = problems(gift(*fields))

    assert line.startswith(problem)


def test_the_dictionary_says_whom_a_record_is_about() -> None:
    sections = data_dictionary(load()).split("\n## ")

    assert ["`fanid` says whom the record is about." in section for section in sections[1:5]] == [
        *(True, False, True, False)
    ]


def test_a_subject_may_be_optional() -> None:
    assert record_type(gift(member("fan", optional("string"), subject=True))).subject == ("fan",)


@pytest.mark.parametrize(
    "facts",
    [
        *({}, {"precision": 0}, {"precision": 39}, {"precision": 5, "scale": 6}, {"precision": 5, "scale": -1}),
        *({"precision": "5"}, {"precision": 5, "scale": 1.0}, {"precision": True}, {"precision": 5, "scale": None}),
        {"scale": 0},
    ],
)
def test_a_decimal_needs_a_precision_and_a_scale_that_hive_has(facts: dict[str, Any]) -> None:
    (line,) = problems(gift(member("x", {"type": "bytes", "logicalType": "decimal"} | facts)))

    assert line == "gift.x: a decimal needs a precision from 1 to 38, and a scale from 0 to that"


def test_a_decimal_is_on_bytes() -> None:
    fixed = {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 5, "scale": 2}

    assert paths(gift(member("x", fixed)))[-1] == "gift.x"
    assert paths(gift(member("x", {"type": "bytes", "logicalType": "decimal", "precision": 5, "Scale": 2}))) == [
        "gift.x"
    ]


@pytest.mark.parametrize(("after", "refused"), [("x", []), ("y", ["gift.subject"]), (None, ["gift.subject"])])
def test_another_subject_breaks_the_erasure_of_rows_that_lie_there(after: str | None, refused: list[str]) -> None:
    older, newer = (
        gift(member("x", subject=subject == "x"), member("y", subject=subject == "y")) for subject in ("x", after)
    )

    found = breaking({"gift": record_type(older)}, {"gift": record_type(newer)})

    assert [one.path for one in found] == refused
    assert (
        breaking({"gift": record_type(gift(member("x")))}, {"gift": record_type(gift(member("x", subject=True)))}) == []
    )
