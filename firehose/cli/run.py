"""`dmd run`: runs change records through the function and a local Firehose into a lake."""

import sys
import time
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from firehose.cli import STOPPED
from firehose.cli.options import ErasureKey, Lake, State
from firehose.cli.output import list_counts, print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.run_source import RunSource, file_source, kinesis_source, reads_kinesis, spooled
from firehose.cli.schemas import Schemas, load_types
from firehose.cli.stop_signals import stop_requests
from firehose.cli.stream_summary import problem_lines
from firehose.cli.text_table import print_table, text_table
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_sink import RedactingSink
from firehose.lake.iceberg.writing import tables_to_write
from firehose.lake.opening import open_lake_to_write
from firehose.lake.replay.selection import since_ms
from firehose.local.kinesis_writer import KINESIS
from firehose.local.report import RunReport
from firehose.local.sources.files import size_bytes
from firehose.local.sources.kinesis import now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.run_summary import CountingSink, FunctionMetrics, RunSummary, summarise
from firehose.pipeline.streams import local_pipeline
from glue.layout import Format
from glue.model import pii_names
from glue.schema import SCHEMAS

STATES = Path(".local", "run")

app = plain_app()


@app.command(epilog=to_paste("dmd run changes.jsonl.gz --lake .local/lake"))
def run(  # noqa: PLR0913 - an argument for each option
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files of change records, one a line (.jsonl, .jsonl.gz); - for standard input; or kinesis://STREAM.",
            metavar="SOURCE",
        ),
    ],
    lake: Lake,
    *,
    file_format: Annotated[Format, typer.Option("--format", help="The format of the lake's files.")] = Format.PARQUET,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a record failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="Start a new stream at this day or time, or now. [default: its oldest record]",
            metavar="TIME",
        ),
    ] = "",
    state: State = None,
    erasure_key: ErasureKey = "",
) -> None:
    """Run change records through the Lambda function and a local Firehose into a lake.

    The same files, read to their end again, replace their objects; an Iceberg table gets each of their rows once.
    Ctrl-C delivers what was read so far.

    A stream is read until Ctrl-C, with its buffer intervals. The same command resumes after the last delivered record;
    records are delivered at least once.

    Personal data of subjects whom dmd erase has erased is redacted, unless the change is later than the erasure.
    """
    metrics = FunctionMetrics()
    types = load_types(schemas)
    state = state or STATES / sha256(f"{lake}\0{file_format}".encode()).hexdigest()[:12]
    with ExitStack() as running:
        # An Iceberg table says which source it has, so its records are read once before the first is delivered.
        named = file_format is Format.ICEBERG
        source = _source(spooled(sources, running) if named else sources, state, since, pii_names(types), named=named)
        files = open_lake_to_write(lake)
        sink = RedactingSink(files, ErasedSubjects(lake, erasure_key), schemas)
        running.callback(sink.close)
        objects = CountingSink(sink)
        tables = tables_to_write(lake, types, sink.redact_rows) if named else None
        plane = local_pipeline(
            objects,
            schemas=schemas,
            file_format=file_format,
            iceberg=tables.of(source.source_of) if tables and source.source_of else None,
            on_printed=metrics.add,
            clock=source.clock,
        )
        started = time.monotonic()
        running.enter_context(sink.opened("run"))
        stop, progress = running.enter_context(stop_requests(plane)), running.enter_context(_progress(sources))
        report = plane.run(source.records(plane), progress=progress, stop=stop, settled=source.on_settled)
    summary = summarise(report, metrics, objects, types, time.monotonic() - started)
    summary.blank_lines = source.blank_lines.count
    _show(summary, lake, as_json=as_json)
    for line in problem_lines(report):
        typer.echo(line, err=True)
    if source.broken:
        raise UserError(f"{source.broken[0]}; the records before that are delivered")
    raise typer.Exit(_exit_code(summary, strict=strict))


def _source(sources: list[str], state: Path, since: str, personal: Set[str], *, named: bool) -> RunSource:
    if not reads_kinesis(sources):
        if since:
            raise UserError(f"--since is only for {KINESIS}STREAM: leave it out, files are read from their beginning")
        return file_source(sources, personal=personal, named=named)
    start_ms = (now_ms() if since == "now" else since_ms(since)) if since else 0
    return kinesis_source(sources[0], state=state, start_ms=start_ms)


def _exit_code(summary: RunSummary, *, strict: bool) -> int:
    if not summary.adds_up:
        typer.echo("read is not delivered + dropped + failed: a record was lost or counted twice", err=True)
        return 1
    if strict and summary.failed:
        return 1
    return STOPPED if summary.stopped else 0


@contextmanager
def _progress(sources: list[str]) -> Iterator[Callable[[RunReport], None]]:
    """Show a bar and the rate on standard error if that is a terminal."""
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
        print_line(msgspec.json.encode(summary).decode())
        return
    by_type = [
        (one.type, f"{one.rows:,}", f"{one.partitions:,}", f"{one.objects:,}", f"{one.bytes:,}")
        for one in summary.delivered
    ]
    print_table(text_table(["delivered", "rows", "partitions", "objects", "bytes"], by_type, right=range(1, 5)))
    print_line()
    counts = [
        ("read", f"{summary.read:,}", f"{summary.bytes_read:,} bytes"),
        ("delivered", f"{summary.rows:,}", ""),
        ("dropped", f"{sum(summary.dropped.values()):,}", list_counts(summary.dropped)),
        ("failed", f"{sum(summary.failed.values()):,}", list_counts(summary.failed)),
    ]
    print_table(text_table(["", "records", "of them"], counts, right=[1]))
    typer.echo(f"{summary.seconds:.2f} s, {summary.records_per_second:,} records/s", err=True)
    if summary.failed:
        typer.echo(f"why they failed: dmd errors --lake {lake}", err=True)
    if summary.blank_lines:
        typer.echo(f"{summary.blank_lines:,} blank lines skipped", err=True)
    if summary.stopped:
        typer.echo("stopped; the records read so far are delivered", err=True)
