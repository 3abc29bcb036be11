"""What became of the items of a backfill, added up over chunks, units, processes and resumes."""

import msgspec

# Places of lines that told nothing; more of them tell no more.
PLACES = 20

_OTHER_TYPE = "other type"
_OTHER_DATE = "other date"


class Dated(msgspec.Struct):
    """The items of one type whose partition date was worked out."""

    items: int = 0
    first: str = ""
    last: str = ""


class Counts(msgspec.Struct):
    """Every item read is in exactly one of the others, but for `dated` and `unsound`, which say more of some."""

    read: int = 0
    delivered: dict[str, int] = {}  # by type: rows in the lake
    sent: int = 0  # into the stream
    failed: dict[str, int] = {}  # by reason, in the lake's error output
    undated: dict[str, int] = {}  # by reason: not sent, because they have no date to filter by
    other: int = 0  # of a type that nobody archives
    skipped: dict[str, int] = {}  # by filter
    not_lines: int = 0
    without_image: int = 0  # deletes of an incremental export without the old image
    too_large: int = 0  # for a record of the stream
    miscounted: int = 0  # files whose items are not as many as the manifest says; not items
    places: list[str] = []  # where some of these four lie
    dated: dict[str, Dated] = {}  # by type
    unsound: dict[str, int] = {}  # by reason: goes all the same, and the function will fail it

    @property
    def unfinished(self) -> int:
        """What somebody has to look at, because it is neither in the target nor in its error output."""
        return self.not_lines + self.without_image + self.too_large + self.miscounted

    @property
    def settled(self) -> int:
        """The items whose end is known."""
        parts = (self.delivered, self.failed, self.undated, self.skipped)
        alone = self.sent + self.other + self.not_lines + self.without_image + self.too_large
        return alone + sum(sum(part.values()) for part in parts)

    def skip_type(self) -> None:
        """An item that `--type` leaves out."""
        _add(self.skipped, _OTHER_TYPE, 1)

    def skip_date(self) -> None:
        """An item that `--from` and `--to` leave out."""
        _add(self.skipped, _OTHER_DATE, 1)

    def date(self, record_type: str, date: str) -> None:
        """An item whose type and partition date were worked out, and that is to go."""
        dated = self.dated.setdefault(record_type, Dated(0, date, date))
        dated.items += 1
        dated.first, dated.last = min(dated.first, date), max(dated.last, date)

    def undate(self, reason: str) -> None:
        """An item without a date that is therefore not sent."""
        _add(self.undated, reason, 1)

    def unsettle(self, reason: str) -> None:
        """An item without a date that goes all the same."""
        _add(self.unsound, reason, 1)

    def place(self, place: str) -> None:
        """Where something lies that somebody has to look at: `exports/data/a.json.gz:17: not an item`."""
        if len(self.places) < PLACES:
            self.places.append(place)

    def add(self, other: "Counts") -> None:
        """Adds what another part of the work counted."""
        for name in ("read", "sent", "other", "not_lines", "without_image", "too_large", "miscounted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("delivered", "failed", "undated", "skipped", "unsound"):
            for key, count in getattr(other, name).items():
                _add(getattr(self, name), key, count)
        for place in other.places:
            self.place(place)
        for record_type, dated in other.dated.items():
            mine = self.dated.setdefault(record_type, Dated(0, dated.first, dated.last))
            mine.items += dated.items
            mine.first, mine.last = min(mine.first, dated.first), max(mine.last, dated.last)


def _add(counts: dict[str, int], name: str, count: int) -> None:
    if count:
        counts[name] = counts.get(name, 0) + count
