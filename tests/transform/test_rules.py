"""The rules of whole records, BR-1 to BR-20, each seen in a row or an error document."""

import hashlib
from typing import Any

import pytest

from tests.given import CHANGED_MS, Function, change, change_of, image, m, results, s
from tests.rules import NULL, failure, row

PERSONAL = {"phoneNumber": s("+15550100"), "email": s("a@example.com")}


def test_br1_insert_and_modify_use_the_new_image_and_remove_the_old() -> None:
    both = {"NewImage": image("sale", id=s("new")), "OldImage": image("sale", id=s("old"))}
    members = change("sale")["dynamodb"] | both

    ids = [row(change_of(None, eventName=name, dynamodb=members))["id"] for name in ("INSERT", "MODIFY", "REMOVE")]

    assert ids == ["new", "new", "old"]


def test_br2_the_type_must_match_exactly() -> None:
    answered = [results(Function()(change_of(image("demand", type=s(name)))))[0] for name in ("demand", "Demand", "d")]

    assert answered == ["Ok", "Dropped", "Dropped"]


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


def test_the_change_in_a_row_orders_rows_and_identifies_duplicates() -> None:
    archived = row(change("sale", "MODIFY"))["change"]

    assert archived == {
        "id": "11111111-2222-3333-4444-555555555555",
        "name": "MODIFY",
        "at": "2025-01-01 10:00:00.000",
        "atmicros": CHANGED_MS * 1000,
        "sequence": f"{'49546986683135544286507457936321625675700192471156785154':0>128}{'0' * 12}",
        "expired": False,
        "item": hashlib.sha256(b'{"pk":{"S":"P"},"sk":{"S":"e1_s1"}}').hexdigest()[:32],
    }
