"""`dmd sample`: realistic change records, the same for the same seed."""

import gzip
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from firehose.pipeline.sample.lives import LIVES
from firehose.pipeline.sample.records import changes
from firehose.pipeline.sample.world import World

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).parents[1] / "corpora" / "sample.jsonl.gz"
TYPES = {"demand", "notification", "sale", "event"}


@cache
def sound(count: int) -> list[dict[str, Any]]:
    """The changes with a readable frame, of one of the four types."""
    parsed = [json.loads(line) for line in changes(count, seed=1) if _error_of(line) is None]
    return [change for change in parsed if _image(change).get("type", {}).get("S") in TYPES]


def _error_of(line: bytes) -> type[ValueError] | None:
    try:
        json.loads(line)
    except ValueError as error:
        return type(error)
    return None


def _image(change: dict[str, Any]) -> dict[str, Any]:
    image: dict[str, Any] = change["dynamodb"].get("OldImage" if change["eventName"] == "REMOVE" else "NewImage", {})
    return image


def _type(change: dict[str, Any]) -> str:
    return str(_image(change)["type"]["S"])


def test_the_committed_sample_is_what_the_generator_writes() -> None:
    committed = gzip.decompress(COMMITTED.read_bytes()).splitlines()

    written = list(changes(2_000, seed=1))

    assert written == committed


def test_another_seed_gives_other_changes() -> None:
    first, second = set(changes(200, seed=1)), set(changes(200, seed=2))

    assert not first & second


def test_there_are_as_many_changes_as_asked_for() -> None:
    assert [len(list(changes(count, seed=3))) for count in (0, 1, 1_000)] == [0, 1, 1_000]


def test_no_change_contains_a_newline() -> None:
    assert not any(b"\n" in line for line in changes(5_000, seed=4))


def test_the_types_come_in_the_shares_of_the_real_table() -> None:
    shares = Counter(map(_type, sound(10_000)))

    assert 0.47 < shares["demand"] / 10_000 < 0.53
    assert 0.34 < shares["notification"] / 10_000 < 0.40
    assert 0.03 < shares["sale"] / 10_000 < 0.09
    assert 0.033 < shares["event"] / 10_000 < 0.065


def test_every_type_is_inserted_modified_and_removed_and_some_expire() -> None:
    records = sound(10_000)

    names = {(_type(change), change["eventName"]) for change in records}
    expired = [change for change in records if change["userIdentity"]]

    assert names == {(kind, name) for kind in TYPES for name in ("INSERT", "MODIFY", "REMOVE")}
    assert expired
    assert all(change["eventName"] == "REMOVE" for change in expired)
    assert all(change["userIdentity"]["principalId"] == "dynamodb.amazonaws.com" for change in expired)


def test_each_name_of_change_carries_its_images() -> None:
    wanted = {"INSERT": {"NewImage"}, "MODIFY": {"NewImage", "OldImage"}, "REMOVE": {"OldImage"}}

    for change in sound(10_000):
        assert change["dynamodb"].keys() & {"NewImage", "OldImage"} == wanted[change["eventName"]]


def test_a_later_change_starts_from_the_image_that_the_one_before_left() -> None:
    last: dict[str, Any] = {}
    followed = 0
    for change in {record["eventID"]: record for record in sound(10_000)}.values():
        key = json.dumps(change["dynamodb"]["Keys"])
        if change["eventName"] != "INSERT":
            assert change["dynamodb"]["OldImage"] == last[key]
            followed += 1
        last[key] = change["dynamodb"].get("NewImage")

    assert followed > 1_000


def test_about_one_change_in_a_hundred_is_broken_in_each_of_the_ways() -> None:
    lines = list(changes(10_000, seed=1))

    errors = [_error_of(line) for line in lines]
    images = [_image(json.loads(line)) for line, error in zip(lines, errors, strict=True) if error is None]

    assert 3 < errors.count(UnicodeDecodeError) < 50
    assert 3 < errors.count(json.JSONDecodeError) < 50
    assert 3 < sum(1 for image in images if not image) < 50
    assert 3 < sum(1 for image in images if "N" in image.get("fanId", {})) < 50
    assert 3 < sum(1 for image in images if len(image.get("saleName", {})) > 1) < 50
    assert 3 < sum(1 for image in images if "TBA" in json.dumps(image)) < 50
    assert 3 < sum(1 for image in images if "saleIdentifier" in image) < 50
    assert 3 < sum(1 for image in images if image.get("type") == {"S": "waitlist"}) < 50


def test_some_changes_are_repeated_to_the_byte() -> None:
    lines = list(changes(5_000, seed=1))

    assert 3 < len(lines) - len(set(lines)) < 60


def test_the_time_of_the_change_comes_in_both_units_and_without_its_precision() -> None:
    units = {
        (frame.get("ApproximateCreationDateTimePrecision"), len(str(frame["ApproximateCreationDateTime"])))
        for frame in (change["dynamodb"] for change in sound(10_000))
    }

    assert units == {("MICROSECOND", 16), ("MILLISECOND", 13), (None, 13)}


def test_ten_times_the_changes_make_no_more_partitions() -> None:
    few, many = partition_dates(3_000), partition_dates(10_000)

    assert len(few["demand"]) == len(many["demand"]) == 60
    assert len(few["notification"]) == len(many["notification"]) == 60
    assert len(many["sale"]) <= 150 + 4
    assert "1900-01-01" in many["sale"]
    assert max(many["sale"]) >= "2027-09-01"


def partition_dates(count: int) -> dict[str, set[str]]:
    dates: dict[str, set[str]] = {"demand": set(), "notification": set(), "sale": set()}
    for change in sound(count):
        image, kind = _image(change), _type(change)
        if kind == "sale":
            dates[kind].add(image["saleStartDateTime"]["S"][:10])
        elif kind != "event":
            first = image["date"]["M"]["requested" if kind == "demand" else "created"]["S"]
            dates[kind] |= {first[:10]} - {"TBA 2024-1", "TBA 2024-0", "TBA 2025-0"}
    return dates


def test_the_items_that_are_followed_are_bounded() -> None:
    world = World(Random(1), LIVES)  # noqa: S311
    world.set_clock(0.5)
    for _ in range(4_000):
        world.insert("demand")
        world.insert("event")

    assert len(world.live["demand"]) == LIVES["demand"].live_max
    assert len(world.live["event"]) == LIVES["event"].live_max


def test_phone_numbers_and_addresses_are_made_up() -> None:
    images = [_image(change) for change in sound(10_000)]
    phones = {image["phoneNumber"]["S"] for image in images if "phoneNumber" in image}
    addresses = {image["email"]["S"] for image in images if image.get("email", {}).get("S")}

    assert phones
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", phone) for phone in phones)
    assert addresses
    assert all(address.endswith("@example.com") for address in addresses)


def test_images_hold_what_the_schemas_must_cope_with() -> None:
    images = [_image(change) for change in sound(10_000)]
    text = json.dumps(images, ensure_ascii=False)

    assert not text.isascii()
    assert {next(iter(image["saleTypes"])) for image in images if "saleTypes" in image} == {"SS", "L", "NULL"}
    assert any(image.get("artistName") == {"NULL": True} for image in images)
    assert any("expiresAt" in image for image in images)
    assert any("externalLinks" in attraction["M"] for attraction in _attractions(images))
    assert all({"pk", "sk"} <= image.keys() for image in images)


def _attractions(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [attraction for image in images for attraction in image.get("attractions", {"L": []})["L"]]
