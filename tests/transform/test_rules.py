"""The rules of the domain, BR-1 to BR-19, each seen in a row or an error document."""

import json
from typing import Any

import pytest

from tests.given import CHANGED_MS, Function, change, change_of, image, m, payload, results, s

NULL = {"NULL": True}
PERSONAL = {"phoneNumber": s("+15550100"), "email": s("a@example.com")}


def row(record: Any) -> dict[str, Any]:
    return Function().row(record)


def failure(record: Any) -> dict[str, Any]:
    error: dict[str, Any] = Function().failure(record)["error"]
    return error


def test_br1_insert_and_modify_use_the_new_image_and_remove_the_old() -> None:
    both = {"NewImage": image("sale", id=s("new")), "OldImage": image("sale", id=s("old"))}
    members = change("sale")["dynamodb"] | both

    ids = [row(change_of(None, eventName=name, dynamodb=members))["id"] for name in ("INSERT", "MODIFY", "REMOVE")]

    assert ids == ["new", "new", "old"]


def test_br2_the_type_is_asked_exactly() -> None:
    answered = [results(Function()(change_of(image("demand", type=s(name)))))[0] for name in ("demand", "Demand", "d")]

    assert answered == ["Ok", "Dropped", "Dropped"]


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


@pytest.mark.parametrize("record_type", ["demand", "notification", "sale", "event"])
def test_br4_a_remove_marks_the_row_with_the_time_of_the_change(record_type: str) -> None:
    kept, removed = row(change(record_type)), row(change(record_type, "REMOVE"))

    assert (kept["isdeleted"], removed["isdeleted"]) == (False, True)
    assert "deleted" not in kept.get("date", {})
    assert removed["date"]["deleted"] == "2025-01-01 10:00:00.000"


def test_br5_a_remove_scrubs_what_is_present_and_not_null() -> None:
    removed = row(change("demand", "REMOVE", **PERSONAL))
    message = row(change("notification", "REMOVE", messageBody=s("see you"), email=NULL))
    kept = row(change("demand", "MODIFY", **PERSONAL))

    assert (removed["phonenumber"], removed["email"]) == ("[redacted]", "[redacted]")
    assert message["messagebody"] == "[redacted]"
    assert "email" not in message
    assert (kept["phonenumber"], kept["email"]) == ("+15550100", "a@example.com")


@pytest.mark.parametrize(
    ("record", "reference"),
    [
        (change(), {"id": "e1_s1_f1", "timestamp": "2025-01-01 10:00:00.000"}),
        (
            change(date=m(requested=s("2025-01-01T00:00:00Z"), triggered=s("2025-01-05T00:00:00Z"))),
            {"id": "e1_s1_f1", "timestamp": "2025-01-05 00:00:00.000"},
        ),
        (
            change(
                date=m(
                    requested=s("2025-01-01T00:00:00Z"),
                    triggered=s("2025-01-05T00:00:00Z"),
                    notified=s("2025-01-04T00:00:00Z"),
                )
            ),
            {"id": "e1_s1_f1", "timestamp": "2025-01-04 00:00:00.000"},
        ),
        (change("notification"), {"id": "e1_s1_f1", "timestamp": "2025-01-01 10:00:00.000"}),
        (change("sale"), {"id": "e1_s1", "timestamp": "2025-01-03 10:00:00.000"}),
        (change("event"), {"id": "e1", "timestamp": "2025-01-01 10:00:00.000"}),
        (
            change("event", date=m(updated=s("2024-05-01T00:00:00Z"), firstSeen=s("2024-01-01T00:00:00Z"))),
            {"id": "e1", "timestamp": "2024-05-01 00:00:00.000"},
        ),
    ],
)
def test_br6_every_row_has_a_reference(record: Any, reference: dict[str, str]) -> None:
    assert row(record)["reference"] == reference


@pytest.mark.parametrize(
    ("user", "system"),
    [
        ("archtics-70.12345", {"id": "archtics", "databaseid": "70", "memberid": "12345"}),
        ("from archtics-70.1.2", {"id": "archtics", "databaseid": "70", "memberid": "1.2"}),
        ("archtics70.12345", None),
        ("", None),
        ("a-b.", None),
    ],
)
def test_br7_a_system_user_of_that_form_gets_a_system_and_another_is_no_error(
    user: str, system: dict[str, str] | None
) -> None:
    assert row(change(systemUserId=s(user))).get("system") == system


@pytest.mark.parametrize(
    ("record", "date"),
    [
        (change(date=m(requested=s("2025-03-01T23:30:00-01:00"))), "2025-03-02"),
        (change("notification", "REMOVE"), "2025-01-02"),
        (change("sale", saleStartDateTime=s("1900-01-01T18:00:00Z")), "1900-01-01"),
        (change("sale", saleStartDateTime=s("2039-12-31T23:59:59.999Z")), "2039-12-31"),
        (change("event"), "2025-01-01"),
        (change("event", eventDate=m(start=m(dateTime=s("2030-02-03T04:05:06Z")))), "2030-02-03"),
        (
            change(
                "event",
                date=m(firstSeen=s("2024-06-01T00:00:00Z")),
                eventDate=m(start=m(dateTime=s("2030-02-03T04:05:06Z"))),
            ),
            "2024-06-01",
        ),
        (change("event", date=NULL, eventDate=m(start=NULL)), "2025-01-01"),
    ],
)
def test_br8_the_partition_date_is_the_utc_date_of_the_first_source(record: Any, date: str) -> None:
    (result,) = Function()(record)["records"]

    assert result["metadata"]["partitionKeys"]["date"] == date


def test_br10_every_change_of_an_item_is_a_row() -> None:
    answered = Function()(change(), change("demand", "MODIFY"), change("demand", "MODIFY"), change("demand", "REMOVE"))

    assert results(answered) == ["Ok"] * 4


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


@pytest.mark.parametrize(
    ("time", "precision", "at", "micros"),
    [
        (1735725600123, "MILLISECOND", "2025-01-01 10:00:00.123", 1735725600123000),
        (1735725600123456, "MICROSECOND", "2025-01-01 10:00:00.123", 1735725600123456),
        (1735725600123456, None, "2025-01-01 10:00:00.123", 1735725600123456),
        (1735725600123, None, "2025-01-01 10:00:00.123", 1735725600123000),
        (1735725600123, {"odd": 1}, "2025-01-01 10:00:00.123", 1735725600123000),
        (1735725600123, "MICROSECOND", "1970-01-21 02:08:45.600", 1735725600123),
        (10**14, None, "1973-03-03 09:46:40.000", 10**14),
        (7_258_118_399_999, None, "2199-12-31 23:59:59.999", 7_258_118_399_999_000),
        (7_258_118_399_999_999, None, "2199-12-31 23:59:59.999", 7_258_118_399_999_999),
    ],
)
def test_br16_the_time_of_a_change_is_read_in_its_unit(time: int, precision: Any, at: str, micros: int) -> None:
    record = change("sale")
    record["dynamodb"] |= {"ApproximateCreationDateTime": time, "ApproximateCreationDateTimePrecision": precision}

    archived = row(record)["change"]

    assert (archived["at"], archived["atmicros"]) == (at, micros)


@pytest.mark.parametrize(
    ("identity", "expired"),
    [
        ({"principalId": "dynamodb.amazonaws.com", "type": "Service"}, True),
        ({"principalId": "someone"}, False),
        ({"principalId": None}, False),
        ({"principalId": 5}, False),
        ("dynamodb.amazonaws.com", False),
        (None, False),
        (..., False),
    ],
)
def test_br16_only_the_time_to_live_service_makes_a_change_an_expiry(identity: Any, expired: bool) -> None:
    archived = row(change_of(image("sale"), "REMOVE", userIdentity=identity))

    assert archived["change"]["expired"] is expired


def test_br16_the_unit_is_known_beside_an_unused_image_that_is_none() -> None:
    record = change("sale")
    record["dynamodb"] |= {"OldImage": "none", "ApproximateCreationDateTimePrecision": "MICROSECOND"}

    assert row(record)["change"]["atmicros"] == CHANGED_MS


def test_br15_a_key_with_a_lone_surrogate_does_not_hide_behind_another_key() -> None:
    links: dict[str, Any] = {"@": {"L": []}, "?": {"L": []}, "\\ud800": {"L": []}}
    record = payload(change("event", attractions={"L": [m(externalLinks={"M": links})]})).replace(b'"@"', LONE)

    assert failure(record)["path"] == "attractions[0].externalLinks[*]"


def test_br16_an_absent_event_id_is_null_and_the_unused_image_may_be_anything() -> None:
    record = change_of(image("sale"), eventID=...)
    record["dynamodb"]["OldImage"] = [1, {"S": {}}]

    assert row(record)["change"]["id"] is None


def test_br17_a_remove_overwrites_the_time_of_deletion_the_image_had() -> None:
    before = m(requested=s("2025-01-01T00:00:00Z"), deleted=s("2024-12-31T00:00:00Z"))

    assert row(change("demand", "REMOVE", date=before))["date"]["deleted"] == "2025-01-01 10:00:00.000"
    assert row(change("demand", "MODIFY", date=before))["date"]["deleted"] == "2024-12-31 00:00:00.000"


def test_br17_what_a_remove_overwrites_must_still_be_readable() -> None:
    before = m(requested=s("2025-01-01T00:00:00Z"), deleted=s("TBA"))

    assert failure(change("demand", "REMOVE", date=before))["path"] == "date.deleted"


def test_br18_the_keys_of_a_map_are_lower_case_and_may_not_fold_together() -> None:
    links = {"L": [m(url=s("https://example.com"))]}

    folded = row(change("event", attractions={"L": [m(externalLinks=m(YouTube=links))]}))
    error = failure(change("event", attractions={"L": [m(externalLinks=m(YouTube=links, youtube=links))]}))

    assert folded["attractions"][0]["externallinks"] == {"youtube": [{"url": "https://example.com"}]}
    assert error["path"] == "attractions[0].externalLinks[*]"


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (change(date=m(requested=s("2014-12-31T23:59:59Z"))), "date.requested"),
        (change(date=m(requested=s("2040-01-01T00:00:00Z"))), "date.requested"),
        (change("notification", date=m(created=s("2014-12-31T23:59:59Z"))), "date.created"),
        (change("sale", saleStartDateTime=s("1899-12-31T23:59:59Z")), "saleStartDateTime"),
        (change("event", eventDate=m(start=m(dateTime=s("1999-12-31T23:59:59Z")))), "eventDate.start.dateTime"),
    ],
)
def test_br19_a_record_outside_the_range_of_its_table_is_an_error(record: Any, path: str) -> None:
    assert failure(record)["path"] == path


def test_a_row_says_of_its_change_what_orders_it_and_tells_duplicates() -> None:
    archived = row(change("sale", "MODIFY"))["change"]

    assert archived == {
        "id": "11111111-2222-3333-4444-555555555555",
        "name": "MODIFY",
        "at": "2025-01-01 10:00:00.000",
        "atmicros": CHANGED_MS * 1000,
        "sequence": f"{'49546986683135544286507457936321625675700192471156785154':0>128}{'0' * 12}",
        "expired": False,
    }
