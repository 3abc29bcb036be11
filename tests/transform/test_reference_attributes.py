"""The oracle on single attributes and on JSON, rule by rule: each expectation was read off the rules by hand."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.reference import DECODER, Failed, Other, Row, expected, parse_deep, read_int
from tests.reference_inputs import DEMAND, demand, event, invalid, of, payload, row_of, sale


def test_br_11_a_string_set_is_an_array_in_its_order_where_strings_are_due() -> None:
    assert row_of(sale(saleTypes={"SS": ["b", "a"]})).row["saleTypes"] == ["b", "a"]
    assert of(sale(saleTypes={"SS": ["b", 1]})) == invalid("saleTypes", "saleTypes[1]")
    assert of(sale(saleTypes={"NS": ["1"]})) == invalid("saleTypes")
    assert of(event(venues={"SS": ["a"]})) == invalid("venues")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-02-29 01:02:03", datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)),
        ("2024-02-29T01:02:03.1Z", datetime(2024, 2, 29, 1, 2, 3, 100000, tzinfo=UTC)),
        ("2024-02-29T01:02:03.123999999+0130", datetime(2024, 2, 28, 23, 32, 3, 123000, tzinfo=UTC)),
        ("1969-12-31T23:59:59.9999-00:00", datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("1799-12-31T23:00:00-01:00", datetime(1800, 1, 1, tzinfo=UTC)),
        ("2199-12-31T23:59:59.999999999Z", datetime(2199, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_br_12_a_time_is_read_and_truncated_to_the_millisecond(text: str, time: datetime) -> None:
    assert row_of(demand(requestedDateTime={"S": text})).row["requestedDateTime"] == time


UNREADABLE_TIMES = """\
TBA||2024-02-30T00:00:00Z|2024-01-01|2024-01-01T00:00Z|2024-01-01T24:00:00Z|2024-01-01T00:00:60Z|2024-01-01T00:00:00.Z
2024-01-01T00:00:00.1234567890Z|2024-01-01T00:00:00z|2024-01-01t00:00:00Z|2024-01-01T00:00:00+01|2024-1-1T0:0:0Z
2024-01-01T00:00:00+1:00|2024-01-01T00:00:00+24:00|2024-01-01T00:00:00+00:60|1799-12-31T23:59:59.999Z
2200-01-01T00:00:00Z|1800-01-01T00:30:00+01:00|2199-12-31T23:30:00-01:00|0000-01-01T00:00:00Z|9999-12-31T23:59:59-23:59
2024-01-01T00:00:00,5Z|20240101T000000Z|2024-01-01T00:00:00 Z|+2024-01-01T00:00:00Z| 2024-01-01T00:00:00Z|
\u0662024-01-01T00:00:00Z|2024-01-01  00:00:00Z|2024-01-01T00:00:00+-1:00|2024-01-01T00:00:00Z+01:00"""


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00Z\n", *re.split(r"[|\n]+", UNREADABLE_TIMES), ""], ids=repr)
def test_br_12_a_time_that_cannot_be_read_is_an_error(text: str) -> None:
    assert of(demand(requestedDateTime={"S": text})) == invalid("requestedDateTime")


def test_br_12_a_date_is_exactly_a_date() -> None:
    assert row_of(sale(saleStartDate={"S": "2199-12-31"})).row["saleStartDate"] == date(2199, 12, 31)
    for text in ("2199-12-31T00:00:00Z", "2200-01-01", "1799-12-31", "2023-02-29", "20240101", "2024-W01-1", ""):
        assert of(sale(saleStartDate={"S": text})) == invalid("saleStartDate")


def test_br_12_null_or_absence_of_an_optional_time_is_no_error() -> None:
    assert row_of(sale(saleStartDate={"NULL": True}, date={"NULL": True})).row["date"] is None


def test_br_13_what_the_schema_does_not_name_may_hold_anything() -> None:
    venue = {"M": {"social": {"M": {"twitter": 1}}, "name": {"S": "x"}}}

    row = row_of(event(extra=1, dates={"X": "\ud800"}, venues={"L": [venue]})).row

    assert row["venues"][0]["name"] == "x"
    assert "extra" not in row


NOT_ONE_TAG = [{}, {"S": "a", "N": "1"}, {"S": "a", "note": 1}, {"X": "a"}, {"s": "a"}, "a", None, 1, ["a"]]


WRONG_TAG = [
    {"N": "1"},
    {"S": 1},
    {"S": None},
    {"NULL": False},
    {"NULL": 1},
    {"NULL": "true"},
    {"M": {}},
    {"B": "YQ=="},
]


@pytest.mark.parametrize("attribute", NOT_ONE_TAG + WRONG_TAG, ids=str)
def test_br_14_an_attribute_is_an_object_with_exactly_the_one_tag_due(attribute: Any) -> None:
    assert of(demand(email=attribute)) == invalid("email")


def test_br_14_null_is_null_where_optional_and_as_an_element_only() -> None:
    null = {"NULL": True}

    assert row_of(demand(email=null, contactMethod=null)).row["email"] is None
    assert row_of(sale(saleTypes={"L": [null, {"S": ""}]})).row["saleTypes"] == [None, ""]
    assert row_of(event(venues={"L": [null]}, name=null)).row["venues"] == [None]
    assert of(demand(fanId=null)) == invalid("fanId")
    assert of(demand(date=null)) == invalid("date")
    assert of(event(attractions={"L": [{"M": {"externalLinks": {"M": {"x": null}}}}]})) == invalid(
        "attractions[0].externalLinks[*]"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("-2147483648", -(2**31)), ("2147483647", 2**31 - 1), ("-0", 0), ("007", 7), ("0" * 5000 + "1", 1)],
)
def test_br_14_an_integer_is_digits_within_32_bits(text: str, number: int) -> None:
    assert read_int(text) == number


@pytest.mark.parametrize(
    "text", ["2147483648", "-2147483649", "9" * 5000, "1.0", "1e3", "+1", "", " 1", "1\n", "\u0661", "1_0", "--1", "-"]
)
def test_br_14_anything_else_is_no_integer(text: str) -> None:
    image = event(images={"L": [{"M": {"width": {"N": "1"}}}, {"M": {"width": {"N": text}}}]})

    assert of(image) == invalid("images[1].width")


def test_br_14_enums_are_case_sensitive_and_booleans_are_booleans() -> None:
    assert row_of(demand(contactMethod={"S": "sms"})).row["contactMethod"] == "sms"
    assert of(demand(contactMethod={"S": "SMS"})) == invalid("contactMethod")
    assert of(demand(contactMethod={"S": ""})) == invalid("contactMethod")
    assert of(event(isSuppressed={"BOOL": "true"})) == invalid("isSuppressed")
    assert of(event(isSuppressed={"BOOL": 1})) == invalid("isSuppressed")
    assert row_of(event(isSuppressed={"BOOL": False})).row["isSuppressed"] is False


def test_br_14_an_empty_map_is_a_struct_of_nulls_and_an_empty_map_of_links_is_empty() -> None:
    attraction = row_of(event(date={"M": {}}, attractions={"L": [{"M": {"externalLinks": {"M": {}}}}]})).row

    assert attraction["date"] == {"firstSeen": None, "updated": None, "deleted": None}
    assert attraction["attractions"][0]["externalLinks"] == {}


NOT_JSON = [b"", b" ", b"{", b"{}{}", b"{} x", b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":-Infinity}', b"{'a':1}", b"[1,]"]
NOT_JSON += [b'{"a":01}', b'{"a":"\x01"}', b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b"\xff\xfe{\x00", b'"\\x"', b"nul"]


@pytest.mark.parametrize("document", NOT_JSON, ids=repr)
def test_br_15_what_is_not_one_document_of_utf_8_is_not_json(document: bytes) -> None:
    assert expected(document, "1", 0) == Failed("not_json")


def test_br_15_is_asked_before_anything_else() -> None:
    foreign = payload({"type": {"S": "artist"}})

    assert expected(foreign, "1", 0) == Other()
    assert expected(foreign + b" \r\n\t", "1", 0) == Other()
    assert expected(foreign + b"\x00", "1", 0) == Failed("not_json")
    assert expected(foreign.replace(b"artist", b"artist\xc3"), "1", 0) == Failed("not_json")


def test_br_15_a_lone_surrogate_is_an_error_only_where_it_would_be_archived() -> None:
    links: dict[str, Any] = {"M": {"\udc00": {"L": []}}}

    assert of(demand(saleName={"S": "a\ud800"})) == invalid("saleName")
    assert of(sale(saleTypes={"SS": ["\udc00"]})) == invalid("saleTypes", "saleTypes[0]")
    assert of(event(attractions={"L": [{"M": {"externalLinks": links}}]})) == invalid(
        "attractions[0].externalLinks", "attractions[0].externalLinks[*]"
    )
    assert of(demand(), eventID="\ud800") == Failed("not_a_change")
    assert isinstance(of(demand(pk={"S": "\ud800"}), tableName="\udc00"), Row)
    assert row_of(demand(saleName={"S": "\U0001f600"})).row["saleName"] == "\U0001f600"


def test_of_two_equal_keys_the_last_counts() -> None:
    twice = payload(demand()).replace(b'"fanId"', b'"fanId": {"S": "first"}, "fanId"')

    outcome = expected(twice, "1", 0)

    assert isinstance(outcome, Row)
    assert outcome.row["fanId"] == "f1"


def test_a_number_of_any_length_and_nesting_of_any_depth_are_json() -> None:
    deep = b"[" * 50_000 + b'{"a": [1, {}], "b": "\\u00e9"}' + b"]" * 50_000
    image = payload(demand(extra=0))

    assert isinstance(expected(image.replace(b'"extra": 0', b'"extra": ' + b"9" * 9999), "1", 0), Row)
    assert isinstance(expected(image.replace(b'"extra": 0', b'"extra": ' + deep), "1", 0), Row)
    assert expected(image.replace(b'"extra": 0', b'"email": {"S": ' + deep + b"}"), "1", 0) == invalid("email")
    assert expected(image.replace(b'"extra": 0', b'"extra": ' + deep[:-1]), "1", 0) == Failed("not_json")
    assert expected(deep, "1", 0) == Failed("not_a_change")


@pytest.mark.parametrize("document", [*NOT_JSON, payload(DEMAND), b' [1, {"a": [], "b": {}, "a": null}, -1.5e3] '])
def test_the_parser_for_deep_documents_agrees_with_the_json_module(document: bytes) -> None:
    def outcome_of(parse: Any) -> Any:
        try:
            return parse(document.decode())
        except ValueError:
            return "not JSON"

    assert outcome_of(parse_deep) == outcome_of(DECODER.decode)


def test_br_18_the_keys_of_a_map_are_lower_cased_and_may_not_fold_together() -> None:
    link = {"L": [{"M": {"url": {"S": "u"}}}]}

    def links(*keys: str) -> dict[str, Any]:
        return event(attractions={"L": [{"M": {"externalLinks": {"M": dict.fromkeys(keys, link)}}}]})

    assert row_of(links("YouTube", "\u00c9")).row["attractions"][0]["externalLinks"] == {
        "youtube": [{"url": "u", "id": None}],
        "\u00e9": [{"url": "u", "id": None}],
    }
    assert of(links("A", "a")) == invalid("attractions[0].externalLinks", "attractions[0].externalLinks[*]")
