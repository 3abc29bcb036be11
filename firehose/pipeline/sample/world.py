"""The world behind the sample: a clock, the live items, and the change record of each event in their lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from firehose.pipeline.sample.catalogue import attractions, programmes, typed, venues

Attributes: TypeAlias = dict[str, Any]

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode

_BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_DAY_MICROS = 86_400_000_000
_TRAFFIC_DAYS = [datetime(2024, 10, 1, tzinfo=UTC) + timedelta(days=number * 9 // 2) for number in range(60)]
# The same 60 days from 2024-10-01 to 2025-06-23 for any count, so that more records do not mean more partitions.
_DAYS = [(f"{day:%Y-%m-%d}", int(day.timestamp()) * 1_000_000) for day in _TRAFFIC_DAYS]


class SampleItem:
    """One item of the table. Its image has three groups of attributes; the middle one changes during its life."""

    __slots__ = ("after", "before", "expires", "facts", "image", "keys", "step")

    def __init__(self, pk: str, sk: str, groups: tuple[Attributes, Attributes, Attributes], facts: Attributes) -> None:
        self.keys = {"pk": typed(pk), "sk": typed(sk)}
        self.before, changing, after = groups
        self.after = after | self.keys
        self.facts = facts  # what items of other types repeat
        self.step = 0
        self.expires = "expiresAt" in self.before
        self.become(changing)

    def become(self, changing: Attributes) -> None:
        """Replace the middle group, as a MODIFY does."""
        self.image = msgspec.Raw(_encode({**self.before, **changing, **self.after}))


class Life(NamedTuple):
    """The life of items of one type."""

    create: Callable[[World], SampleItem]
    age: Callable[[World, SampleItem], bool]  # returns False if the item is removed instead
    inserted: float  # the share of INSERTs in the changes of this type
    live_max: int  # later items never change, so memory does not grow with the count
    needs: str = ""  # the type that must have a live item before one of this type is created


class World:
    """The live items. Every draw uses `random` or `getrandbits`, which give the same on every Python."""

    def __init__(self, random: Random, lives: Mapping[str, Life]) -> None:
        self.random = random.random
        self.bits = random.getrandbits
        self.lives = lives
        self.live: dict[str, list[SampleItem]] = {name: [] for name in lives}
        self.venues = venues()
        self.attractions = attractions()
        self.programmes = programmes()
        self.now = ""
        self.micros = 0

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to `limit` - 1."""
        return int(self.random() * limit)

    def one_of(self, options: Sequence[_T]) -> _T:
        """Return one of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def uuid(self) -> str:
        """Return an id such as 5f0c8e1a-77d1-4a3b-a2c4-0d8e6b1f9a57."""
        digits = f"{self.bits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def set_clock(self, share: float) -> None:
        """Move to this share (0 to 1) of the traffic days. `now` is text, mostly with milliseconds."""
        day, rest = divmod(int(share * len(_DAYS) * _DAY_MICROS), _DAY_MICROS)
        rest = min(rest + self.bits(20), _DAY_MICROS - 1)  # within about a second, so that times are not round
        name, start = _DAYS[day]
        self.micros = start + rest
        seconds, fraction = divmod(rest, 1_000_000)
        hour, clock = seconds // 3600, f"{seconds // 60 % 60:02}:{seconds % 60:02}"
        style = self.bits(5)
        if style > 2:
            self.now = f"{name}T{hour:02}:{clock}.{fraction // 1000:03}Z"
        elif style == 2 and hour < 22:
            self.now = f"{name}T{hour + 2:02}:{clock}.{fraction:06}+02:00"
        else:
            self.now = f"{name}T{hour:02}:{clock}Z"

    def change(self, name: str) -> bytes:
        """Return the next change of a type: an item is inserted, changed or removed."""
        live, life = self.live[name], self.lives[name]
        if not live or self.random() < life.inserted:
            return self.insert(name)
        place = self.below(len(live))
        item = live[place]
        old = item.image
        if life.age(self, item):
            return self._record("MODIFY", item.keys, {"NewImage": item.image, "OldImage": old})
        live[place] = live[-1]
        live.pop()
        return self._record("REMOVE", item.keys, {"OldImage": old}, expired=item.expires)

    def insert(self, name: str, *, followed: bool = True) -> bytes:
        """Return the change of a new item."""
        item = self.item(name, followed=followed)
        return self._record("INSERT", item.keys, {"NewImage": item.image})

    def item(self, name: str, *, followed: bool = True) -> SampleItem:
        """Return a new item, or one of the type that it needs if none of those is alive."""
        live, life = self.live[name], self.lives[name]
        if life.needs and not self.live[life.needs]:
            return self.item(life.needs)
        item = life.create(self)
        if followed and len(live) < life.live_max:
            live.append(item)
        return item

    def _record(self, name: str, keys: Attributes, images: dict[str, msgspec.Raw], *, expired: bool = False) -> bytes:
        at, precision = self.micros, {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
        style = self.bits(5)
        if style < 4:
            at, precision = at // 1000, {"ApproximateCreationDateTimePrecision": "MILLISECOND"} if style else {}
        # SizeBytes counts names and values without JSON's own signs: about six tenths of the text.
        size = (len(_encode(images).decode()) - 2) * 6 // 10
        return _encode(
            {
                "awsRegion": "us-east-1",
                "eventID": self.uuid(),
                "eventName": name,
                "userIdentity": _BY_TTL if expired else None,
                "recordFormat": "application/json",
                "tableName": "prd3292-dev1-us-east-1-demand-table",
                "dynamodb": {"ApproximateCreationDateTime": at, "Keys": keys, **images, "SizeBytes": size, **precision},
                "eventSource": "aws:dynamodb",
            }
        )
