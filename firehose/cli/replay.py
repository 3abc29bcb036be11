"""`dmd replay`: runs failed records through today's code and delivers what now succeeds."""

from contextlib import nullcontext
from functools import cache
from typing import Annotated

import msgspec
import typer

from firehose.cli.options import ErasureKey, Lake
from firehose.cli.output import print_line, say_places
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, check_types, load_types
from firehose.cli.text_table import print_table, text_table
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_sink import RedactingSink
from firehose.lake.erasure.redacting_writer import RedactingWriter
from firehose.lake.errors.error_objects import errors_elsewhere, lake_errors
from firehose.lake.iceberg.writing import tables_to_write
from firehose.lake.opening import format_to_write, open_lake, open_lake_to_write
from firehose.lake.replay.prepare import DryRunWriter
from firehose.lake.replay.run import Replay, ReplaySummary
from firehose.lake.replay.selection import Selection, since_ms, until_ms
from firehose.local.kinesis_writer import KinesisWriter, Writer, stream_of
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.model import pii_names
from glue.schema import SCHEMAS

NO_TYPE = "(none)"

_SKIPPED = {
    "filtered": "not selected",
    "replayed": "already replayed",
    "other_streams": "reported by other streams, or of a type that nobody archives",
    "written": "in the lake already: the function did not learn that its put had succeeded",
}

app = plain_app()


@app.command(epilog=to_paste("dmd replay --lake .local/lake --reason invalid --type demand --dry-run"))
def replay(  # noqa: PLR0913 - an argument for each option
    lake: Lake,
    *,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="The format to write; the lake's own by default.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Send the records into this stream: kinesis://STREAM.", metavar="STREAM"),
    ] = None,
    reasons: Annotated[
        list[str] | None,
        typer.Option("--reason", help="Only this reason, as dmd errors names it. Repeatable.", metavar="REASON"),
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this record type. Repeatable.", metavar="TYPE")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only records that arrived from this day or time on.", metavar="TIME")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help="Only records that arrived up to this day, or before this time.", metavar="TIME"),
    ] = None,
    errors: Annotated[
        str | None,
        typer.Option(
            "--errors",
            help="Read these error objects instead, Firehose's or error documents: a folder, or s3://bucket/prefix.",
            metavar="WHERE",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
    erasure_key: ErasureKey = "",
) -> None:
    """Run failed records through today's code and deliver what now succeeds.

    Records that fail again stay in the error output. Into a lake each record is delivered exactly once, however often
    the command is started or killed; of two replays at once, one stops. Into a stream each is delivered at least once:
    it may be sent again, and readers deduplicate by change.id. Times are UTC.

    Personal data of subjects whom dmd erase has erased from the lake is redacted, in a stream too, unless the change is
    later than the erasure.

    Exits with 1 if something could not be read.
    """
    loaded = load_types(schemas)
    check_types(types or [], loaded)
    selection = Selection(
        reasons or (), types or (), since_ms(since) if since else None, until_ms(until) if until else None
    )
    elsewhere = errors_elsewhere(errors, lake, pii_names(loaded)) if errors is not None else None
    writer = _writer(to, dry_run=dry_run)
    sink = None
    # Error objects from elsewhere can be replayed into a lake that does not exist yet.
    reader = open_lake(lake, may_be_empty=elsewhere is not None)
    if not dry_run:
        erased = ErasedSubjects(lake, erasure_key)
        sink = RedactingSink(open_lake_to_write(lake), erased, schemas)
        writer = writer and RedactingWriter(writer, erased, loaded)
    file_format = file_format or (Format.PARQUET if writer else format_to_write(reader))
    work = Replay(
        reader,
        sink,
        selection=selection,
        file_format=file_format,
        writer=writer,
        schemas=schemas,
        tables=cache(lambda: tables_to_write(lake, loaded, sink.redact_rows if sink else None)),
    )
    try:
        with sink.opened("replay") if sink else nullcontext():
            work.run(lake_errors(reader, work.has_progress) if elsewhere is None else elsewhere)
    except UserError as error:
        done = work.summary()
        done.unfinished.clear()  # this replay is the unfinished one, and the next one finds it in the journal
        _show(done, to, as_json=as_json)
        raise UserError(
            f"{error}; the records counted above are delivered, and the next replay continues from there"
        ) from error
    finally:
        if sink is not None:
            sink.close()
    summary = work.summary()
    _show(summary, to, as_json=as_json)
    raise typer.Exit(1 if summary.unreadable else 0)


def _writer(to: str | None, *, dry_run: bool) -> Writer | None:
    if to is None:
        return None
    stream = stream_of(to)
    return DryRunWriter() if dry_run else KinesisWriter(stream)


def _show(summary: ReplaySummary, to: str | None, *, as_json: bool) -> None:
    if as_json:
        print_line(msgspec.json.encode(summary).decode())
    else:
        _print(summary, sent=to is not None)
    say_places("not an error record", summary.unreadable)
    if summary.unfinished:
        # Their keys are digests, which mean nothing to a user.
        typer.echo("a replay with --errors was interrupted: rerun it with the same --errors", err=True)


def _print(summary: ReplaySummary, *, sent: bool) -> None:
    verb = "sent" if sent else "delivered"
    would = "would be " if summary.dry_run else ""
    delivered = [(record_type, f"{count:,}") for record_type, count in summary.delivered.items()]
    if summary.finished:
        delivered.append(("left by an interrupted replay", f"{summary.finished:,}"))
    if delivered:
        print_table(text_table([would + verb, "records"], delivered, right=[1]))
    else:
        print_line(f"nothing {would}{verb}")
    if summary.failing:
        print_line()
        failing = [(one.reason, one.type or NO_TYPE, f"{one.count:,}") for one in summary.failing]
        heads = ["would still fail" if summary.dry_run else "still failing", "type", "records"]
        print_table(text_table(heads, failing, right=[2]))
    for name, why in _SKIPPED.items():
        if count := summary.skipped[name]:
            typer.echo(f"skipped: {count:,} {why}", err=True)
    if summary.dropped:
        typer.echo(f"{would}dropped: {summary.dropped:,} of a type that nobody archives", err=True)
    if sent and summary.delivered:
        typer.echo("records are sent at least once: deduplicate by change.id", err=True)
