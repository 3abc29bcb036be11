"""Counts the outcomes of a backfill's items, summed over chunks, units, processes and resumes."""

import msgspec

# The most places to keep; more would not help.
PLACES = 20

_OTHER_TYPE = "other type"
_OTHER_DATE = "other date"


class DateRange(msgspec.Struct):
    """The number of items of one type whose partition date was computed, and the first and last date."""

    items: int = 0
    first: str = ""
    last: str = ""


class Counts(msgspec.Struct):
    """Every item that was `read` is in exactly one other count; `dated` and `will_fail` count some of them again."""

    read: int = 0
    delivered: dict[str, int] = {}  # rows in the lake, by type
    sent: int = 0  # into the stream
    failed: dict[str, int] = {}  # in the lake's error output, by reason
    undated: dict[str, int] = {}  # left out, because a filter by date needs a date; by reason
    other: int = 0  # of a type that nobody archives
    skipped: dict[str, int] = {}  # by filter
    not_lines: int = 0
    without_image: int = 0  # deletes of an incremental export without the old image
    too_large: int = 0  # for a record of the stream
    miscounted: int = 0  # files whose items are not as many as the manifest says; not items
    places: list[str] = []  # where some of these four lie
    dated: dict[str, DateRange] = {}  # by type
    will_fail: dict[str, int] = {}  # goes to the function, which will fail it; by reason
    problems: dict[str, int] = {}  # failed invocations of a function, by its stream and the reason; not items

    @property
    def unfinished(self) -> int:
        """The number of items to look at, because they are neither in the target nor in its error output."""
        return self.not_lines + self.without_image + self.too_large + self.miscounted

    @property
    def settled(self) -> int:
        """The number of items whose outcome is known."""
        parts = (self.delivered, self.failed, self.undated, self.skipped)
        alone = self.sent + self.other + self.not_lines + self.without_image + self.too_large
        return alone + sum(sum(part.values()) for part in parts)

    def skip_type(self) -> None:
        """Count an item that `--type` leaves out."""
        _add(self.skipped, _OTHER_TYPE, 1)

    def skip_date(self) -> None:
        """Count an item that `--from` and `--to` leave out."""
        _add(self.skipped, _OTHER_DATE, 1)

    def add_dated(self, record_type: str, date: str) -> None:
        """Count an item that will be sent, by its type and partition date."""
        dated = self.dated.setdefault(record_type, DateRange(0, date, date))
        dated.items += 1
        dated.first, dated.last = min(dated.first, date), max(dated.last, date)

    def add_undated(self, reason: str) -> None:
        """Count an item that is skipped because it has no date."""
        _add(self.undated, reason, 1)

    def add_will_fail(self, reason: str) -> None:
        """Count an item without a date that is sent nevertheless."""
        _add(self.will_fail, reason, 1)

    def add_place(self, place: str) -> None:
        """Keep the place of something to look at: `exports/data/a.json.gz:17: not an item`."""
        if len(self.places) < PLACES:
            self.places.append(place)

    def add(self, other: "Counts") -> None:
        """Add the counts of another part of the work."""
        for name in ("read", "sent", "other", "not_lines", "without_image", "too_large", "miscounted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("delivered", "failed", "undated", "skipped", "will_fail", "problems"):
            for key, count in getattr(other, name).items():
                _add(getattr(self, name), key, count)
        for place in other.places:
            self.add_place(place)
        for record_type, dated in other.dated.items():
            own = self.dated.setdefault(record_type, DateRange(0, dated.first, dated.last))
            own.items += dated.items
            own.first, own.last = min(own.first, dated.first), max(own.last, dated.last)


def _add(counts: dict[str, int], name: str, count: int) -> None:
    if count:
        counts[name] = counts.get(name, 0) + count
