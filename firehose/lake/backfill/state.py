"""The state of a backfill, from which a killed run resumes: a local folder outside the lake.

    job.json              the job, the identity of its source, and when it began
    units/00003.json      the progress of a unit: its position, and the counts of its items so far
    chunks/00003.jsonl    payloads read from a table, until they are known to be delivered
    spool/                payloads by date, for a stream
    sending.json          how much of the spool is sent

A unit (a data file, or a segment of a table's scan) is read and delivered in chunks. After a kill the next run reads
and delivers some of them again, which must not duplicate rows:

    from an export    reading again gives the same records under the same object names, so objects are replaced; a unit
                      has no progress until it is done, and begins anew
    from a table      reading again may give other items, so a chunk is written to `chunks/` first and always delivered
                      from there; the unit's progress is saved after each chunk
    into a stream     chunks are spooled, each replacing itself, and nothing is sent before all are spooled; the last
                      call's records may then be sent twice, and readers deduplicate by `change.id`

Every file is replaced as a whole, by a rename. Files are not synced to the disk: a kill loses nothing, a power cut
may. Payloads hold personal data, so the files are private to their user, and the folder is removed when the backfill is
done.
"""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from firehose.lake.backfill.chunk import Chunk
from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.job import BackfillJob
from firehose.local.os_errors import file_named
from firehose.local.private_files import make_folder, open_private
from firehose.local.user_error import UserError

# A run that is killed before it has started its job leaves these in the folder.
_BEFORE_START = ("lock", ".job.json.writing")

_T = TypeVar("_T")


class StartedJob(msgspec.Struct):
    """A job that was started. Its time, which items of a scan get, and its key names stay through all resumes."""

    job: BackfillJob
    identity: str
    started_micros: int
    key_names: tuple[str, ...] = ()

    def source_name(self, unit: int) -> str:
        """Return the name of a unit as a source, by which an Iceberg table knows the rows that it has of it.

        A scan that begins anew reads a table as it stands then, so it is another source.
        """
        began = f" {self.started_micros}" if self.job.is_table else ""
        return f"backfill-{sha256(f'{self.job.digest} {self.identity}{began}'.encode()).hexdigest()[:16]}-{unit}"


class Progress(msgspec.Struct):
    """The progress of a unit: the position after what was read, the chunks and records so far, and their counts."""

    position: str | None = ""
    chunks: int = 0
    records: int = 0
    counts: Counts = msgspec.field(default_factory=Counts)

    @property
    def done(self) -> bool:
        """True if the unit is finished."""
        return self.position is None

    def after(self, chunk: Chunk) -> "Progress":
        """Return the progress after a chunk. Its delivery adds the counts of rows."""
        counts = Counts()
        counts.add(self.counts)
        counts.add(chunk.counts)
        return Progress(chunk.position, self.chunks + 1, self.records + chunk.records, counts)


class State:
    """A state folder. `folder` need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"

    def start(self, job: BackfillJob, identity: str, started_micros: int, key_names: tuple[str, ...]) -> StartedJob:
        """Return the job as it was started: now, or by an earlier run that was stopped.

        Raises:
            UserError: the folder is another job's, or the source has changed since.
        """
        started = self.started()
        if started is None:
            started = StartedJob(job.canonical, identity, started_micros, key_names)
            self._write(self.folder / "job.json", started)
        if started.job != job.canonical:
            raise UserError(
                f"{self.folder} belongs to another backfill: finish that first, choose another --state, or remove it"
            )
        if started.identity != identity:
            raise UserError(f"{job.source} has changed since this backfill began: to start over, remove {self.folder}")
        # After the job: without it these folders would be taken for somebody's own.
        for folder in (self.folder / "units", self.folder / "chunks", self.spool):
            make_folder(folder)
        return StartedJob(job, identity, started.started_micros, started.key_names)

    def started(self) -> StartedJob | None:
        """Return the job that was started here, or None."""
        return self._read(self.folder / "job.json", StartedJob)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out a second run of the same job.

        Raises:
            UserError: there is one already, or the folder cannot be made or holds something else.
        """
        try:
            shutil.rmtree(self._removed_folder(), ignore_errors=True)  # of a run that was killed while it removed it
            make_folder(self.folder)
            if self.started() is None and any(path.name not in _BEFORE_START for path in self.folder.iterdir()):
                # At the end the folder is removed with everything in it.
                raise UserError(
                    f"{self.folder} is not empty, and not the state of a backfill: choose a folder of its own"
                )
            file = open(self.folder / "lock", "w", opener=open_private)  # noqa: SIM115 - closed below
        except OSError as error:
            raise UserError(f"{self.folder} cannot keep the state of a backfill: {error.strerror}") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"this backfill is already running, with its state in {self.folder}") from None
            yield

    def progress(self, unit: int) -> Progress:
        """Return the progress of a unit."""
        return self._read(self.folder / "units" / f"{unit:05}.json", Progress) or Progress()

    def save(self, unit: int, progress: Progress) -> None:
        """Replace the progress of a unit."""
        self._write(self.folder / "units" / f"{unit:05}.json", progress)

    def chunk(self, unit: int) -> Path:
        """Return the file in which a unit's payloads wait for their delivery."""
        return self.folder / "chunks" / f"{unit:05}.jsonl"

    def send_progress(self, kind: type[_T]) -> _T | None:
        """Return the progress of sending the spool, or None."""
        return self._read(self.folder / "sending.json", kind)

    def save_send_progress(self, progress: msgspec.Struct) -> None:
        """Replace the progress of sending the spool."""
        self._write(self.folder / "sending.json", progress)

    def remove(self) -> None:
        """Remove the folder. It is renamed first, because a kill halfway would leave a job half done."""
        self.folder.replace(self._removed_folder())
        shutil.rmtree(self._removed_folder())

    def _removed_folder(self) -> Path:
        whole = self.folder.resolve()
        return whole.with_name(f".{whole.name}.done")

    def _read(self, path: Path, kind: type[_T]) -> _T | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            raise UserError(f"{path} is damaged: to start over, remove {self.folder}") from None

    def _write(self, path: Path, value: msgspec.Struct) -> None:
        write_whole(path, [msgspec.json.encode(value)])


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that exists as a whole or not at all. Its parts are not joined in memory."""
    temporary = path.with_name(f".{path.name}.writing")
    with file_named(path), open(temporary, "wb", opener=open_private) as file:
        file.writelines(parts)
    temporary.replace(path)


def as_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file of these lines."""
    for line in lines:
        yield line
        yield b"\n"
