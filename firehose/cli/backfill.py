"""`dmd backfill`: sends the items of a table, or of its export, into a lake or into the stream of the live pipeline."""

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from firehose.cli import STOPPED
from firehose.cli.backfill_result import show_backfill
from firehose.cli.options import Engine, EngineOption, ErasureKey, Processes, either
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.progress import shown_progress
from firehose.cli.schemas import Schemas, check_types, load_types
from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.run import Throttle, dry_run, run
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.opening import open_lake
from firehose.local.kinesis_writer import KINESIS, stream_of
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.layout import FILE_FORMATS, Format
from glue.schema import SCHEMAS

STATES = Path(".local", "backfill")

app = plain_app()


@app.command(epilog=to_paste("dmd backfill --export .local/export --lake .local/lake"))
def backfill(  # noqa: PLR0913 - options of a command
    *,
    table: Annotated[str, typer.Option("--table", help="Scan this table.", metavar="NAME")] = "",
    export: Annotated[
        str,
        typer.Option("--export", help="Read a full or incremental export: a folder, or s3://...", metavar="WHERE"),
    ] = "",
    lake: Annotated[str, typer.Option("--lake", help="Into this lake: a folder, or s3://bucket.", metavar="LAKE")] = "",
    stream: Annotated[str, typer.Option("--stream", help="Into this stream: kinesis://STREAM.", metavar="STREAM")] = "",
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this record type. Repeatable.", metavar="TYPE")
    ] = None,
    first: Annotated[str, typer.Option("--from", help="The first partition date.", metavar="YYYY-MM-DD")] = "",
    last: Annotated[str, typer.Option("--to", help="The last partition date.", metavar="YYYY-MM-DD")] = "",
    file_format: Annotated[Format, typer.Option("--format", help="The format of the lake's files.")] = Format.PARQUET,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="A key attribute of the table in a full export. Repeatable. [default: found out, see above]",
            metavar="NAME",
        ),
    ] = None,
    no_compare: Annotated[
        bool,
        typer.Option(
            "--no-compare", help="Do not compare an export's keys with the lake: its items are all new there."
        ),
    ] = False,
    segments: Annotated[
        int, typer.Option("--segments", metavar="COUNT", help="Number of segments of the scan.", min=1, max=1_000_000)
    ] = 8,
    engine: EngineOption = Engine.LOCAL,
    processes: Processes = 1,
    dates_in_flight: Annotated[
        int,
        typer.Option(
            "--dates-in-flight",
            metavar="COUNT",
            help="Number of a delivery stream's 500 active partitions to use.",
            min=1,
            max=500,
        ),
    ] = 200,
    buffer_seconds: Annotated[
        int,
        typer.Option(
            "--buffer-seconds",
            metavar="SECONDS",
            help="The longest buffer interval of the delivery streams.",
            min=0,
            max=900,
        ),
    ] = 300,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="RECORDS", help="Send at most this many records a second into the stream.", min=0.01
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="The folder for the backfill's state.", metavar="FOLDER")
    ] = None,
    erased: Annotated[
        str,
        typer.Option("--erased", help="The lake whose list of erased subjects holds for the stream.", metavar="LAKE"),
    ] = "",
    no_erased: Annotated[
        bool, typer.Option("--no-erased", help="Send into the stream also what was erased from its lake.")
    ] = False,
    erasure_key: ErasureKey = "",
    dry: Annotated[bool, typer.Option("--dry-run", help="Count what would be sent; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Send the items of a table, or of its export, into a lake or a stream.

    Each item goes through the pipeline as if it had just been inserted. A row never outranks a newer change: its time
    is the start of the scan, the time of the export, or in an incremental export that of the change itself.

    A full export does not say which attributes are its table's keys: name them with --key. Without it they are those
    that AWS returns for the table, else pk and sk if every item has both. If the lake has rows of the same dates, at
    least one item of the export must be among them: with wrong keys every item would count as a new one.

    Rerun the same command to resume after a stop or a kill. Into a lake each item goes exactly once; into a stream at
    least once, and views deduplicate by change.id.

    Personal data of subjects whom dmd erase has erased is redacted, unless the change is later than the erasure. For a
    stream, name the lake with --erased: the deployed function consults no list.

    Exits with 1 if something needs attention: lines that are not items, or deletes without the old image.
    """
    job = BackfillJob(
        source=either("--table", table, "--export", export),
        is_table=bool(table),
        target=either("--lake", lake, "--stream", stream),
        is_stream=bool(stream),
        file_format=file_format,
        types=tuple(sorted(set(types or ()))),
        first=_date(first),
        last=_date(last),
        keys=tuple(keys or ()),
        segments=segments,
        schemas=str(schemas),
    )
    check_types(job.types, load_types(schemas))
    _check(job, engine, processes)
    list_of = _list_of(lake, stream, erased, no_erased=no_erased)
    started = time.monotonic()
    try:
        with shown_progress() as phase:
            if dry:
                outcome = dry_run(job, phase, _say, compare=not no_compare)
            else:
                throttle = Throttle(dates_in_flight, buffer_seconds, rate)
                folder = state or STATES / job.digest
                outcome = run(
                    job,
                    folder,
                    executor=engine.executor(processes),
                    throttle=throttle,
                    phase=phase,
                    erased=ErasedSubjects(list_of, erasure_key) if list_of else None,
                    compare=not no_compare,
                    on_resume=_say_resumed,
                    say=_say,
                )
    except KeyboardInterrupt:
        typer.echo("stopped; rerun the same command to resume", err=True)
        raise typer.Exit(STOPPED) from None
    show_backfill(outcome, time.monotonic() - started, dry=dry, as_json=as_json)
    raise typer.Exit(1 if outcome.counts.unfinished else 0)


def _check(job: BackfillJob, engine: Engine, processes: int) -> None:
    """Check that the options fit each other.

    Raises:
        UserError: two of them do not.
    """
    if job.first and job.last and job.first > job.last:
        raise UserError(f"--from {job.first} is after --to {job.last}")
    if job.is_table and job.keys:
        raise UserError("--key is only for a full export: leave it out, a table describes its own keys")
    if engine is Engine.SPARK and (job.is_table or job.is_stream):
        raise UserError("--engine spark is for an export into a lake: a scan and a stream keep their state here")
    if job.is_stream:
        stream_of(job.target)
    elif job.file_format not in FILE_FORMATS:
        if job.is_table and processes > 1:
            raise UserError("a scan into Iceberg tables commits as it goes: leave out --processes, or read an export")
        if engine is Engine.SPARK and not job.target.startswith(S3):
            raise UserError(
                "--engine spark cannot reach the Iceberg catalog of a folder, a file on this machine: leave it out"
            )


def _list_of(lake: str, stream: str, erased: str, *, no_erased: bool) -> str:
    """Return the lake whose list of erased subjects holds, or "" where no list is consulted.

    Raises:
        UserError: a stream lacks the lake, a lake is given one, or it does not exist.
    """
    if lake and (erased or no_erased):
        raise UserError("--erased and --no-erased are only for a stream: leave them out, a lake has a list of its own")
    if stream and bool(erased) == no_erased:
        raise UserError(
            f"{KINESIS}... has no list of erased subjects: name its lake with --erased LAKE, or specify --no-erased"
        )
    if erased:
        open_lake(erased)  # one that does not exist would have nobody erased
    return lake or erased


def _date(text: str) -> str:
    try:
        if text and date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise UserError(f"'{text}' is not a date (YYYY-MM-DD)") from None
    return text


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _say_resumed(began_micros: int, items: int) -> None:
    began = datetime.fromtimestamp(began_micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    typer.echo(f"resuming the backfill that began at {began}: {items:,} items were read before", err=True)
