"""`dmd replay`: sends what failed through again."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from firehose.cli.shown import plain_table, print_rich, tell_places
from firehose.lake.errors.failures import stream_of as delivery_stream_of
from firehose.lake.errors.objects import errors_elsewhere, lake_errors
from firehose.lake.replay.delivery import DryRunWriter, Writer
from firehose.lake.replay.run import Replay, Summary
from firehose.lake.replay.selection import Selection, since_ms, until_ms
from firehose.lake.storage import BucketLake, FolderLake, Lake, open_lake, sink_of
from firehose.local.kinesis_writer import KinesisWriter, stream_of
from firehose.local.sinks import S3, FolderSink, S3Sink
from firehose.local.user_error import UserError
from glue.layout import FIREHOSE_ERRORS, Format, format_prefix
from glue.schema import load

EXAMPLE = "dmd replay --lake .local/lake --reason invalid --type demand --dry-run"
NO_TYPE = "(none)"

_SKIPPED = {
    "filtered": "not asked for",
    "replayed": "replayed before",
    "other_streams": "that other streams answer for, or nobody archives",
    "written": "in the lake already: their function could not tell",
}


def replay(  # noqa: PLR0913 - an argument for each option
    lake: Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")],
    *,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="What to write; what the lake has by default.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Into this stream instead: kinesis://STREAM.", metavar="STREAM")
    ] = None,
    reasons: Annotated[
        list[str] | None, typer.Option("--reason", help="Only these, as dmd errors shows them.", metavar="REASON")
    ] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only these record types.", metavar="TYPE")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Arrived on or after this day or time, UTC.", metavar="TIME")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Arrived on this day at the latest, or before a time.", metavar="TIME")
    ] = None,
    errors: Annotated[
        str | None,
        typer.Option(
            "--errors",
            help="Error objects that lie elsewhere, Firehose's or documents of events: a folder, or s3://bucket/prefix.",
            metavar="WHERE",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Runs what failed through today's code and delivers what now succeeds; what fails again stays.

    Into a lake each record is delivered exactly once, however often this is started or killed; of two at once, one
    stops. Into a stream it is at least once: a record may be sent again, and readers deduplicate by change.id.
    Exits 1 if something could not be read.
    """
    selection = Selection(
        reasons or (), _known(types or []), since_ms(since) if since else None, until_ms(until) if until else None
    )
    elsewhere = errors_elsewhere(errors, lake) if errors is not None else None
    writer = _writer(to, dry_run=dry_run)
    reader, sink = _opened(lake, may_be_new=elsewhere is not None, dry_run=dry_run)
    file_format = file_format or (Format.PARQUET if writer else _format_of(reader))
    work = Replay(reader, sink, selection=selection, file_format=file_format, writer=writer)
    try:
        work.run(lake_errors(reader, work.replayed) if elsewhere is None else elsewhere)
    except UserError as mistake:
        done = work.summary()
        done.unfinished.clear()  # this one is; the next replay knows
        _show(done, to, as_json=as_json)
        raise UserError(
            f"{mistake}; what is counted above is done, and the next replay goes on from there"
        ) from mistake
    finally:
        if sink is not None:
            sink.close()
    summary = work.summary()
    _show(summary, to, as_json=as_json)
    raise typer.Exit(1 if summary.unreadable else 0)


def _known(types: list[str]) -> list[str]:
    known = load()
    for name in types:
        if name not in known:
            raise UserError(f"there is no record type {name}: the types are {', '.join(known)}")
    return types


def _writer(to: str | None, *, dry_run: bool) -> Writer | None:
    if to is None:
        return None
    stream = stream_of(to)
    return DryRunWriter() if dry_run else KinesisWriter(stream)


def _opened(lake: str, *, may_be_new: bool, dry_run: bool) -> tuple[Lake, FolderSink | S3Sink | None]:
    """The lake to read and to write. Other error objects than its own can be replayed into a new one."""
    if not may_be_new:
        reader = open_lake(lake)
        return reader, None if dry_run else sink_of(lake)
    sink = None if dry_run else sink_of(lake)
    return BucketLake(lake, holds=None) if lake.startswith(S3) else FolderLake(Path(lake)), sink


def _format_of(lake: Lake) -> Format:
    """What the lake has. Where it has nothing yet, Parquet, unless all its errors are those of Avro mode's stream.

    Raises:
        UserError: it has both.
    """
    has = [name for name in Format if next(lake.objects(format_prefix(name)), None)]
    if len(has) > 1:
        raise UserError(f"the lake has {' and '.join(has)}: say with --format which of them to write")
    streams = {delivery_stream_of(stored.key) for stored in lake.objects(FIREHOSE_ERRORS)}
    avro = streams and all(stream is not None and stream.endswith(f"-{Format.AVRO}") for stream in streams)
    return has[0] if has else Format.AVRO if avro else Format.PARQUET


def _show(summary: Summary, to: str | None, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    else:
        _print(summary, sent=to is not None)
    tell_places("not an error record", summary.unreadable)
    if summary.unfinished:
        # Their keys are digests, which tell a user nothing.
        typer.echo("a replay of error objects that lie elsewhere was cut off: run it with its --errors", err=True)


def _print(summary: Summary, *, sent: bool) -> None:
    verb = "sent" if sent else "delivered"
    table = plain_table()
    table.add_column(f"would be {verb}" if summary.dry_run else verb)
    table.add_column("records", justify="right")
    for record_type, count in summary.delivered.items():
        table.add_row(Text(record_type), f"{count:,}")
    if summary.finished:
        table.add_row("begun by a replay that was cut off", f"{summary.finished:,}")
    if table.row_count:
        print_rich(table)
    else:
        typer.echo(f"nothing {'would be ' if summary.dry_run else ''}{verb}")
    if summary.failing:
        typer.echo()
        failing = plain_table()
        failing.add_column("would still fail" if summary.dry_run else "still failing")
        failing.add_column("type")
        failing.add_column("records", justify="right")
        for one in summary.failing:
            failing.add_row(Text(one.reason), Text(one.type or NO_TYPE), f"{one.count:,}")
        print_rich(failing)
    _tell(summary, sent=sent)


def _tell(summary: Summary, *, sent: bool) -> None:
    """The story, on standard error."""
    for name, words in _SKIPPED.items():
        if count := summary.skipped[name]:
            typer.echo(f"skipped: {count:,} {words}", err=True)
    if summary.dropped:
        would = "would be dropped" if summary.dry_run else "dropped"
        typer.echo(f"{would}: {summary.dropped:,} of a type that nobody archives", err=True)
    if sent and summary.delivered:
        typer.echo("at least once: deduplicate by change.id", err=True)
