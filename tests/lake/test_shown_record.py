"""What may be shown of a record that failed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.errors.shown_record import NOT_A_NAME, NOT_NAMED, RecordView
from glue.model import fields
from glue.schema import load
from tests.given import Function, change, change_of, image, m, payload, s

TYPES = load()
NAMED = {field.name.casefold() for record_type in TYPES.values() for field in fields(record_type.row)}
VIEW = RecordView(TYPES)
TAGS = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS"]


def shown_image(**attributes: Any) -> dict[str, Any]:
    """What is shown of the image of a demand with these attributes."""
    shown = VIEW.show(payload(change("demand", **attributes)))
    assert shown is not None
    found: dict[str, Any] = shown["dynamodb"]["NewImage"]
    return found


def test_attributes_that_a_schema_names_are_shown_with_their_type_tags() -> None:
    shown = shown_image(fanId={"N": "1"}, venues={"L": [m(Name=s("Hall"))]})

    assert shown["fanId"] == {"N": "1"}
    assert shown["date"] == {"M": {"requested": {"S": "2025-01-01T10:00:00.000Z"}}}
    assert shown["venues"] == {"L": [{"M": {"Name": {"S": "Hall"}}}]}


@pytest.mark.parametrize("name", ["email", "EMAIL", "phonenumber", "MessageBody"])
def test_personal_data_are_redacted_by_name_without_case_and_at_any_depth(name: str) -> None:
    shown = shown_image(**{name: s("SECRET"), "date": m(**{name: {"M": {"x": s("SECRET")}}})})

    assert shown[name] == {"S": "[redacted]"}
    assert shown["date"] == {"M": {name: {"S": "[redacted]"}}}


def test_personal_data_are_shown_if_asked_for_but_for_those_of_a_deletion() -> None:
    view = RecordView(TYPES, with_personal=True)

    inserted = view.show(payload(change("demand", email=s("a@b.c"))))
    deleted = view.show(payload(change("demand", "REMOVE", email=s("a@b.c"))))

    assert inserted is not None
    assert inserted["dynamodb"]["NewImage"]["email"] == s("a@b.c")
    assert "a@b.c" not in json.dumps(deleted)
    assert "[redacted]" in json.dumps(deleted)


def test_an_attribute_that_no_schema_names_is_there_without_its_value() -> None:
    shown = shown_image(saleIdentifier=s("SECRET"), date=m(SECRETARY=m(name=s("SECRET"))))

    assert shown["saleIdentifier"] == NOT_NAMED
    assert shown["date"] == {"M": {"SECRETARY": NOT_NAMED}}


def test_a_name_that_may_be_a_value_is_not_shown() -> None:
    shown = shown_image(**{"a@b.c": s("x"), "+44 20": s("x")})

    assert shown[NOT_A_NAME] == NOT_NAMED
    assert "a@b.c" not in json.dumps(shown)


@pytest.mark.parametrize("name", ["S", "M", "dynamodb", "SizeBytes", "Keys"])
def test_an_attribute_called_like_a_tag_or_a_member_of_the_change_record_is_one_that_no_schema_names(name: str) -> None:
    shown = VIEW.show(payload(change_of({name: s("SECRET")}, Keys={name: s("SECRET")})))

    assert shown is not None
    assert shown["dynamodb"]["NewImage"] == {name: NOT_NAMED}
    assert "SECRET" not in json.dumps(shown)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"fanId":"SECRET"} x', b'{"email":"x","fanId":"\xff"}', b'"SECRET"', b'["SECRET"]', b'{"fanId":NaN}'],
)
def test_nothing_is_shown_of_what_is_not_a_json_object(raw: bytes) -> None:
    assert VIEW.show(raw) is None


def test_a_row_is_shown_by_the_same_names() -> None:
    row = Function().row(change("demand", email=s("SECRET")))

    shown = VIEW.show(json.dumps(row | {"other": "SECRET"}).encode())

    assert shown is not None
    assert shown == row | {"other": NOT_NAMED, "email": {"S": "[redacted]"}}


def test_attributes_are_shown_as_deep_as_dynamodb_nests_them_and_no_deeper_than_can_be_printed() -> None:
    def nested(depth: int) -> bytes:
        attribute: Any = s("x")
        for _ in range(depth):
            attribute = m(date=attribute)
        return payload(change_of(image("demand", date=attribute)))

    assert VIEW.show(nested(31)) is not None
    assert VIEW.show(nested(200)) is None


@pytest.mark.parametrize(
    "members",
    [
        {"dynamodb": "SECRET"},
        {"dynamodb": {"Keys": ["SECRET"]}},
        {"eventID": {"S": "SECRET"}},
        {"eventName": ["SECRET"]},
    ],
    ids=str,
)
def test_a_member_of_the_change_record_that_is_something_else_is_not_shown(members: dict[str, Any]) -> None:
    assert "SECRET" not in json.dumps(VIEW.show(json.dumps(members).encode()))


def test_a_lone_surrogate_is_shown_as_a_question_mark() -> None:
    assert shown_image(fanId=s("\ud800"))["fanId"] == {"S": "?"}


JSON = st.recursive(
    st.sampled_from(["SECRET", 7, None, True]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*TAGS, "pk", "Pk2", "email", "eMail", "fanId", "date", "Keys"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(
    attributes=st.dictionaries(st.sampled_from(["pk", "email", "S", "NewImage"]), JSON, min_size=1) | JSON,
    member=st.sampled_from(["NewImage", "oldimage", "KEYS"]),
)
def test_no_value_of_personal_data_or_of_an_attribute_without_a_name_in_a_schema_is_ever_shown(
    attributes: Any, member: str
) -> None:
    named = {name.casefold() for name in attributes} & NAMED - {"email"} if isinstance(attributes, dict) else set()
    record = {"eventName": "MODIFY", "dynamodb": {member: attributes}}

    shown = json.dumps(VIEW.show(json.dumps(record).encode()))

    assert named or "SECRET" not in shown


@given(document=JSON)
def test_whatever_is_shown_lies_under_names_of_a_schema_tags_or_the_change_record(document: Any) -> None:
    shown = VIEW.show(json.dumps({"date": document}).encode())

    def check(value: Any) -> None:
        if isinstance(value, dict):
            for name, member in value.items():
                assert member == NOT_NAMED or name.casefold() in NAMED or name in TAGS
                assert name.casefold() != "email" or member == {"S": "[redacted]"}
                check(member)
        elif isinstance(value, list):
            for item in value:
                check(item)

    check(shown)
