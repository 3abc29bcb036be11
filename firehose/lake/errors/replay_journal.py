"""What `dmd replay` has done with the records of each error object, noted in the lake beside `data-pipeline/`.

One note an error object, replaced as a whole: first with what is about to be put, then with what is done. A kill in
between leaves the first, and the next replay knows what may lie in the lake already.

A note is replaced only as long as it is the one that was read. Of two replays at once the one that comes second with
some note stops before it has put a row; nothing has to be locked, nor unlocked after a kill.
"""

from collections.abc import Iterator
from hashlib import sha256

import msgspec

from firehose.lake.errors.documents import Reason
from firehose.lake.storage import Lake
from firehose.local.sinks import MovedError, NoteSink
from firehose.local.user_error import UserError
from glue.layout import REPLAY_JOURNAL, Format

# Beside the data prefixes and not below them: readers take every file there for data.


class Group(msgspec.Struct):
    """The records of one table and partition date, by their places, and the objects that hold their rows."""

    prefix: str
    keys: list[str]
    places: list[int]


class Note(msgspec.Struct, omit_defaults=True):
    """What became of the records of one error object, by their places.

    `done` are delivered or need no delivery, other streams answer for `other`, `failed` were tried and failed again,
    `begun` is being put, or was when the replay was killed.
    """

    error_object: str
    done: list[int] = []
    other: list[int] = []
    failed: dict[int, Reason] = {}
    file_format: Format = Format.PARQUET
    begun: list[Group] = []


class Notes:
    """The notes of a lake. Without a sink they can only be read."""

    def __init__(self, lake: Lake, sink: NoteSink | None = None) -> None:
        self._sink = sink
        self._notes: dict[str, Note] = {}
        self._versions: dict[str, str] = {}
        for note, version in _read(lake):
            self._notes[note.error_object] = note
            self._versions[note.error_object] = version

    def of(self, error_object: str) -> Note:
        """The note of an error object, empty where nothing has been done with it."""
        return self._notes.get(error_object) or Note(error_object)

    def replayed(self, error_object: str) -> bool:
        """Whether some record of an error object needs nothing any more."""
        note = self.of(error_object)
        return bool(note.done or note.begun)

    def put(self, note: Note) -> None:
        """Replaces an error object's note.

        Raises:
            UserError: another replay has replaced it since it was read.
        """
        assert self._sink is not None  # noqa: S101 - nothing is noted in a dry run
        name = note.error_object
        body = msgspec.json.encode(note) + b"\n"
        try:
            version = self._sink.put_if(note_key(name), body, "application/json", self._versions.get(name))
        except MovedError:
            raise UserError("another replay is at work on this lake: let that one end first") from None
        self._notes[name], self._versions[name] = note, version

    def begun(self) -> list[str]:
        """The error objects of which a replay was killed, and has not been finished since."""
        return [key for key, note in self._notes.items() if note.begun]


def note_key(error_object: str) -> str:
    """Where the note of an error object lies. A digest: a key may be longer than a file's name may be."""
    return f"{REPLAY_JOURNAL}{sha256(error_object.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.json"


def _read(lake: Lake) -> Iterator[tuple[Note, str]]:
    decode = msgspec.json.Decoder(Note).decode
    for stored in lake.objects(REPLAY_JOURNAL):
        with lake.open(stored) as file:
            body = file.read()
        try:
            yield decode(body), stored.version
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Whatever it said is done would be delivered twice.
            raise UserError(f"{lake.where(stored)} is not a note of dmd replay: put it right, or remove it") from None
