"""What a backfill remembers between being killed and going on: a local folder, away from all data.

    job.json            the job, its source's identity and when it began
    units/00003.json    how far a unit is, and what became of its items so far
    chunks/00003.jsonl  payloads read from a table and not yet known to be delivered
    spool/              payloads by date, for a stream
    sending.json        how far the spool is sent

Each file is replaced whole, by a rename. Personal data lies here, so nobody else may look in, and it is gone when the
backfill is done. A kill loses nothing; a power cut may, as files are not synced to the disk.
"""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.job import Job
from firehose.local.user_error import UserError

# What a run that was killed before it had begun leaves in its folder.
_BEFORE = ("lock", ".job.json.writing")

_T = TypeVar("_T")


class Begun(msgspec.Struct):
    """A job that was begun. The time is that of its items where it scans a table, through all resumes."""

    job: Job
    identity: str
    started_micros: int


class Progress(msgspec.Struct):
    """How far a unit is: where to read on, how many chunks and records it has given, what became of its items."""

    position: str | None = ""
    chunks: int = 0
    records: int = 0
    counts: Counts = msgspec.field(default_factory=Counts)

    @property
    def done(self) -> bool:
        """Whether nothing is left of the unit."""
        return self.position is None


class State:
    """A state folder. `folder` need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"

    def begin(self, job: Job, identity: str, started_micros: int) -> Begun:
        """The job as it was begun: now, or by an earlier run that was stopped.

        Raises:
            UserError: the folder is another job's, or the source is no longer the one it was.
        """
        begun = self.begun()
        if begun is None:
            begun = Begun(job.plain, identity, started_micros)
            self._write(self.folder / "job.json", begun)
        if begun.job != job.plain:
            raise UserError(
                f"{self.folder} is of another backfill: finish that first, name another --state or remove it"
            )
        if begun.identity != identity:
            raise UserError(f"{job.source} is not what it was when this began; to begin anew remove {self.folder}")
        # After the job, without which these would be taken for somebody's own.
        for folder in (self.folder / "units", self.folder / "chunks", self.spool):
            folder.mkdir(mode=0o700, exist_ok=True)
        return Begun(job, identity, begun.started_micros)

    def begun(self) -> Begun | None:
        """The job that was begun here, if any."""
        return self._read(self.folder / "job.json", Begun)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second run of the same job out.

        Raises:
            UserError: there is one already, or the folder cannot be made or holds something else.
        """
        try:
            shutil.rmtree(self._gone(), ignore_errors=True)  # of a run that was killed while it removed it
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.begun() is None and any(path.name not in _BEFORE for path in self.folder.iterdir()):
                # It is removed at the end, with all that is in it.
                raise UserError(
                    f"{self.folder} is not empty, and is not the state of a backfill: name a folder of its own"
                )
            self.folder.chmod(0o700)
            file = (self.folder / "lock").open("w")
        except OSError as error:
            raise UserError(f"{self.folder} cannot keep the state of a backfill: {error.strerror}") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"this backfill is running already, with its state in {self.folder}") from None
            yield

    def progress(self, unit: int) -> Progress:
        """How far a unit is."""
        return self._read(self.folder / "units" / f"{unit:05}.json", Progress) or Progress()

    def save(self, unit: int, progress: Progress) -> None:
        """Moves a unit's checkpoint."""
        self._write(self.folder / "units" / f"{unit:05}.json", progress)

    def chunk(self, unit: int) -> Path:
        """Where a unit's payloads wait for their delivery."""
        return self.folder / "chunks" / f"{unit:05}.jsonl"

    def sending(self, kind: type[_T]) -> _T | None:
        """How far the spool is sent."""
        return self._read(self.folder / "sending.json", kind)

    def save_sending(self, sending: msgspec.Struct) -> None:
        """Moves the checkpoint of the sending."""
        self._write(self.folder / "sending.json", sending)

    def remove(self) -> None:
        """The backfill is done. The folder is another's at once: killed halfway, it would tell of a job half done."""
        self.folder.replace(self._gone())
        shutil.rmtree(self._gone())

    def _gone(self) -> Path:
        whole = self.folder.resolve()
        return whole.with_name(f".{whole.name}.done")

    def _read(self, path: Path, kind: type[_T]) -> _T | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            raise UserError(f"{path} is not what a backfill wrote: remove {self.folder} to begin anew") from None

    def _write(self, path: Path, value: msgspec.Struct) -> None:
        write_whole(path, [msgspec.json.encode(value)])


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Writes a file that is there whole or not at all. Its parts are not joined in memory."""
    temporary = path.with_name(f".{path.name}.writing")
    with temporary.open("wb") as file:
        file.writelines(parts)
    temporary.replace(path)


def as_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a file of these lines."""
    for line in lines:
        yield line
        yield b"\n"
