"""Defines the lives of sample items: creates an item of each type, and changes it until it is removed.

The records are consistent: a demand names a sale of an event that came before it, a MODIFY has as `OldImage` the image
that the change before it left, and a notification goes to a fan who has a demand. One core makes 40,000 a second.
"""

from datetime import date, timedelta
from typing import Any

from firehose.pipeline.sample.catalogue import BANDS, SALES, TOURS, typed
from firehose.pipeline.sample.world import Attributes, Life, SampleItem, World

# Partition dates come from fixed lists, so a million changes make as many partitions as ten thousand.
_SALE_DAYS = [str(date(2024, 10, 1) + timedelta(days=number * 2)) for number in range(150)]  # to 2025-07-26
_SHOW_DAYS = [str(date(2025, 3, 1) + timedelta(days=number * 11)) for number in range(40)]  # to 2026-05-04
# A sale without a known start has the year 1900, and some are announced years ahead.
_ODD_SALE_DAYS = ["1900-01-01", "2027-09-01", "1900-01-01", "2030-09-01", "1900-01-01", "2038-09-01"]

_SALE_TYPES: list[Attributes] = [
    {"saleTypes": {"SS": ["PUBLIC"]}},
    {"saleTypes": typed(["PUBLIC"])},
    {"saleTypes": {"SS": ["FAN_CLUB", "PRESALE"]}},
    {"saleTypes": typed(["PRESALE", "VIP"])},
    {"saleTypes": typed(None)},
    {},
]
_SYSTEM_USERS = ["archtics-70.%s", "archtics-7.%s", "host-3.m%s", "user %s"]
# Attributes that no schema names; the pipeline counts them. The first is the table's TTL attribute.
_UNNAMED: list[Attributes] = [
    *[{"expiresAt": typed(1_767_225_600)}] * 4,
    {"source": typed({"channel": "app", "build": 4181})},
    {"optIns": {"SS": ["news", "partners"]}},
    *[{}] * 10,
]
_DEMAND_STEPS = ["triggered", "notified", "deleted"]
_DEMAND_ENDS = [0.12, 0.12, 0.7, 1.0]  # the share of demands at each step that is removed next
_STATUSES = ["CREATED", "TRIGGERED", "QUEUED", "SENT", "DELIVERED"]


_NULL = typed(None)


def _texts(**values: str | None) -> Attributes:
    """Return attributes of text: saleId="s1" -> {"saleId": {"S": "s1"}}."""
    return {name: _NULL if value is None else {"S": value} for name, value in values.items()}


def _dates(dates: Attributes) -> Attributes:
    return {"date": {"M": dates}}


def _new_event(world: World) -> SampleItem:
    event_id = f"G{world.bits(60):015x}"
    headliner, guest = world.below(len(BANDS)), world.below(len(BANDS))
    band, day = BANDS[headliner], world.one_of(_SHOW_DAYS)
    name = f"{band} - {world.one_of(TOURS)}"
    before = _texts(type="event", id=event_id, name=name, locale="en-us")
    before |= _texts(url=f"https://tickets.example.com/event/{event_id}")
    before["eventDate"] = typed({"start": {"dateTime": f"{day}T19:30:00Z", "localDate": day}})
    after = {
        **world.one_of(world.programmes),
        "venues": {"L": [world.one_of(world.venues)]},
        "attractions": {"L": [world.attractions[number] for number in sorted({headliner, guest})]},
    }
    # Some were imported without the time at which they were first seen.
    first_seen = _texts(firstSeen=world.now) if world.bits(4) else {}
    facts = {"id": event_id, "name": name, "firstSeen": first_seen}
    facts["artist"] = _texts(artistId=f"K{headliner:06}", artistName=band)
    return SampleItem(f"EVENT#{event_id}", f"EVENT#{event_id}", (before, _event_state(world, facts), after), facts)


def _event_state(world: World, facts: dict[str, Any]) -> Attributes:
    suppressed = world.bits(5) == 0
    return {"isSuppressed": typed(suppressed), **_dates({**facts["firstSeen"], **_texts(updated=world.now)})}


def _age_event(world: World, event: SampleItem) -> bool:
    """Update the event, until it is over."""
    if world.bits(2) == 0:
        return False
    event.become(_event_state(world, event.facts))
    return True


def _new_sale(world: World) -> SampleItem:
    event = world.one_of(world.live["event"]).facts
    sale_id, name = f"{event['id']}-{world.bits(24):06x}", world.one_of(SALES)
    before = _texts(type="sale", id=sale_id, eventId=event["id"], name=name) | world.one_of(_SALE_TYPES)
    facts = {
        "id": sale_id,
        "ids": _texts(eventId=event["id"], saleId=sale_id, saleName=name),
        "names": _texts(eventName=event["name"]),
        "artist": event["artist"],
        "title": f"{name}: {event['name']}",
    }
    return SampleItem(f"EVENT#{event['id']}", f"SALE#{sale_id}", (before, _sale_times(world), {}), facts)


def _sale_times(world: World) -> Attributes:
    day = world.one_of(_ODD_SALE_DAYS) if world.bits(5) == 0 else world.one_of(_SALE_DAYS)
    start = f"{day}T{8 + world.bits(3):02}:00:00Z"
    if world.bits(2) == 0:
        return _texts(saleStartDateTime=start, saleEndDateTime=None)
    return _texts(saleStartDateTime=start, saleStartDate=day, saleEndDateTime=f"{day}T22:00:00Z")


def _age_sale(world: World, sale: SampleItem) -> bool:
    """Move the sale to another day, or call it off."""
    if world.bits(1):
        return False
    sale.become(_sale_times(world))
    return True


def _new_demand(world: World) -> SampleItem:
    sale = world.one_of(world.live["sale"]).facts
    fan_id = world.uuid()
    contact = _contact(world, fan_id)
    system_user = _texts(systemUserId=world.one_of(_SYSTEM_USERS) % fan_id[:5]) if world.bits(1) else {}
    artist = sale["artist"] if world.bits(2) else _texts(artistId=None, artistName=None)
    before = _texts(type="demand", fanId=fan_id) | sale["ids"] | sale["names"] | artist
    before |= _texts(requestedDateTime=world.now, demandType="invite" if world.bits(1) else "remind")
    before |= contact | system_user | world.one_of(_UNNAMED)
    requested = _texts(requested=world.now)
    facts = {**sale, "fanId": fan_id, "contact": contact, "dates": requested}
    return SampleItem(f"FAN#{fan_id}", f"DEMAND#{sale['id']}", (before, _dates(requested), {}), facts)


def _contact(world: World, fan_id: str) -> Attributes:
    number = world.bits(10)
    if number % 2:
        phone = f"+1{200 + number // 100 * 11}55501{number % 100:02}"
        email = _texts(email=None) if number % 16 == 1 else {}
        return _texts(contactMethod="sms", phoneNumber=phone) | email
    return _texts(contactMethod="email", email=f"fan-{fan_id[:8]}@example.com")


def _age_demand(world: World, demand: SampleItem) -> bool:
    """Move the demand on: requested, triggered, notified, deleted; unless the fan cancels or the TTL comes first."""
    if world.random() < _DEMAND_ENDS[demand.step]:
        return False
    demand.facts["dates"] = {**demand.facts["dates"], _DEMAND_STEPS[demand.step]: typed(world.now)}
    demand.become(_dates(demand.facts["dates"]))
    demand.step += 1
    return True


def _new_notification(world: World) -> SampleItem:
    demand = world.one_of(world.live["demand"]).facts
    body = f'{demand["title"]}\nYou asked us to tell you "when it begins". Reply STOP to opt out.'
    before = _texts(type="notification", fanId=demand["fanId"]) | demand["ids"] | _texts(messageBody=body)
    before |= demand["contact"] | world.one_of(_UNNAMED)
    facts = {"created": _texts(created=world.now)}
    state = _texts(statusId="CREATED") | _dates(facts["created"])
    sort_key = f"NOTIFICATION#{demand['id']}#{world.bits(32):08x}"
    return SampleItem(f"FAN#{demand['fanId']}", sort_key, (before, state, {}), facts)


def _age_notification(world: World, notification: SampleItem) -> bool:
    """Move the notification on: CREATED, TRIGGERED, QUEUED, SENT, DELIVERED or FAILED; then it is removed."""
    notification.step += 1
    if notification.step == len(_STATUSES) or world.bits(4) == 0:
        return False
    status = _STATUSES[notification.step]
    if status == "DELIVERED" and world.bits(4) == 0:
        status = "FAILED"
    dates = {**notification.facts["created"], **_texts(updated=world.now)}
    notification.become(_texts(statusId=status) | _dates(dates))
    return True


LIVES = {
    "event": Life(_new_event, _age_event, inserted=0.6, live_max=200),
    "sale": Life(_new_sale, _age_sale, inserted=0.65, live_max=400, needs="event"),
    "demand": Life(_new_demand, _age_demand, inserted=0.58, live_max=3_000, needs="sale"),
    "notification": Life(_new_notification, _age_notification, inserted=0.5, live_max=3_000, needs="demand"),
}
