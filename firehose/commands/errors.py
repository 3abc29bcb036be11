"""`dmd errors`: what failed in a lake, and why."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from firehose.commands.shown import plain_table, print_rich
from firehose.errors import Example, Report, report

EXAMPLE = "dmd errors --lake .local/lake"
NO_TYPE = "(none)"


def errors(
    lake: Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with up to three examples a group.")] = False,
) -> None:
    """What failed in a lake: by reason, record type and day of arrival, with an example and where it lies.

    Examples are paths and messages; nothing of a record is printed. Firehose's own error records are counted apart:
    it keeps one of each record that the function failed, too.
    """
    found = report(lake)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _print(found)
    for where in found.unreadable:
        typer.echo(f"not an error document: {where}", err=True)


def _print(found: Report) -> None:
    if not found.failures and not found.firehose:
        typer.echo("nothing failed")
    if found.failures:
        print_rich(_failures(found))
    if found.failures and found.firehose:
        typer.echo()
    if found.firehose:
        table = _table("Firehose's error records", "records")
        for kind, count in found.firehose.items():
            table.add_row(Text(kind), f"{count:,}")
        print_rich(table)


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
