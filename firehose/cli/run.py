"""`dmd run`: the main job, change records in, a lake out."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from firehose.cli import STOPPED
from firehose.cli.shown import plain_table, print_rich
from firehose.cli.stopping import stopping
from firehose.lake.replay.selection import since_ms
from firehose.lake.storage import sink_of
from firehose.local.event_record import EventRecord
from firehose.local.kinesis_writer import KINESIS, stream_of
from firehose.local.report import RunReport
from firehose.local.sources.files import SourceError, check_files, size_bytes, until_broken
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.change_records import change_records
from firehose.pipeline.run_summary import CountingSink, FunctionMetrics, RunSummary, summarise
from firehose.pipeline.streams import local_pipeline
from glue.layout import Format
from glue.model import SchemaError
from glue.schema import SCHEMAS, load

_STATES = Path(".local", "run")


def run(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files of one change record a line (.jsonl, .jsonl.gz), -, or kinesis://STREAM.", metavar="SOURCE..."
        ),
    ],
    lake: Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")],
    *,
    file_format: Annotated[Format, typer.Option("--format", help="What the lake holds.")] = Format.PARQUET,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a record failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    schemas: Annotated[
        Path, typer.Option("--schemas", help="The folder of <type>.avsc files.", metavar="FOLDER")
    ] = SCHEMAS,
    since: Annotated[
        str,
        typer.Option(
            "--since", help="Of a stream, the first time: only from this day or time on, or now.", metavar="TIME"
        ),
    ] = "",
    state: Annotated[
        Path | None, typer.Option("--state", help="Where it remembers how far a stream is.", metavar="FOLDER")
    ] = None,
) -> None:
    """Change records through the Lambda function and a local Firehose data plane into a lake.

    The same input again, read to its end, replaces its objects. Ctrl-C delivers what was read so far. A stream is read
    until then, with the buffer intervals running; the same command goes on behind what was delivered, at least once.
    """
    metrics = FunctionMetrics()
    broken: list[SourceError] = []
    try:
        where = state or _STATES / sha256(f"{lake}\0{file_format}".encode()).hexdigest()[:12]
        given = _given(sources, broken, where, since)
        sink = sink_of(lake)
        objects = CountingSink(sink)
        plane = local_pipeline(
            objects, schemas=schemas, file_format=file_format, on_printed=metrics.add, clock=given.clock
        )
    except (SchemaError, SourceError) as error:
        raise UserError(str(error)) from error
    started = time.monotonic()
    try:
        with stopping(plane) as stop, _progress(sources) as progress:
            report = plane.run(given.records, progress=progress, stop=stop, settled=given.settled)
    finally:
        sink.close()
    summary = summarise(report, metrics, objects, load(schemas), time.monotonic() - started)
    _show(summary, lake, as_json=as_json)
    if broken:
        raise UserError(f"{broken[0]}; what was read before that is delivered")
    raise typer.Exit(_verdict(summary, strict=strict))


def _verdict(summary: RunSummary, *, strict: bool) -> int:
    """The exit code of a run."""
    if not summary.adds_up:
        typer.echo("read is not delivered + dropped + failed: a record was lost or counted twice", err=True)
        return 1
    if strict and summary.failed:
        return 1
    return STOPPED if summary.stopped else 0


class _Given(NamedTuple):
    """What a run reads."""

    records: Iterable[EventRecord | None]
    settled: Callable[[int], None] = lambda _: None
    clock: Callable[[], int] | None = None  # of buffer intervals, which run on a stream alone


def _given(sources: list[str], broken: list[SourceError], state: Path, since: str) -> _Given:
    if not any(source.startswith(KINESIS) for source in sources):
        if since:
            raise UserError(f"--since is for {KINESIS}STREAM: a file is read from its beginning")
        check_files(sources)
        return _Given(until_broken(change_records(sources), broken))
    if len(sources) > 1:
        raise UserError("a stream is read alone: it has no end that another source could follow")
    start_ms = (now_ms() if since == "now" else since_ms(since)) if since else 0
    source = KinesisSource(stream_of(sources[0]), state=state, start_ms=start_ms)
    typer.echo(f"reading {sources[0]} until Ctrl-C; how far it is delivered: {state}/", err=True)
    return _Given(source, source.settled, now_ms)


@contextmanager
def _progress(sources: list[str]) -> Iterator[Callable[[RunReport], None]]:
    """A bar with the rate at a terminal, nothing elsewhere."""
    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]:,.0f} records/s"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=size_bytes(sources), rate=0.0)
        started = time.monotonic()

        def show(report: RunReport) -> None:
            rate = report.read / max(time.monotonic() - started, 0.001)
            bar.update(task, completed=report.bytes_read, rate=rate)

        yield show


def _show(summary: RunSummary, lake: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        return
    table = plain_table()
    for name in ("delivered", "rows", "partitions", "objects", "bytes"):
        table.add_column(name, justify="left" if name == "delivered" else "right")
    for one in summary.delivered:
        table.add_row(one.type, f"{one.rows:,}", f"{one.partitions:,}", f"{one.objects:,}", f"{one.bytes:,}")
    print_rich(table)
    counts = plain_table()
    for name in ("", "records", "of them"):
        counts.add_column(name, justify="right" if name == "records" else "left")
    counts.add_row("read", f"{summary.read:,}", f"{summary.bytes_read:,} bytes")
    counts.add_row("delivered", f"{summary.rows:,}", "")
    counts.add_row("dropped", f"{sum(summary.dropped.values()):,}", _parts(summary.dropped))
    counts.add_row("failed", f"{sum(summary.failed.values()):,}", _parts(summary.failed))
    typer.echo()
    print_rich(counts)
    typer.echo(f"{summary.seconds:.2f} s, {summary.records_per_second:,} records/s", err=True)
    if summary.failed:
        typer.echo(f"why: dmd errors --lake {lake}", err=True)
    if summary.stopped:
        typer.echo("stopped: what was read is delivered", err=True)


def _parts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
