"""Shows the outcome of a backfill: items delivered, failed and left out, and what needs attention."""

import msgspec
import typer

from firehose.cli.output import list_counts, print_line
from firehose.cli.text_table import print_table, text_table
from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.run import BackfillResult
from firehose.local.processors.function_problems import FunctionProblem


class _Summary(msgspec.Struct):
    """The counts as `--json` prints them."""

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
    function_problems: dict[str, int]
    places: list[str]
    dates: dict[str, list[str]]
    ignored: str


def show_backfill(outcome: BackfillResult, seconds: float, *, dry: bool, as_json: bool) -> None:
    """Print the counts to standard output, as a table or as JSON, and what needs attention to standard error."""
    counts = outcome.counts
    if as_json:
        summary = _summary(outcome, seconds, dry=dry)
        print_line(msgspec.json.encode(summary).decode())
    else:
        _print(counts, dry=dry)
    for reason, count in counts.problems.items():
        typer.echo(FunctionProblem(reason, count), err=True)
    for place in counts.places:
        typer.echo(place, err=True)
    if counts.unfinished > len(counts.places):
        typer.echo(f"and {counts.unfinished - len(counts.places):,} more", err=True)
    if outcome.ignored:
        typer.echo(f"ignored: {outcome.ignored}", err=True)
    if outcome.resumed:
        typer.echo("resumed an earlier run; the counts include it", err=True)
    typer.echo(f"{seconds:.2f} s", err=True)


def _summary(outcome: BackfillResult, seconds: float, *, dry: bool) -> _Summary:
    counts = outcome.counts
    would = {name: dated.items for name, dated in counts.dated.items()}
    return _Summary(
        would=dry,
        resumed=outcome.resumed,
        seconds=round(seconds, 3),
        read=counts.read,
        delivered=would if dry else counts.delivered,
        sent=counts.sent,
        failed=counts.will_fail if dry else counts.failed,
        undated=counts.undated,
        other=counts.other,
        skipped=counts.skipped,
        not_lines=counts.not_lines,
        without_image=counts.without_image,
        too_large=counts.too_large,
        miscounted=counts.miscounted,
        function_problems=counts.problems,
        places=counts.places,
        dates={name: [dated.first, dated.last] for name, dated in sorted(counts.dated.items())},
        ignored=outcome.ignored,
    )


def _print(counts: Counts, *, dry: bool) -> None:
    rows = [
        (name, f"{count:,}", list_counts(parts))
        for name, count, parts in _rows(counts, dry=dry)
        if count or name in ("read", "delivered", "would be sent")
    ]
    print_table(text_table(["", "items", "of them"], rows, right=[1]))


def _rows(counts: Counts, *, dry: bool) -> list[tuple[str, int, dict[str, int]]]:
    """Return a row for each outcome: its name, its count, and the parts of the count."""
    dated = {f"{name} {one.first} to {one.last}": one.items for name, one in sorted(counts.dated.items())}
    outcomes: dict[str, dict[str, int] | int] = {
        "read": counts.read,
        "would be sent" if dry else "delivered": dated if dry else counts.delivered,
        "sent": counts.sent,
        "would fail" if dry else "failed": counts.will_fail if dry else counts.failed,
        "without a date, left out": counts.undated,
        "other types": counts.other,
        "skipped": counts.skipped,
        "not an item": counts.not_lines,
        "deletes without the old image": counts.without_image,
        "too large": counts.too_large,
        "files with another count": counts.miscounted,
    }
    return [(name, sum(of.values()), of) if isinstance(of, dict) else (name, of, {}) for name, of in outcomes.items()]
