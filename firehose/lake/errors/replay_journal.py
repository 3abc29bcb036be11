"""The journal of `dmd replay`: the state of each record of each error object, kept beside `data-pipeline/`.

One entry, a JSON file, for each error object. Its records are named by their place in the object.

    done      delivered, or need no delivery
    other     left to other streams
    failed    tried, and failed again
    intent    the objects that are about to be put, and the places of the records whose rows they hold

A part of an error object is replayed in three steps: the entry is put with an intent, the objects of the intent are
put, the entry is put with the records done and no intent. The keys of the objects follow from the records' places, so
after a kill the intent tells which objects may be in the lake. The next replay makes and puts them again, which changes
nothing where they already are (replay/resume.py).

An entry is replaced only if it is still the one that was read. Of two replays at once, the second to touch an entry
stops before it has put a row. So nothing is locked, and a kill leaves nothing to unlock.

The journal is outside the data prefixes, because readers take every file below those for data.
"""

from collections.abc import Collection, Iterator
from hashlib import sha256

import msgspec

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.objects import Lake, read_whole
from firehose.local.sink import MovedError, NoteSink
from firehose.local.user_error import UserError
from glue.layout import REPLAY_JOURNAL, Format


class PlannedObjects(msgspec.Struct):
    """The records of one table and partition date, by their places, and the keys of the objects with their rows."""

    prefix: str
    keys: list[str]
    places: list[int]


class JournalEntry(msgspec.Struct, omit_defaults=True):
    """The state of the records of one error object; see the head of this module."""

    error_object: str
    done: list[int] = []
    other: list[int] = []
    failed: dict[int, Explanation] = {}
    file_format: Format = Format.PARQUET  # of the intent
    intent: list[PlannedObjects] = []


class ReplayJournal:
    """The entries of a lake. Without a sink they can only be read."""

    def __init__(self, lake: Lake, sink: NoteSink | None = None) -> None:
        self._sink = sink
        self._entries: dict[str, JournalEntry] = {}
        self._versions: dict[str, str] = {}
        for entry, version in _read(lake):
            self._entries[entry.error_object] = entry
            self._versions[entry.error_object] = version

    def entry(self, error_object: str) -> JournalEntry:
        """Return the entry of an error object; it is empty if nothing was replayed."""
        return self._entries.get(error_object) or JournalEntry(error_object)

    def entries(self) -> Collection[JournalEntry]:
        """Return the entries of all error objects that were replayed, whole or in part."""
        return self._entries.values()

    def has_progress(self, error_object: str) -> bool:
        """Return True if a record of an error object was replayed, or may have been before a kill."""
        entry = self.entry(error_object)
        return bool(entry.done or entry.intent)

    def put(self, entry: JournalEntry) -> None:
        """Replace the entry of an error object.

        Raises:
            UserError: another replay has replaced it since it was read.
        """
        assert self._sink is not None  # noqa: S101 - a dry run puts no entry
        name = entry.error_object
        body = msgspec.json.encode(entry) + b"\n"
        try:
            version = self._sink.put_if(entry_key(name), body, "application/json", self._versions.get(name))
        except MovedError:
            raise UserError("another replay is running on this lake: wait until it has ended") from None
        self._entries[name], self._versions[name] = entry, version

    def unfinished(self) -> list[str]:
        """Return the error objects whose replay was killed and has not been finished since."""
        return [key for key, entry in self._entries.items() if entry.intent]


def entry_key(error_object: str) -> str:
    """Return the key of an entry. It is a digest, because an object's key may be longer than a file's name may be."""
    return f"{REPLAY_JOURNAL}{sha256(error_object.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.json"


def _read(lake: Lake) -> Iterator[tuple[JournalEntry, str]]:
    decode = msgspec.json.Decoder(JournalEntry).decode
    for stored in lake.objects(REPLAY_JOURNAL):
        body = read_whole(lake, stored)
        try:
            yield decode(body), stored.version
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Without it, what it says is done would be delivered twice.
            raise UserError(
                f"{lake.where(stored)} is not an entry of dmd replay's journal: repair or remove it"
            ) from None
