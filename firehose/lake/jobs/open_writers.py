"""Notes of commands that are writing into a lake, so that jobs leave alone what such a command may put again.

    dmd-jobs/open/5f2c....json    {"command": "backfill", "began_seconds": 1740823200.0, "renewals": 3}

A note is put at the start, renewed every minute, and removed at the end. One that was not renewed for ten minutes, by
the store's own clock, is of a command that was killed. No clock of this machine is compared with the store's.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import NamedTuple
from uuid import uuid4

import msgspec

from firehose.lake.jobs.leases import FREE_SECONDS, RENEW_SECONDS
from firehose.lake.objects import Lake, StoredObject
from firehose.local.sink import ConditionalStore, MovedError
from firehose.local.user_error import UserError
from glue.layout import JOBS

OPEN = f"{JOBS}open/"


class WriterNote(msgspec.Struct):
    """The content of a note. In the first one the beginning is not known: it is when that note was put."""

    command: str
    began_seconds: float | None = None
    renewals: int = 0


class OpenWriter:
    """The note of one command, from `__init__`, which puts it, to `close`."""

    def __init__(self, store: ConditionalStore, command: str) -> None:
        self._store = store
        self._key = f"{OPEN}{uuid4().hex}.json"
        self._note = WriterNote(command)
        self._version = self._put(None)
        there = store.read(self._key)
        self._note.began_seconds = there.modified_seconds if there else None

    def renew(self) -> None:
        """Put the note again, also if it was removed because it was not renewed in time."""
        self._note.renewals += 1
        try:
            self._version = self._put(self._version)
        except MovedError:
            self._version = self._put(None)

    def close(self) -> None:
        """Remove the note."""
        with suppress(MovedError):
            self._store.delete_if(self._key, self._version)

    def _put(self, version: str | None) -> str:
        return self._store.put_if(self._key, msgspec.json.encode(self._note) + b"\n", "application/json", version)


@contextmanager
def open_writer(store: ConditionalStore, command: str) -> Iterator[None]:
    """Keep a note in the lake while a command writes.

    Raises:
        UserError: the lake cannot be written.
    """
    writer, ended = OpenWriter(store, command), Event()

    def renew() -> None:
        while not ended.wait(RENEW_SECONDS):
            with suppress(UserError, OSError, MovedError):  # the command will meet it, or the next minute may do
                writer.renew()

    thread = Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(UserError, OSError):  # it ends in ten minutes, and an error of the command itself is not hidden
            writer.close()


class StoreTime(NamedTuple):
    """The store's time, and when the first of the commands that are writing began, or None."""

    now_seconds: float
    first_open_seconds: float | None

    def is_closed(self, stored: StoredObject, closed_seconds: float) -> bool:
        """Return True if an object is at least so old, and no open command has put it."""
        modified = stored.written_ms / 1000
        return self.now_seconds - modified >= closed_seconds and (
            self.first_open_seconds is None or modified < self.first_open_seconds
        )


def first_open(lake: Lake, now_seconds: float, remover: ConditionalStore | None = None) -> float | None:
    """Return when the first of the commands that are writing began, or None; `remover` removes notes of dead ones."""
    began = []
    for stored in lake.objects(OPEN):
        modified_seconds = stored.written_ms / 1000
        if now_seconds - modified_seconds >= FREE_SECONDS:
            if remover is not None:
                with suppress(MovedError):
                    remover.delete_if(stored.key, stored.version)
            continue
        with lake.open(stored) as file:
            note = msgspec.json.decode(file.read(), type=WriterNote)
        began.append(modified_seconds if note.began_seconds is None else note.began_seconds)
    return min(began, default=None)
