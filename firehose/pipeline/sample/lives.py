"""How sample items live: what a new one of each type looks like, and what changes as it grows older.

What makes the records worth loading is that they hang together: a demand names a sale of an event that came before it,
a MODIFY carries as `OldImage` what the change before it left behind, a notification goes to a fan who has a demand.

Images are JSON text put together by hand, not dumped from dicts: a new demand takes 7 us this way, and json.dumps
alone would take 20.
"""

from datetime import date, timedelta

from firehose.pipeline.sample.catalogue import BANDS, SALES, TOURS, json_text
from firehose.pipeline.sample.world import Item, Life, World

# Partition dates come from fixed lists, so a million changes make as many partitions as ten thousand.
_SALE_DAYS = [str(date(2024, 10, 1) + timedelta(days=number * 2)) for number in range(150)]  # to 2025-07-26
_SHOW_DAYS = [str(date(2025, 3, 1) + timedelta(days=number * 11)) for number in range(40)]  # to 2026-05-04
# A sale without a known start is given the year 1900, and some are announced years ahead.
_ODD_SALE_DAYS = ["1900-01-01", "2027-09-01", "1900-01-01", "2030-09-01", "1900-01-01", "2038-09-01"]

_SALE_TYPES = [
    '"saleTypes":{"SS":["PUBLIC"]},',
    '"saleTypes":{"L":[{"S":"PUBLIC"}]},',
    '"saleTypes":{"SS":["FAN_CLUB","PRESALE"]},',
    '"saleTypes":{"L":[{"S":"PRESALE"},{"S":"VIP"}]},',
    '"saleTypes":{"NULL":true},',
    "",
]
_SYSTEM_USERS = ["archtics-70.%s", "archtics-7.%s", "host-3.m%s", "user %s"]
# Attributes that no schema names: the pipeline counts such. DynamoDB's TTL goes by the first.
_UNNAMED = ['"expiresAt":{"N":"1767225600"},'] * 4 + [
    '"source":{"M":{"channel":{"S":"app"},"build":{"N":"4181"}}},',
    '"optIns":{"SS":["news","partners"]},',
    *[""] * 10,
]
_DEMAND_STEPS = ["triggered", "notified", "deleted"]
_DEMAND_ENDS = [0.12, 0.12, 0.7, 1.0]  # of the demands at each step, how many are removed next
_STATUSES = ["CREATED", "TRIGGERED", "QUEUED", "SENT", "DELIVERED"]


def _attribute(name: str, value: str) -> str:
    return f'"{name}":{{"S":"{value}"}}'


def _new_event(world: World) -> Item:
    event_id = f"G{world.bits(60):015x}"
    headliner, guest = world.below(len(BANDS)), world.below(len(BANDS))
    bill = ",".join(world.attractions[number] for number in sorted({headliner, guest}))
    band, day = json_text(BANDS[headliner]), world.one_of(_SHOW_DAYS)
    name = f"{band} - {world.one_of(TOURS)}"
    before = (
        f'{{"type":{{"S":"event"}},"id":{{"S":"{event_id}"}},"name":{{"S":"{name}"}},"locale":{{"S":"en-us"}},'
        f'"url":{{"S":"https://tickets.example.com/event/{event_id}"}},"eventDate":{{"M":{{"start":{{"M":'
        f'{{"dateTime":{{"S":"{day}T19:30:00Z"}},"localDate":{{"S":"{day}"}}}}}}}}}},'
    )
    after = (
        f',{world.one_of(world.programmes)},"venues":{{"L":[{world.one_of(world.venues)}]}},'
        f'"attractions":{{"L":[{bill}]}}'
    )
    facts = {"id": event_id, "name": name, "artistId": f"K{headliner:06}", "artistName": band}
    # Some were imported without the time at which they were first seen.
    facts["firstSeen"] = f"{_attribute('firstSeen', world.now)}," if world.bits(4) else ""
    return Item(f"EVENT#{event_id}", f"EVENT#{event_id}", (before, _event_state(world, facts), after), facts)


def _event_state(world: World, facts: dict[str, str]) -> str:
    suppressed = "true" if world.bits(5) == 0 else "false"
    times = f"{facts['firstSeen']}{_attribute('updated', world.now)}"
    return f'"isSuppressed":{{"BOOL":{suppressed}}},"date":{{"M":{{{times}}}}}'


def _age_event(world: World, event: Item) -> bool:
    """Updated until it is over."""
    if world.bits(2) == 0:
        return False
    event.become(_event_state(world, event.facts))
    return True


def _new_sale(world: World) -> Item:
    event = world.one_of(world.live["event"]).facts
    sale_id, name = f"{event['id']}-{world.bits(24):06x}", world.one_of(SALES)
    before = (
        f'{{"type":{{"S":"sale"}},"id":{{"S":"{sale_id}"}},"eventId":{{"S":"{event["id"]}"}},'
        f'"name":{{"S":"{name}"}},{world.one_of(_SALE_TYPES)}'
    )
    ids = f"{_attribute('eventId', event['id'])},{_attribute('saleId', sale_id)},{_attribute('saleName', name)},"
    artist = f"{_attribute('artistId', event['artistId'])},{_attribute('artistName', event['artistName'])},"
    facts = {"id": sale_id, "ids": ids, "names": f"{_attribute('eventName', event['name'])},", "artist": artist}
    facts["title"] = f"{name}: {event['name']}"
    return Item(f"EVENT#{event['id']}", f"SALE#{sale_id}", (before, _sale_times(world), ""), facts)


def _sale_times(world: World) -> str:
    day = world.one_of(_ODD_SALE_DAYS) if world.bits(5) == 0 else world.one_of(_SALE_DAYS)
    start = _attribute("saleStartDateTime", f"{day}T{8 + world.bits(3):02}:00:00Z")
    if world.bits(2) == 0:
        return f'{start},"saleEndDateTime":{{"NULL":true}}'
    return f"{start},{_attribute('saleStartDate', day)},{_attribute('saleEndDateTime', f'{day}T22:00:00Z')}"


def _age_sale(world: World, sale: Item) -> bool:
    """Moved to another day, or called off."""
    if world.bits(1):
        return False
    sale.become(_sale_times(world))
    return True


def _new_demand(world: World) -> Item:
    sale = world.one_of(world.live["sale"]).facts
    fan_id = world.uuid()
    contact = _contact(world, fan_id)
    system_user = f"{_attribute('systemUserId', world.one_of(_SYSTEM_USERS) % fan_id[:5])}," if world.bits(1) else ""
    artist = sale["artist"] if world.bits(2) else '"artistId":{"NULL":true},"artistName":{"NULL":true},'
    before = (
        f'{{"type":{{"S":"demand"}},"fanId":{{"S":"{fan_id}"}},{sale["ids"]}{sale["names"]}{artist}'
        f'"requestedDateTime":{{"S":"{world.now}"}},"demandType":{{"S":"{"invite" if world.bits(1) else "remind"}"}},'
        f'{contact}{system_user}{world.one_of(_UNNAMED)}"date":{{"M":{{'
    )
    facts = {**sale, "fanId": fan_id, "contact": contact}
    pieces = (before, _attribute("requested", world.now), "}}")
    return Item(f"FAN#{fan_id}", f"DEMAND#{sale['id']}", pieces, facts)


def _contact(world: World, fan_id: str) -> str:
    number = world.bits(10)
    if number % 2:
        email = '"email":{"NULL":true},' if number % 16 == 1 else ""
        phone = f"+1{200 + number // 100 * 11}55501{number % 100:02}"
        return f'"contactMethod":{{"S":"sms"}},"phoneNumber":{{"S":"{phone}"}},{email}'
    return f'"contactMethod":{{"S":"email"}},"email":{{"S":"fan-{fan_id[:8]}@example.com"}},'


def _age_demand(world: World, demand: Item) -> bool:
    """Requested -> triggered -> notified -> deleted, unless the fan cancels or the TTL comes first."""
    if world.random() < _DEMAND_ENDS[demand.step]:
        return False
    demand.become(f"{demand.changing},{_attribute(_DEMAND_STEPS[demand.step], world.now)}")
    demand.step += 1
    return True


def _new_notification(world: World) -> Item:
    demand = world.one_of(world.live["demand"]).facts
    body = f'{demand["title"]}\\nYou asked us to tell you \\"when it begins\\". Reply STOP to opt out.'
    before = (
        f'{{"type":{{"S":"notification"}},"fanId":{{"S":"{demand["fanId"]}"}},{demand["ids"]}'
        f'"messageBody":{{"S":"{body}"}},{demand["contact"]}{world.one_of(_UNNAMED)}'
    )
    facts = {"created": _attribute("created", world.now)}
    state = f'{_attribute("statusId", "CREATED")},"date":{{"M":{{{facts["created"]}}}}}'
    return Item(
        f"FAN#{demand['fanId']}", f"NOTIFICATION#{demand['id']}#{world.bits(32):08x}", (before, state, ""), facts
    )


def _age_notification(world: World, notification: Item) -> bool:
    """CREATED -> TRIGGERED -> QUEUED -> SENT -> DELIVERED or FAILED, then removed, as a few are before."""
    notification.step += 1
    if notification.step == len(_STATUSES) or world.bits(4) == 0:
        return False
    status = _STATUSES[notification.step]
    if status == "DELIVERED" and world.bits(4) == 0:
        status = "FAILED"
    times = f"{notification.facts['created']},{_attribute('updated', world.now)}"
    notification.become(f'{_attribute("statusId", status)},"date":{{"M":{{{times}}}}}')
    return True


LIVES = {
    "event": Life(_new_event, _age_event, inserted=0.6, live_max=200),
    "sale": Life(_new_sale, _age_sale, inserted=0.65, live_max=400, needs="event"),
    "demand": Life(_new_demand, _age_demand, inserted=0.58, live_max=3_000, needs="sale"),
    "notification": Life(_new_notification, _age_notification, inserted=0.5, live_max=3_000, needs="demand"),
}
