"""The source of a run: files, standard input, or a Kinesis stream."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import Any

import typer

from firehose.local.data_plane import Clock, DataPlane
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.event_record import EventRecord
from firehose.local.kinesis_writer import KINESIS, stream_of
from firehose.local.sources.files import NO_TIME_MS, SourceError, check_files, until_broken
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.local.sources.source_names import named_by_records
from firehose.local.user_error import UserError
from firehose.pipeline.change_records import change_records


class BlankLines:
    """Counts the blank lines that a source has skipped: call it for each."""

    count = 0

    def __call__(self) -> None:
        """Count one."""
        self.count += 1


@dataclass(frozen=True, slots=True)
class RunSource:
    """The records that a data plane reads, and the clock of its buffer intervals; files have no clock.

    `on_settled` is called with the number of records that are delivered; `broken` gets the error that ended a file
    early; `source_of` names the source of a record for Iceberg tables; `blank_lines` counts those that are skipped.
    """

    records: Callable[[DataPlane], Iterable[EventRecord | None]]
    clock: Clock | None = None
    source_of: SourceOf | None = None
    on_settled: Callable[[int], None] = lambda _: None
    broken: list[SourceError] = field(default_factory=list)
    blank_lines: BlankLines = field(default_factory=BlankLines)


def reads_kinesis(sources: Sequence[str]) -> bool:
    """Return whether the source is a Kinesis stream.

    Raises:
        UserError: a stream among other sources.
    """
    if not any(source.startswith(KINESIS) for source in sources):
        return False
    if len(sources) > 1:
        raise UserError(f"{KINESIS}STREAM must be the only source: a stream never ends, so nothing could follow it")
    return True


def file_source(
    paths: Sequence[str], *, personal: Set[str], unknown_ms: Callable[[], int] = lambda: NO_TIME_MS, named: bool = False
) -> RunSource:
    """Return the lines of files (`-` is standard input) up to the first that cannot be read to its end.

    With `named` they are read twice, first for the name of the source; then standard input cannot be among them.

    `personal` are the attribute names that are personal data. `unknown_ms` returns the arrival of records before the
    first that has a time of its own.

    Raises:
        UserError: a file that cannot be opened.
    """
    try:
        check_files(paths)
    except SourceError as error:
        raise UserError(str(error)) from error
    read = partial(change_records, paths, personal=personal, unknown_ms=unknown_ms())
    source_of = named_by_records(until_broken(read(), [])) if named else None
    broken: list[SourceError] = []
    blank_lines = BlankLines()
    records = until_broken(read(on_blank=blank_lines), broken)
    return RunSource(lambda _: records, broken=broken, blank_lines=blank_lines, source_of=source_of)


def spooled(paths: Sequence[str], running: ExitStack) -> list[str]:
    """Return the paths, with a private file that holds standard input in its place; it goes with `running`."""
    if "-" not in paths or sys.stdin is None:
        return list(paths)
    file = running.enter_context(NamedTemporaryFile(prefix="dmd-"))  # noqa: SIM115 - `running` closes it
    copyfileobj(sys.stdin.buffer, file)
    file.flush()
    # It is read once, as a second `-` would find nothing.
    place = paths.index("-")
    return [file.name if at == place else path for at, path in enumerate(paths) if path != "-" or at == place]


def kinesis_source(address: str, *, state: Path, start_ms: int, client: Any = None) -> RunSource:
    """Return a stream's records, with how far the source lags as metrics of each delivery stream.

    Raises:
        UserError: no such stream, or it cannot be described.
    """
    source = KinesisSource(stream_of(address), state=state, start_ms=start_ms, client=client)
    typer.echo(f"reading {address} until Ctrl-C; checkpoints are in {state}/", err=True)

    def records(plane: DataPlane) -> Iterator[EventRecord | None]:
        throttled = 0
        for record in source:
            if record is None:
                for stream in plane.report.streams:
                    stream.metrics.add("KinesisMillisBehindLatest", source.lag_ms)
                    stream.metrics.add("ThrottledGetRecords", source.throttled - throttled)
                throttled = source.throttled
            yield record

    return RunSource(records, now_ms, source_of=source.source_of, on_settled=source.settled)
