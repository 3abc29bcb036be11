"""`dmd errors`: what failed in a lake, and why."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from firehose.cli.shown import plain_table, print_rich, tell_places
from firehose.lake.errors.report import Basis, Example, Report, report

EXAMPLE = "dmd errors --lake .local/lake"
NO_TYPE = "(none)"

_BASIS = {
    Basis.DOCUMENTS: "Firehose has no error objects there",
    Basis.DENIED: "Firehose's error objects may not be read",
}


def errors(
    lake: Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with up to three examples a group.")] = False,
) -> None:
    """What failed in a lake: by reason, record type and day of arrival, with an example and where it lies.

    A failure is a record in Firehose's error output; the function's documents say why, and where there is none today's
    code is asked. Examples are paths and messages; nothing of a record is printed.
    """
    found = report(lake)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _print(found)
        _tell(found, lake)
    tell_places("not an error record", found.unreadable)
    raise typer.Exit(1 if found.unreadable else 0)


def _print(found: Report) -> None:
    if not found.failures:
        typer.echo("nothing failed")
    else:
        print_rich(_failures(found))
    if found.firehose:
        typer.echo()
        table = _table("Firehose's error records", "records")
        for kind, count in found.firehose.items():
            table.add_row(Text(kind), f"{count:,}")
        print_rich(table)


def _tell(found: Report, lake: str) -> None:
    """The story, on standard error: what the failures were taken from, and what is none."""
    if found.basis in _BASIS and found.failures:
        typer.echo(
            f"{_BASIS[found.basis]}: these are the function's documents. What a retry has delivered since is among "
            "them; what no function saw, and what was replayed, is not known",
            err=True,
        )
    if found.replayed:
        typer.echo(f"not counted: {found.replayed:,} replayed", err=True)
    if found.other_streams:
        typer.echo(f"not counted: {found.other_streams:,} that other streams answer for, or nobody archives", err=True)
    if found.written:
        typer.echo(f"not counted: {found.written:,} in the lake after all: their function could not tell", err=True)
    if found.unmatched_documents:
        typer.echo(
            f"not counted: {found.unmatched_documents:,} documents without a record of Firehose's: the retry "
            "succeeded, or Firehose has not written it yet",
            err=True,
        )
    if found.failures and found.basis is Basis.FIREHOSE:
        typer.echo(f"what today's code would deliver: dmd replay --lake {lake} --dry-run", err=True)


def _failures(found: Report) -> Table:
    table = _table("reason", "type", "day", "failures", "example", "where")
    for one in found.failures:
        example = one.examples[0]
        cells = (one.reason, one.type or NO_TYPE, one.day, f"{one.count:,}", _why(example), example.where)
        table.add_row(*map(Text, cells))
    return table


def _why(example: Example) -> str:
    """The message, with the path before it where it does not begin with that itself."""
    if example.path is None or example.message.startswith(example.path):
        return example.message
    return f"{example.path}: {example.message}"


def _table(*names: str) -> Table:
    table = plain_table()
    for name in names:
        table.add_column(name, justify="right" if name in ("failures", "records") else "left", overflow="fold")
    return table
