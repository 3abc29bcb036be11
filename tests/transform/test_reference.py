"""The oracle itself, rule by rule, on literal inputs: what it says here was read off the rules by hand."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.reference import DECODER, Failed, Other, Row, expected, parse_deep, read_int

AT_MILLISECONDS = 1_735_725_600_123  # 2025-01-01T10:00:00.123Z
AT = datetime(2025, 1, 1, 10, 0, 0, 123000, tzinfo=UTC)
IDS = {"fanId": {"S": "f1"}, "eventId": {"S": "e1"}, "saleId": {"S": "s1"}}
DEMAND: dict[str, Any] = IDS | {
    "type": {"S": "demand"},
    "requestedDateTime": {"S": "2024-12-31T23:59:58Z"},
    "date": {"M": {"requested": {"S": "2024-12-31T23:59:59.9999Z"}}},
}
NOTIFICATION: dict[str, Any] = IDS | {
    "type": {"S": "notification"},
    "date": {"M": {"created": {"S": "2024-06-01T00:00:00Z"}}},
}
EVENT: dict[str, Any] = {"type": {"S": "event"}, "id": {"S": "e1"}}
SALE: dict[str, Any] = {
    "type": {"S": "sale"},
    "id": {"S": "s1"},
    "eventId": {"S": "e1"},
    "saleStartDateTime": {"S": "1900-01-01T18:00:00Z"},
}
ABSENT = object()


def without_absent(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not ABSENT}


def payload(image: Any, name: str = "INSERT", dynamodb: Any = None, **envelope: Any) -> bytes:
    images = {"OldImage": image} if name == "REMOVE" else {"NewImage": image}
    inner = {"ApproximateCreationDateTime": AT_MILLISECONDS} | images | (dynamodb or {})
    outer = {"eventID": "c1", "eventName": name, "dynamodb": without_absent(inner)} | envelope
    return json.dumps(without_absent(outer)).encode()


def of(image: Any, name: str = "INSERT", dynamodb: Any = None, **envelope: Any) -> Row | Failed | Other:
    return expected(payload(image, name, dynamodb, **envelope), "495", 7)


def row_of(image: Any, name: str = "INSERT", dynamodb: Any = None, **envelope: Any) -> Row:
    outcome = of(image, name, dynamodb, **envelope)
    assert isinstance(outcome, Row), outcome
    return outcome


def demand(**fields: Any) -> dict[str, Any]:
    return without_absent(DEMAND | fields)


def event(**fields: Any) -> dict[str, Any]:
    return without_absent(EVENT | fields)


def sale(**fields: Any) -> dict[str, Any]:
    return without_absent(SALE | fields)


def invalid(*paths: str) -> Failed:
    return Failed("invalid", frozenset(paths))


def test_a_whole_row_is_as_the_domain_describes_it() -> None:
    row = row_of(demand(phoneNumber={"S": "555"}, systemUserId={"S": "archtics-70.12345"}, pk={"S": "not archived"}))

    assert row == Row(
        "demand",
        "2024-12-31",
        {
            "type": "demand",
            "fanId": "f1",
            "eventId": "e1",
            "saleId": "s1",
            "requestedDateTime": datetime(2024, 12, 31, 23, 59, 58, tzinfo=UTC),
            "artistId": None,
            "eventName": None,
            "saleName": None,
            "artistName": None,
            "phoneNumber": "555",
            "email": None,
            "contactMethod": None,
            "demandType": None,
            "date": {
                "requested": datetime(2024, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
                "triggered": None,
                "notified": None,
                "deleted": None,
            },
            "systemUserId": "archtics-70.12345",
            "isDeleted": False,
            "reference": {
                "id": "e1_s1_f1",
                "timestamp": datetime(2024, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
            },
            "system": {"id": "archtics", "databaseId": "70", "memberId": "12345"},
            "change": {
                "id": "c1",
                "name": "INSERT",
                "at": AT,
                "atMicros": 1_735_725_600_123_000,
                "sequence": "0" * 125 + "495" + "0" * 11 + "7",
                "expired": False,
            },
        },
    )


def test_br_1_insert_and_modify_take_the_new_image_and_remove_the_old() -> None:
    both = {"NewImage": demand(fanId={"S": "new"}), "OldImage": demand(fanId={"S": "old"})}

    fans = [row_of({}, name, both).row["fanId"] for name in ("INSERT", "MODIFY", "REMOVE")]

    assert fans == ["new", "new", "old"]


@pytest.mark.parametrize("image", [None, ABSENT, [], "x", 1], ids=["null", "absent", "list", "text", "number"])
def test_br_1_an_image_that_is_no_object_is_no_image(image: Any) -> None:
    assert of(image) == Failed("no_image")


def test_br_2_another_type_is_other_and_no_usable_type_an_error() -> None:
    unusable = [ABSENT, None, "demand", {}, {"S": ""}, {"N": "1"}, {"S": "demand", "N": "1"}, {"NULL": True}]

    outcomes = {str(of(demand(type=tag))) for tag in unusable}

    assert outcomes == {str(Failed("no_type"))}
    assert of({"type": {"S": "Demand"}}) == Other()
    assert of({"type": {"S": "\ud800"}}) == Other()


def test_br_3_every_place_that_is_wrong_may_be_named() -> None:
    image = demand(fanId=ABSENT, email={"N": "1"}, date={"M": {"triggered": {"S": "TBA"}}})

    assert of(image) == invalid("fanId", "email", "date.requested", "date.triggered")


def test_br_4_5_17_a_removal_is_marked_and_scrubbed() -> None:
    deleted = {"M": {"requested": {"S": "2024-12-31T00:00:00Z"}, "deleted": {"S": "2020-01-01T00:00:00Z"}}}

    row = row_of(demand(date=deleted, phoneNumber={"S": ""}, email={"NULL": True}), "REMOVE").row

    assert (row["isDeleted"], row["date"]["deleted"], row["reference"]["timestamp"]) == (True, AT, AT)
    assert (row["phoneNumber"], row["email"]) == ("[redacted]", None)


def test_br_4_a_removed_image_without_a_date_still_gets_the_time_of_its_deletion() -> None:
    assert row_of(SALE, "REMOVE").row["date"] == {"deleted": AT}
    assert row_of(EVENT, "REMOVE").row["date"] == {"firstSeen": None, "updated": None, "deleted": AT}


def test_br_3_a_removed_image_is_validated_before_it_is_marked_and_scrubbed() -> None:
    unread = {"M": {"deleted": {"S": "TBA"}}}

    assert of(sale(date=unread), "REMOVE") == invalid("date.deleted")
    assert of(demand(email={"S": "\ud800"}), "REMOVE") == invalid("email")


def test_br_5_a_record_that_is_not_deleted_keeps_its_personal_data() -> None:
    image = NOTIFICATION | {"messageBody": {"S": "hi"}, "email": {"S": "a@example.com"}}

    kept = row_of(image, "MODIFY").row
    scrubbed = row_of(image, "REMOVE").row

    assert (kept["messageBody"], kept["email"], kept["phoneNumber"]) == ("hi", "a@example.com", None)
    assert (scrubbed["messageBody"], scrubbed["email"], scrubbed["phoneNumber"]) == ("[redacted]", "[redacted]", None)


def test_br_6_the_reference_is_the_ids_and_the_first_time_that_is_present() -> None:
    dates = {"requested": {"S": "2024-01-01T00:00:00Z"}, "triggered": {"S": "2024-01-02T00:00:00Z"}}
    notified = dates | {"notified": {"S": "2023-01-03T00:00:00Z"}, "deleted": {"NULL": True}}

    references = [
        row_of(image).row["reference"]
        for image in (demand(date={"M": dates}), demand(date={"M": notified}), NOTIFICATION, EVENT, SALE)
    ]

    assert references == [
        {"id": "e1_s1_f1", "timestamp": datetime(2024, 1, 2, tzinfo=UTC)},
        {"id": "e1_s1_f1", "timestamp": datetime(2023, 1, 3, tzinfo=UTC)},
        {"id": "e1_s1_f1", "timestamp": AT},
        {"id": "e1", "timestamp": AT},
        {"id": "e1_s1", "timestamp": datetime(1900, 1, 1, 18, tzinfo=UTC)},
    ]


@pytest.mark.parametrize(
    ("system_user_id", "system"),
    [
        ("archtics-70.12345", {"id": "archtics", "databaseId": "70", "memberId": "12345"}),
        ("*a-b-c_d.e.f g", {"id": "b", "databaseId": "c_d", "memberId": "e.f g"}),
        ("archtics-70.", None),
        ("archtics70.1", None),
        ("", None),
    ],
)
def test_br_7_the_system_is_searched_in_the_system_user_id(system_user_id: str, system: Any) -> None:
    assert row_of(demand(systemUserId={"S": system_user_id})).row["system"] == system


def test_br_8_the_partition_date_is_utc_and_from_the_first_source_that_is_present() -> None:
    start = {"M": {"start": {"M": {"dateTime": {"S": "2024-03-01T23:00:00-02:00"}}}}}
    seen = {"M": {"firstSeen": {"S": "2024-02-01T00:30:00+01:00"}}}

    dates = [
        row_of(image).partition_date
        for image in (NOTIFICATION, SALE, event(date=seen, eventDate=start), event(eventDate=start), EVENT)
    ]

    assert dates == ["2024-06-01", "1900-01-01", "2024-01-31", "2024-03-02", "2025-01-01"]


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


@pytest.mark.parametrize(
    ("number", "precision", "micros"),
    [
        (10**12, ABSENT, 10**15),
        (10**12, "MICROSECOND", 10**12),
        (10**14, ABSENT, 10**14),
        (10**14 + 1, "MILLISECOND", 10**14 + 1),
        (AT_MILLISECONDS, "MILLISECOND", AT_MILLISECONDS * 1000),
        (AT_MILLISECONDS, None, AT_MILLISECONDS * 1000),
        (7_258_118_399_999_999, 5, 7_258_118_399_999_999),
    ],
)
def test_br_16_the_unit_of_the_time_of_the_change_is_told(number: int, precision: Any, micros: int) -> None:
    stated = {"ApproximateCreationDateTime": number, "ApproximateCreationDateTimePrecision": precision}

    change = row_of(demand(), dynamodb=stated).row["change"]

    assert change["atMicros"] == micros
    assert change["at"] == datetime.fromtimestamp(micros // 1000 // 1000, UTC).replace(
        microsecond=micros // 1000 % 1000 * 1000
    )


@pytest.mark.parametrize(
    "number",
    [ABSENT, None, True, 1.7e12, "1735725600123", 10**12 - 1, 0, -(10**13), 7_258_118_400_000_000, 10**14 - 1, 10**99],
)
def test_br_16_a_time_of_change_that_cannot_be_read_or_kept_is_not_a_change(number: Any) -> None:
    assert of(demand(), dynamodb={"ApproximateCreationDateTime": number}) == Failed("not_a_change")


NOT_CHANGES: list[tuple[str, Any]] = [("dynamodb", x) for x in (None, [], "x", ABSENT)]
NOT_CHANGES += [("eventName", x) for x in ("insert", None, ["INSERT"], "", ABSENT)]
NOT_CHANGES += [("eventID", None), ("eventID", 1), ("eventID", {})]


@pytest.mark.parametrize(("name", "value"), NOT_CHANGES)
def test_br_16_an_envelope_of_another_shape_is_not_a_change(name: str, value: Any) -> None:
    document = without_absent(json.loads(payload(demand())) | {name: value})

    assert expected(json.dumps(document).encode(), "1", 0) == Failed("not_a_change")


def test_br_16_a_change_without_an_id_has_none() -> None:
    assert row_of(demand(), eventID=ABSENT).row["change"]["id"] is None
    assert row_of(demand(), eventID="").row["change"]["id"] == ""


def test_br_16_only_the_ttl_of_dynamodb_makes_a_change_expired() -> None:
    ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    others = [None, "dynamodb.amazonaws.com", [ttl], {}, {"principalId": None}, {"principalId": "x"}, ABSENT]

    assert row_of(demand(), "REMOVE", userIdentity=ttl).row["change"]["expired"] is True
    assert {row_of(demand(), "REMOVE", userIdentity=user).row["change"]["expired"] for user in others} == {False}


def test_br_16_the_image_that_is_not_used_may_be_anything() -> None:
    assert row_of(demand(), "MODIFY", {"OldImage": 1}) == row_of(demand(), "MODIFY", {"OldImage": {"type": "x"}})


def test_br_18_the_keys_of_a_map_are_lower_cased_and_may_not_fold_together() -> None:
    link = {"L": [{"M": {"url": {"S": "u"}}}]}

    def links(*keys: str) -> dict[str, Any]:
        return event(attractions={"L": [{"M": {"externalLinks": {"M": dict.fromkeys(keys, link)}}}]})

    assert row_of(links("YouTube", "\u00c9")).row["attractions"][0]["externalLinks"] == {
        "youtube": [{"url": "u", "id": None}],
        "\u00e9": [{"url": "u", "id": None}],
    }
    assert of(links("A", "a")) == invalid("attractions[0].externalLinks", "attractions[0].externalLinks[*]")


@pytest.mark.parametrize(
    ("image", "field", "inside", "outside"),
    [
        (DEMAND, "requested", "2015-01-01T00:00:00Z", "2014-12-31T23:59:59.999Z"),
        (DEMAND, "requested", "2039-12-31T23:59:59.999Z", "2040-01-01T00:00:00Z"),
        (NOTIFICATION, "created", "2015-01-01T00:00:00Z", "2015-01-01T00:00:00+01:00"),
        (EVENT, "firstSeen", "2000-01-01T00:00:00Z", "1999-12-31T23:59:59Z"),
    ],
)
def test_br_19_a_partition_date_lies_in_its_tables_range(
    image: dict[str, Any], field: str, inside: str, outside: str
) -> None:
    outcomes = [of(image | {"date": {"M": {field: {"S": time}}}}) for time in (inside, outside)]

    assert [type(outcome) for outcome in outcomes] == [Row, Failed]
    assert outcomes[1] == invalid(f"date.{field}")


def test_br_19_the_other_sources_have_their_names_too() -> None:
    start = {"M": {"start": {"M": {"dateTime": {"S": "1999-12-31T00:00:00Z"}}}}}

    assert of(event(eventDate=start)) == invalid("eventDate.start.dateTime")
    assert of(sale(saleStartDateTime={"S": "1899-12-31T23:59:59Z"})) == invalid("saleStartDateTime")
    assert of(EVENT, dynamodb={"ApproximateCreationDateTime": 10**14}) == invalid(
        "change.at", "dynamodb.ApproximateCreationDateTime", "ApproximateCreationDateTime"
    )
