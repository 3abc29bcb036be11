"""The rules of single attributes, BR-3 and BR-11 to BR-18, each seen in a row or an error document."""

import json
from typing import Any

import pytest

from tests.given import change, change_of, image, m, payload, s
from tests.rules import NULL, failure, row


@pytest.mark.parametrize(
    ("record", "path", "expected"),
    [
        pytest.param(change(fanId={"N": "1"}), "fanId", 'a string: {"S": text}', id="wrong tag"),
        pytest.param(change(fanId=None), "fanId", 'a string: {"S": text}', id="missing"),
        pytest.param(change(date=m()), "date.requested", "a time", id="missing inside"),
        pytest.param(change(date=s("x")), "date", 'a map: {"M": {...}}', id="not a map"),
        pytest.param(change(date={"M": "x"}), "date", 'a map: {"M": {...}}', id="a map of nothing"),
        pytest.param(change(contactMethod=s("SMS")), "contactMethod", "one of sms, email", id="enum"),
        pytest.param(
            change("event", venues={"L": [m(), m(name={"N": "1"})]}), "venues[1].name", "a string", id="in a list"
        ),
        pytest.param(change("event", venues={"L": [{"S": "x"}]}), "venues[0]", "a map", id="list item"),
        pytest.param(
            change("event", attractions={"L": [m(externalLinks=m(secret={"L": [m(url={"BOOL": True})]}))]}),
            "attractions[0].externalLinks[*][0].url",
            "a string",
            id="in a map, whose key is not told",
        ),
        pytest.param(change("event", isSuppressed=s("true")), "isSuppressed", "a boolean", id="boolean"),
        pytest.param(change("sale", saleTypes={"NS": ["1"]}), "saleTypes", "a list", id="number set"),
        pytest.param(change("sale", saleTypes={"SS": [1]}), "saleTypes", "a list", id="set of numbers"),
    ],
)
def test_br3_what_does_not_fit_the_schema_is_an_error_that_names_the_path(
    record: Any, path: str, expected: str
) -> None:
    error = failure(record)

    assert (error["code"], error["path"]) == ("invalid", path)
    assert error["message"].startswith(f"{path}: expected {expected}")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"SS": ["b", "a"]}, ["b", "a"]),
        ({"L": [s("b"), s("a")]}, ["b", "a"]),
        ({"L": [s("b"), NULL]}, ["b", None]),
        ({"L": []}, []),
        (NULL, None),
    ],
)
def test_br11_a_string_set_is_an_array_in_the_order_received(types: Any, expected: list[str] | None) -> None:
    assert row(change("sale", saleTypes=types)).get("saletypes") == expected


@pytest.mark.parametrize(
    ("text", "archived"),
    [
        ("2024-05-01T12:00:05Z", "2024-05-01 12:00:05.000"),
        ("2024-05-01 12:00:05", "2024-05-01 12:00:05.000"),
        ("2024-05-01T12:00:05.4289999Z", "2024-05-01 12:00:05.428"),
        ("2024-05-01T12:00:05.999999999Z", "2024-05-01 12:00:05.999"),
        ("2024-05-01T12:00:05.1", "2024-05-01 12:00:05.100"),
        ("2024-05-01T12:00:05+02:00", "2024-05-01 10:00:05.000"),
        ("2024-05-01T00:30:05.5+0200", "2024-04-30 22:30:05.500"),
        ("2024-02-29T23:59:59-0001", "2024-03-01 00:00:59.000"),
        ("1800-01-01T00:00:00Z", "1800-01-01 00:00:00.000"),
        ("1800-01-01T00:00:00.000Z", "1800-01-01 00:00:00.000"),
        ("2199-12-31T23:59:59.999Z", "2199-12-31 23:59:59.999"),
        ("2199-12-31T23:59:59.999999999Z", "2199-12-31 23:59:59.999"),
    ],
)
def test_br12_a_time_is_archived_in_utc_to_the_millisecond(text: str, archived: str) -> None:
    assert row(change("sale", saleEndDateTime=s(text)))["saleenddatetime"] == archived


@pytest.mark.parametrize(
    "text",
    [
        *("", "TBA", "2024-05-01", "2024-02-30T00:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:00:60Z"),
        *("2024-05-01T12:00Z", "2024-05-01T12:00:05.Z", "2024-05-01T12:00:05.1234567890Z", "2024-05-01t12:00:05Z"),
        *("2024-05-01T12:00:05z", "2024-05-01T12:00:05+02", "2024-05-01T12:00:05+24:00", "2024-05-01T12:00:05 Z"),
        *(" 2024-05-01T12:00:05Z", "2024-05-01T12:00:05Z\n", "2024-05-01T12:00:05,5Z", "20240501T120005Z"),
        *("2024-02-30T00:00:00.000Z", "2024-05-01T24:00:00.000Z", "2024-05-01T12:00:60.000Z"),
        *("2024-W18-3T12:00:05.428Z", "1799-12-31T23:59:59.999Z", "2200-01-01T00:00:00.000Z"),
        *("1799-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2199-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\uff12024-05-01T12:00:05Z", "1714564805"),
    ],
)
def test_br12_a_time_that_cannot_be_read_is_an_error(text: str) -> None:
    assert failure(change("sale", saleEndDateTime=s(text)))["path"] == "saleEndDateTime"


@pytest.mark.parametrize("text", ["2025-01-31", "1800-01-01", "2199-12-31"])
def test_br12_a_date_is_archived_as_it_is(text: str) -> None:
    assert row(change("sale", saleStartDate=s(text)))["salestartdate"] == text


@pytest.mark.parametrize("text", ["", "2025-02-30", "2025-1-31", "1799-12-31", "2200-01-01", "2025-01-31T00:00:00Z"])
def test_br12_a_date_that_cannot_be_read_is_an_error(text: str) -> None:
    assert failure(change("sale", saleStartDate=s(text)))["path"] == "saleStartDate"


@pytest.mark.parametrize("unnamed", [{}, "bare", None, 7, {"S": 1, "N": 2}, {"X": {}}, [[]]])
def test_br13_an_attribute_that_the_schema_does_not_name_is_ignored(unnamed: Any) -> None:
    record = change_of(image("sale") | {"gsi1pk": unnamed})

    assert row(record)["id"] == "s1"


NOT_ATTRIBUTES: list[Any] = [
    *({}, {"S": "a", "N": "1"}, {"S": "a", "NULL": True}, {"X": "a"}, "a", None, {"N": "1"}, {"NULL": False}),
    *({"S": None}, {"S": 1}, [], {"NULL": "true"}, {"NULL": None}, {"s": "a"}),
]


@pytest.mark.parametrize("attribute", NOT_ATTRIBUTES)
def test_br14_an_attribute_has_exactly_one_tag_of_its_type(attribute: Any) -> None:
    record = change_of(image("sale") | {"name": attribute})

    assert failure(record) == {
        "code": "invalid",
        "message": 'name: expected a string: {"S": text}, or {"NULL": true}',
        "path": "name",
    }


def test_br14_null_is_fine_where_optional_and_an_error_where_required() -> None:
    assert "name" not in row(change("sale", name=NULL))
    assert failure(change("sale", id=NULL))["path"] == "id"


def test_br14_a_map_value_may_not_be_null() -> None:
    record = change("event", attractions={"L": [m(externalLinks=m(site=NULL))]})

    assert failure(record)["path"] == "attractions[0].externalLinks[*]"


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("-5", -5), ("007", 7), ("2147483647", 2**31 - 1), ("-2147483648", -(2**31))]
)
def test_br14_an_integer_is_digits_within_32_bits(text: str, number: int) -> None:
    record = change("event", images={"L": [m(width={"N": text})]})

    assert row(record)["images"] == [{"width": number}]


@pytest.mark.parametrize(
    "text", ["", "1.0", "1e3", "+1", " 1", "1_0", "\u0663", "2147483648", "-2147483649", "9" * 5000]
)
def test_br14_any_other_number_is_an_error(text: str) -> None:
    record = change("event", images={"L": [m(), m(width={"N": text})]})

    assert failure(record)["path"] == "images[1].width"


def test_br14_an_empty_string_is_a_string() -> None:
    assert row(change("sale", name=s("")))["name"] == ""


LONE = b'"\\ud800"'


def test_br15_a_lone_surrogate_is_an_error_only_where_it_would_be_archived() -> None:
    archived = json.dumps(change("sale", name=s("@"))).encode().replace(b'"@"', LONE)
    ignored = json.dumps(change("sale", other=s("@"))).encode().replace(b'"@"', LONE)
    key = change("event", attractions={"L": [m(externalLinks={"M": {"@": {"L": []}}})]})

    assert failure(archived)["path"] == "name"
    assert row(ignored)["id"] == "s1"
    assert failure(json.dumps(key).encode().replace(b'"@"', LONE))["path"] == "attractions[0].externalLinks[*]"


def test_br15_a_key_with_a_lone_surrogate_does_not_hide_behind_another_key() -> None:
    links: dict[str, Any] = {"@": {"L": []}, "?": {"L": []}, "\\ud800": {"L": []}}
    record = payload(change("event", attractions={"L": [m(externalLinks={"M": links})]})).replace(b'"@"', LONE)

    assert failure(record)["path"] == "attractions[0].externalLinks[*]"


@pytest.mark.parametrize("hidden", [b'{"S":"\\ud800"}', b'{"L":[{"M":{"\\ud800":{"S":"x"}}}]}', b'"\\ud800"'])
def test_br15_a_lone_surrogate_that_a_later_member_of_its_name_hides_is_harmless(hidden: bytes) -> None:
    """Of two members of one name the last is archived, so the record is one JSON document as it must be."""
    later = payload(change("sale", name=s("last"))).replace(b'"name"', b'"name":%s,"name"' % hidden)

    assert row(later)["name"] == "last"


def test_br18_the_keys_of_a_map_are_lower_case_and_may_not_fold_together() -> None:
    links = {"L": [m(url=s("https://example.com"))]}

    folded = row(change("event", attractions={"L": [m(externalLinks=m(YouTube=links))]}))
    error = failure(change("event", attractions={"L": [m(externalLinks=m(YouTube=links, youtube=links))]}))

    assert folded["attractions"][0]["externallinks"] == {"youtube": [{"url": "https://example.com"}]}
    assert error["path"] == "attractions[0].externalLinks[*]"
