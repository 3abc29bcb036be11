"""The record types as the domain describes them, for the oracle in tests/reference.py: no schema is read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# A kind is a name, a frozenset (an enum), a dict (a struct), a one-element list (an array), or a MapOf (its values).


@dataclass(frozen=True)
class MapOf:
    value: Any


def strings(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), "string")


ID_NAME = strings("id name")
PICTURE = strings("url ratio attribution") | {"width": "int", "height": "int", "fallback": "boolean"}
CLASSIFICATION = {"primary": "boolean", "family": "boolean"} | dict.fromkeys(
    ("segment", "genre", "subGenre", "type", "subType"), ID_NAME
)
PROMOTER = strings("id name description")
MOMENT = {"dateTime": "time", "localDate": "date"}
VENUE = strings("id name type url locale postalCode timezone") | {
    "aliases": ["string"],
    "address": strings("line1 line2"),
    "city": strings("name"),
    "state": strings("name stateCode"),
    "country": strings("name countryCode"),
    "location": strings("longitude latitude"),
    "markets": [ID_NAME],
    "dmas": [{"id": "int"}],
    "images": [PICTURE],
}
ATTRACTION = strings("id name type url locale") | {
    "aliases": ["string"],
    "images": [PICTURE],
    "classifications": [CLASSIFICATION],
    "externalLinks": MapOf([strings("url id")]),
}
CONTACT_METHOD = frozenset({"sms", "email"})

FIELDS: dict[str, dict[str, Any]] = {
    "demand": strings("type fanId eventId saleId artistId eventName saleName artistName phoneNumber email systemUserId")
    | {
        "requestedDateTime": "time",
        "contactMethod": CONTACT_METHOD,
        "demandType": frozenset({"remind", "invite"}),
        "date": {"requested": "time", "triggered": "time", "notified": "time", "deleted": "time"},
    },
    "notification": strings("type fanId eventId saleId saleName messageBody phoneNumber email")
    | {
        "contactMethod": CONTACT_METHOD,
        "statusId": frozenset({"CREATED", "TRIGGERED", "QUEUED", "SENT", "DELIVERED", "FAILED"}),
        "date": {"created": "time", "updated": "time", "deleted": "time"},
    },
    "event": strings("type id name url locale")
    | {
        "isSuppressed": "boolean",
        "date": {"firstSeen": "time", "updated": "time", "deleted": "time"},
        "eventDate": {"start": MOMENT, "end": MOMENT},
        "classifications": [CLASSIFICATION],
        "images": [PICTURE],
        "promoter": PROMOTER,
        "promoters": [PROMOTER],
        "ticketing": {
            "id": "string",
            "safeTix": {"enabled": "boolean", "inAppOnlyEnabled": "boolean"},
            "allInclusivePricing": {"enabled": "boolean"},
        },
        "venues": [VENUE],
        "attractions": [ATTRACTION],
    },
    "sale": strings("type id eventId name")
    | {
        "saleTypes": ["string"],
        "saleStartDateTime": "time",
        "saleStartDate": "date",
        "saleEndDateTime": "time",
        "date": {"deleted": "time"},
    },
}
REQUIRED = {
    "demand": {"type", "fanId", "eventId", "saleId", "requestedDateTime", "date", "date.requested"},
    "notification": {"type", "fanId", "eventId", "saleId", "date", "date.created"},
    "event": {"type", "id"},
    "sale": {"type", "id", "eventId", "saleStartDateTime"},
}
PII = {"demand": ("phoneNumber", "email"), "notification": ("messageBody", "phoneNumber", "email")}
REFERENCE_ID = {
    "demand": ("eventId", "saleId", "fanId"),
    "notification": ("eventId", "saleId", "fanId"),
    "event": ("id",),
    "sale": ("eventId", "id"),
}
REFERENCE_TIMESTAMP = {
    "demand": ("date.deleted", "date.notified", "date.triggered", "date.requested"),
    "notification": ("date.deleted", "date.updated"),
    "event": ("date.deleted", "date.updated"),
    "sale": ("date.deleted", "saleStartDateTime"),
}
PARTITION = {
    "demand": ("date.requested",),
    "notification": ("date.created",),
    "event": ("date.firstSeen", "eventDate.start.dateTime"),
    "sale": ("saleStartDateTime",),
}
PARTITION_RANGE = {  # BR-19, both ends included
    "demand": ("2015-01-01", "2039-12-31"),
    "notification": ("2015-01-01", "2039-12-31"),
    "event": ("2000-01-01", "2039-12-31"),
    "sale": ("1900-01-01", "2039-12-31"),
}
# How the time of the change may be named, where a partition date comes from it.
TIME_OF_CHANGE = frozenset({"change.at", "dynamodb.ApproximateCreationDateTime", "ApproximateCreationDateTime"})

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TIME = datetime(1800, 1, 1, tzinfo=UTC)  # BR-12
LAST_TIME = datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
