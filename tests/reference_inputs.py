"""Literal inputs for the oracle (tests/reference.py), and what it expects of them."""

import json
from typing import Any

from tests.reference import Failed, Other, Row, expected

AT_MILLISECONDS = 1_735_725_600_123  # 2025-01-01T10:00:00.123Z


IDS = {"fanId": {"S": "f1"}, "eventId": {"S": "e1"}, "saleId": {"S": "s1"}}


DEMAND: dict[str, Any] = IDS | {
    "type": {"S": "demand"},
    "requestedDateTime": {"S": "2024-12-31T23:59:58Z"},
    "date": {"M": {"requested": {"S": "2024-12-31T23:59:59.9999Z"}}},
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
