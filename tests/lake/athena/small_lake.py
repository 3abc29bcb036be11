"""A lake of a few rows, small enough that answers are worked out by hand.

demand        d1 e1 f1 sms   invite Wed 2025-01-01 10:00  notified the next day 09:30
              d2 e1 f2 email remind Thu 2025-01-02 23:30  label null, redacted deletion
              d3 e2 f1 email remind Sun 2025-07-06 23:30  (Monday in London)
              d4 e2 f1 null  null   Sun 2025-07-06 23:30  an hour of nothing later
sale          s1 two kinds, 1900; s2 one kind, changed at 1750715424587 ms; s3 kinds null
event         g1 two pictures, in London; g2 no picture, in Paris
notification  three of e1, the statuses in order CREATED, SENT, DELIVERED; one of e2, FAILED
"""

from datetime import date
from pathlib import Path
from typing import Any

from glue import arrow
from glue.tables import read_table_inputs
from tests.lakes import at, write_parquet

_NEVER = {"triggered": None, "notified": None, "deleted": None}


def _change(number: int, moment: str, name: str = "INSERT") -> dict[str, Any]:
    micros = round((at(moment) - at("1970-01-01T00:00:00")).total_seconds() * 1_000_000)
    return {
        "id": f"c{number}",
        "name": name,
        "at": at(moment),
        "atmicros": micros,
        "sequence": f"{number:04}",
        "expired": False,
    }


def _demand(number: int, eventid: str, fanid: str, requested: str, **columns: Any) -> dict[str, Any]:
    return {
        "type": "demand",
        "eventid": eventid,
        "fanid": fanid,
        "saleid": "s1",
        "requesteddatetime": at(requested),
        "date": {**_NEVER, "requested": at(requested)},
        "isdeleted": False,
        "artistname": "Northern Dial",
        "salename": "Presale",
        "reference": {"id": f"{eventid}_s1_{fanid}", "timestamp": at(requested)},
        "change": _change(number, requested),
    } | columns


def _picture(width: int) -> dict[str, Any]:
    return {"url": f"https://images.example.com/{width}.jpg", "ratio": "16_9", "width": width, "height": 9, "fallback": False, "attribution": None}  # fmt: skip


def _event(
    number: int, identifier: str, name: str, country: str, latitude: str | None, **columns: Any
) -> dict[str, Any]:
    venue = {"country": {"name": None, "countrycode": country}, "location": {"longitude": "0", "latitude": latitude}}
    moment = f"2025-01-0{number}T08:00:00"
    return {
        "type": "event",
        "id": identifier,
        "name": name,
        "venues": [venue],
        "isdeleted": False,
        "reference": {"id": identifier, "timestamp": at(moment)},
        "change": _change(number, moment),
    } | columns


def _sale(number: int, identifier: str, start: str, kinds: list[str] | None, changed: str) -> dict[str, Any]:
    return {
        "type": "sale",
        "id": identifier,
        "eventid": "e1",
        "saletypes": kinds,
        "salestartdatetime": at(start),
        "salestartdate": date.fromisoformat(start[:10]),
        "isdeleted": False,
        "change": _change(number, changed),
    }


def _notification(number: int, eventid: str, status: str) -> dict[str, Any]:
    moment = f"2025-01-02T09:3{number}:00"
    return {
        "type": "notification",
        "eventid": eventid,
        "fanid": "f1",
        "statusid": status,
        "isdeleted": False,
        "date": {"created": at(moment), "updated": None, "deleted": None},
        "change": _change(number, moment),
    }


def write_small_lake(lake: Path) -> Path:
    """Write the lake into a folder and return the folder."""
    notified = {**_NEVER, "requested": at("2025-01-01T10:00:00"), "notified": at("2025-01-02T09:30:00")}
    demands = [
        _demand(1, "e1", "f1", "2025-01-01T10:00:00", contactmethod="sms", demandtype="invite", email="a@example.com", date=notified, systemuserid="archtics-70.1", eventname="One_Night"),
        _demand(2, "e1", "f2", "2025-01-02T23:30:00", contactmethod="email", demandtype="remind", email="[redacted]", isdeleted=True, salename=None, systemuserid="archtics-71.2", eventname="One Night"),
        _demand(3, "e2", "f1", "2025-07-06T23:30:00", contactmethod="email", demandtype="remind", email="b@example.org", eventname="Two"),
        _demand(4, "e2", "f1", "2025-07-06T23:30:00", email="c@example.com"),
    ]  # fmt: skip
    links = {"youtube": [{"url": "https://youtube.example.com", "id": None}]}
    events = [
        _event(1, "g1", "Live in London", "GB", "51.5", images=[_picture(640), _picture(2048)], attractions=[{"id": "k1", "externallinks": links}, {"id": "k2", "externallinks": {}}]),
        _event(2, "g2", "Nocturne", "FR", "north", images=[]),
    ]  # fmt: skip
    sales = [
        _sale(1, "s1", "1900-01-01T09:00:00", ["PRESALE", "VIP"], "2025-01-01T00:00:00"),
        _sale(2, "s2", "2025-03-01T10:00:00.250", ["PUBLIC"], "2025-06-23T21:50:24.587"),
        _sale(3, "s3", "2025-04-01T10:00:00", None, "2025-01-03T00:00:00"),
    ]
    notifications = [_notification(n, "e1", one) for n, one in enumerate(("CREATED", "SENT", "DELIVERED"), 1)]
    written = {
        "demand": [(row["requesteddatetime"], row) for row in demands],
        "event": [(row["change"]["at"], row) for row in events],
        "sale": [(row["salestartdatetime"], row) for row in sales],
        "notification": [
            (at("2025-01-02T00:00:00"), row) for row in (*notifications, _notification(4, "e2", "FAILED"))
        ],
    }
    for table, rows in written.items():
        schema = arrow.schema(read_table_inputs()[table]["parquet"])
        for day in sorted({f"{moment:%Y-%m-%d}" for moment, _ in rows}):
            write_parquet(lake, table, day, [row for moment, row in rows if f"{moment:%Y-%m-%d}" == day], schema)
    return lake
