"""The list of a lake's erased subjects, by which what is erased stays erased.

    dmd-jobs/erased/subjects/5f2c....json  {"requested_micros": 1740823200000000, "separators": 0, ...}

An object a subject, named by the HMAC of its id (erasure_key.py), so that two erasures at once never lose an entry. A
subject is pending until `erased_micros` says when its erasure was complete. If it is listed again after that, that is a
new request: the entry gets a new time. Personal data of changes up to the time of the request is redacted, wherever it
comes from; later changes are a new consent.
"""

import time
from collections.abc import Iterable
from functools import partial
from threading import Lock
from typing import Any

import msgspec

from firehose.lake.erasure.erasure_key import CHECK, ErasureKey, find_key, make_key
from firehose.lake.erasure.mentioned import separators_in
from firehose.lake.jobs.at_once import at_once
from firehose.lake.objects import Lake, StoredObject, read_whole
from firehose.lake.opening import open_lake
from firehose.local.sink import ConditionalStore, MovedError
from firehose.local.user_error import UserError
from glue.layout import ERASED

SUBJECTS = f"{ERASED}subjects/"
REFRESH_SECONDS = 60.0

# The subjects of records whose times are remembered: an HMAC takes 1.2 us, a look into a dictionary 0.05.
_REMEMBERED = 100_000


class Entry(msgspec.Struct, frozen=True):
    """A subject of the list: the time of its request, and of its complete erasure if that is known.

    `separators` counts the characters of the id other than letters, digits, `-` and `_` (mentioned.py).
    """

    requested_micros: int
    separators: int = 0
    erased_micros: int | None = None


class SubjectList:
    """The list as an erasure keeps it. With its first use the lake has a list, and a key."""

    def __init__(self, store: ConditionalStore, lake: Lake, where: str, key_named: str = "") -> None:
        self._store = store
        self._lake = lake
        self.key: ErasureKey = make_key(store, where, key_named)

    def request(self, subjects: Iterable[str], now_micros: int) -> dict[str, Entry]:
        """List subjects whose erasure is asked for now; return the entry of each, older than now if it was pending.

        Raises:
            UserError: the list cannot be read or written.
        """
        asked = list(dict.fromkeys(subjects))
        entries = at_once(self._store, partial(self._request, now_micros=now_micros), asked)
        return dict(zip(asked, entries, strict=True))

    def mark_erased(self, subject: str, entry: Entry, now_micros: int) -> bool:
        """Enter that an erasure is complete; return False if there has been a new request since, which is kept."""
        key = self._key_of(subject)
        there = self._store.read(key)
        if there is None or _decode(there.body, key) != entry:
            return False
        try:
            self._put(key, msgspec.structs.replace(entry, erased_micros=now_micros), there.version)
        except MovedError:
            return False
        return True

    def entries(self) -> dict[str, Entry]:
        """Return all entries, by the HMAC of the subject."""
        return {_name(stored): _read(self._lake, stored) for stored in self._lake.objects(SUBJECTS)}

    def _request(self, subject: str, now_micros: int) -> Entry:
        key = self._key_of(subject)
        while True:
            there = self._store.read(key)
            before = _decode(there.body, key) if there else None
            if before is not None and before.erased_micros is None:
                return before
            # A clock that was set back does not take back what is redacted already.
            requested = max(now_micros, before.requested_micros + 1) if before else now_micros
            entry = Entry(requested, separators_in(subject))
            try:
                self._put(key, entry, there.version if there else None)
            except MovedError:
                continue
            return entry

    def _key_of(self, subject: str) -> str:
        return f"{SUBJECTS}{self.key.digest(subject)}.json"

    def _put(self, key: str, entry: Entry, version: str | None) -> None:
        self._store.put_if(key, msgspec.json.encode(entry) + b"\n", "application/json", version)


class ErasedSubjects:
    """The list of the lake in `where` as writers consult it. It pickles, with its key, for the processes of a job.

    Raises:
        UserError: there is a list and no key, or a wrong one; or the lake cannot be read.
    """

    def __init__(self, where: str, key_named: str = "") -> None:
        self._where = where
        self._key_named = key_named
        self._key: ErasureKey | None = None
        self._check: StoredObject | None = None  # by which the key was checked
        self._known: dict[StoredObject, Entry] = {}
        self._begin()
        self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process."""
        return {name: getattr(self, name) for name in ("_where", "_key_named", "_key", "_check", "_known")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on with what the process that pickled knew."""
        vars(self).update(state)
        self._begin()
        self._learn(self._known)

    def __bool__(self) -> bool:
        """True if anybody is erased."""
        return bool(self._entries)

    @property
    def separators(self) -> frozenset[int]:
        """The numbers of separators that the ids of the list have."""
        return self._separators

    def refresh(self) -> None:
        """Read the list anew: one listing, and each entry that has changed.

        Raises:
            UserError: as when it is made; a list may be the first one of a lake.
        """
        there = {stored.key: stored for stored in self._lake.objects(ERASED)}
        listed = [stored for key, stored in there.items() if key.startswith(SUBJECTS)]
        check = there.get(CHECK)
        if check != self._check or (listed and check is None):
            self._key = find_key(partial(_body, self._lake, there), self._where, self._key_named)
            self._check = check
        new = [stored for stored in listed if stored not in self._known]
        read = dict(zip(new, at_once(self._lake, partial(_read, self._lake), new), strict=True))
        self._learn({stored: read.get(stored) or self._known[stored] for stored in listed})
        self._refreshed_seconds = time.monotonic()

    def refresh_if_due(self) -> None:
        """Refresh after a minute. Several threads may call this."""
        if time.monotonic() - self._refreshed_seconds >= REFRESH_SECONDS:
            with self._lock:
                if time.monotonic() - self._refreshed_seconds >= REFRESH_SECONDS:
                    self.refresh()

    def erased_at(self, subject: str) -> int | None:
        """Return up to which time a subject's changes are redacted, in epoch microseconds; None if it is not listed."""
        remembered = self._remembered
        try:
            return remembered[subject]
        except KeyError:
            pass
        entry = self._entries.get(self._key.digest(subject)) if self._key else None
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        remembered[subject] = found = entry.requested_micros if entry else None
        return found

    def _begin(self) -> None:
        self._lake = open_lake(self._where, may_be_empty=True)
        self._lock = Lock()
        self._refreshed_seconds = time.monotonic()

    def _learn(self, known: dict[StoredObject, Entry]) -> None:
        self._known = known
        self._entries = {_name(stored): entry for stored, entry in known.items()}
        self._separators = frozenset(entry.separators for entry in known.values())
        # A new dictionary: a thread that looks something up meanwhile writes into the old one.
        self._remembered: dict[str, int | None] = {}


def _name(stored: StoredObject) -> str:
    return stored.key.removeprefix(SUBJECTS).removesuffix(".json")


def _body(lake: Lake, there: dict[str, StoredObject], key: str) -> bytes | None:
    return read_whole(lake, there[key]) if key in there else None


def _read(lake: Lake, stored: StoredObject) -> Entry:
    return _decode(read_whole(lake, stored), lake.where(stored))


def _decode(body: bytes, where: str) -> Entry:
    try:
        return msgspec.json.decode(body, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Without it, personal data might be written again.
        raise UserError(f"{where} is not an entry of the list of erased subjects: restore it") from None
