"""The oracle on whole records, rule by rule: each expectation was read off the rules by hand."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.reference import Failed, Other, Row, expected
from tests.reference_inputs import (
    ABSENT,
    AT_MILLISECONDS,
    DEMAND,
    EVENT,
    IDS,
    SALE,
    demand,
    event,
    invalid,
    of,
    payload,
    row_of,
    sale,
    without_absent,
)

AT = datetime(2025, 1, 1, 10, 0, 0, 123000, tzinfo=UTC)


NOTIFICATION: dict[str, Any] = IDS | {
    "type": {"S": "notification"},
    "date": {"M": {"created": {"S": "2024-06-01T00:00:00Z"}}},
}


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
                "item": None,
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
def test_br_16_the_unit_of_the_time_of_the_change_is_recognised(number: int, precision: Any, micros: int) -> None:
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
