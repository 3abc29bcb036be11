"""`dmd backfill`: what a table holds, or held, into a lake or into the stream that the live pipeline reads."""

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli import STOPPED
from firehose.cli.shown import plain_table, print_rich
from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.job import Job
from firehose.lake.backfill.progress import shown_progress
from firehose.lake.backfill.run import Outcome, Throttle, dry_run, run
from firehose.local.kinesis_writer import stream_of
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import load

EXAMPLE = "dmd backfill --export .local/export --lake .local/lake"

_STATES = Path(".local", "backfill")


def backfill(  # noqa: PLR0913 - options of a command
    *,
    table: Annotated[str, typer.Option("--table", help="Scan this table.", metavar="NAME")] = "",
    export: Annotated[
        str, typer.Option("--export", help="Read a full or incremental export: a folder, s3://...", metavar="WHERE")
    ] = "",
    lake: Annotated[str, typer.Option("--lake", help="Into a folder, or s3://bucket.", metavar="LAKE")] = "",
    stream: Annotated[str, typer.Option("--stream", help="Into kinesis://STREAM.", metavar="STREAM")] = "",
    types: Annotated[list[str] | None, typer.Option("--type", help="Only this type. Repeatable.")] = None,
    first: Annotated[str, typer.Option("--from", help="First partition date.", metavar="YYYY-MM-DD")] = "",
    last: Annotated[str, typer.Option("--to", help="Last partition date.", metavar="YYYY-MM-DD")] = "",
    file_format: Annotated[Format, typer.Option("--format", help="What the lake holds.")] = Format.PARQUET,
    keys: Annotated[
        list[str] | None, typer.Option("--key", help="A key of the table in a full export. [default: pk, sk]")
    ] = None,
    segments: Annotated[int, typer.Option("--segments", help="Parts of a scan.", min=1, max=1_000_000)] = 8,
    processes: Annotated[int, typer.Option("--processes", help="At work at the same time.", min=1, max=64)] = 1,
    dates_in_flight: Annotated[
        int, typer.Option("--dates-in-flight", help="Of a stream's 500 active partitions.", min=1, max=500)
    ] = 200,
    buffer_seconds: Annotated[
        int, typer.Option("--buffer-seconds", help="The delivery streams' longest buffer interval.", min=0, max=900)
    ] = 300,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Records a second into the stream, at most.", min=0.01)
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="Where it remembers how far it is.", metavar="FOLDER")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Sends the items of a table, or of an export of it, through the pipeline as if each had just been inserted.

    Stopped or killed, the same command goes on where it was. Into a lake each item goes exactly once; into a stream at
    least once, and views deduplicate by change.id. A row never outranks a newer change: its time is the start of the
    scan, the time of the export, or in an incremental export that of the change itself.

    Exit 1 where something has to be looked at: lines that are no items, deletes without the old image.
    """
    job = Job(
        source=_one_of("--table", table, "--export", export),
        is_table=bool(table),
        target=_one_of("--lake", lake, "--stream", stream),
        is_stream=bool(stream),
        file_format=file_format,
        types=_known(types or []),
        first=_date(first),
        last=_date(last),
        keys=tuple(keys or ()),
        segments=segments,
    )
    if first and last and first > last:
        raise UserError(f"--from {first} is after --to {last}")
    if table and keys:
        raise UserError("--key is for a full export: a table says itself what its keys are")
    if stream:
        stream_of(stream)
    started = time.monotonic()
    try:
        with shown_progress() as phase:
            if dry:
                outcome = dry_run(job, phase)
            else:
                pace = Throttle(dates_in_flight, buffer_seconds, rate)
                folder = state or _STATES / job.digest
                outcome = run(job, folder, processes=processes, pace=pace, phase=phase, on_resume=_say_resumed)
    except KeyboardInterrupt:
        typer.echo("stopped: the same command goes on where it was", err=True)
        raise typer.Exit(STOPPED) from None
    _show(outcome, time.monotonic() - started, dry=dry, as_json=as_json)
    raise typer.Exit(1 if outcome.counts.unfinished else 0)


def _one_of(one: str, value: str, other: str, otherwise: str) -> str:
    if bool(value) == bool(otherwise):
        raise UserError(f"say one of {one} and {other}" + (", not both" if value else ""))
    return value or otherwise


def _known(types: list[str]) -> tuple[str, ...]:
    known = load()
    for name in types:
        if name not in known:
            raise UserError(f"--type {name}: there is no such type, only {', '.join(known)}")
    return tuple(sorted(set(types)))


def _date(text: str) -> str:
    try:
        if text and date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise UserError(f"{text} is not a date: it should be YYYY-MM-DD") from None
    return text


def _say_resumed(began_micros: int, items: int) -> None:
    began = datetime.fromtimestamp(began_micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    typer.echo(f"goes on with the backfill begun {began}: {items:,} items read before", err=True)


class _Summary(msgspec.Struct):
    """What `--json` prints."""

    would: bool
    resumed: bool
    seconds: float
    read: int
    delivered: dict[str, int]
    sent: int
    failed: dict[str, int]
    undated: dict[str, int]
    other: int
    skipped: dict[str, int]
    not_lines: int
    without_image: int
    too_large: int
    miscounted: int
    places: list[str]
    dates: dict[str, list[str]]
    ignored: str


def _show(outcome: Outcome, seconds: float, *, dry: bool, as_json: bool) -> None:
    counts = outcome.counts
    if as_json:
        summary = _summary(outcome, seconds, dry=dry)
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    else:
        _print(counts, dry=dry)
    for place in counts.places:
        typer.echo(place, err=True)
    if counts.unfinished > len(counts.places):
        typer.echo(f"and {counts.unfinished - len(counts.places):,} more", err=True)
    if outcome.ignored:
        typer.echo(f"ignored: {outcome.ignored}", err=True)
    if outcome.resumed:
        typer.echo("went on where an earlier run was stopped; the counts are of both", err=True)
    typer.echo(f"{seconds:.2f} s", err=True)


def _summary(outcome: Outcome, seconds: float, *, dry: bool) -> _Summary:
    counts = outcome.counts
    would = {name: dated.items for name, dated in counts.dated.items()}
    return _Summary(
        would=dry,
        resumed=outcome.resumed,
        seconds=round(seconds, 3),
        read=counts.read,
        delivered=would if dry else counts.delivered,
        sent=counts.sent,
        failed=counts.unsound if dry else counts.failed,
        undated=counts.undated,
        other=counts.other,
        skipped=counts.skipped,
        not_lines=counts.not_lines,
        without_image=counts.without_image,
        too_large=counts.too_large,
        miscounted=counts.miscounted,
        places=counts.places,
        dates={name: [dated.first, dated.last] for name, dated in sorted(counts.dated.items())},
        ignored=outcome.ignored,
    )


def _print(counts: Counts, *, dry: bool) -> None:
    table = plain_table()
    for name, justify in (("", "left"), ("items", "right"), ("of them", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for name, count, parts in _rows(counts, dry=dry):
        if count or name in ("read", "delivered", "would go"):
            table.add_row(name, f"{count:,}", ", ".join(f"{part:,} {name}" for name, part in parts.items() if part))
    print_rich(table)


def _rows(counts: Counts, *, dry: bool) -> list[tuple[str, int, dict[str, int]]]:
    """What became of the items: a word, how many, and what they are made of."""
    dated = {f"{name} {one.first} to {one.last}": one.items for name, one in sorted(counts.dated.items())}
    words: dict[str, dict[str, int] | int] = {
        "read": counts.read,
        "would go" if dry else "delivered": dated if dry else counts.delivered,
        "sent": counts.sent,
        "would fail" if dry else "failed": counts.unsound if dry else counts.failed,
        "of no date, left out": counts.undated,
        "other types": counts.other,
        "skipped": counts.skipped,
        "not an item": counts.not_lines,
        "deletes without the old image": counts.without_image,
        "too large": counts.too_large,
        "files of another count": counts.miscounted,
    }
    return [(word, sum(of.values()), of) if isinstance(of, dict) else (word, of, {}) for word, of in words.items()]
