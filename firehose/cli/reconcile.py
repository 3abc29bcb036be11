"""`dmd reconcile`: proves that the items of a table and their newest rows in a lake are the same."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli.options import Engine, EngineOption, LakeToRead, Processes, duration, either, moment
from firehose.cli.output import SHOWN_PLACES, print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.progress import shown_progress
from firehose.cli.schemas import Schemas, schema_errors
from firehose.cli.text_table import print_table, text_table
from firehose.lake.reconcile.classes import EXPLANATIONS, IN_BOTH, Class
from firehose.lake.reconcile.result import Reconciliation
from firehose.lake.reconcile.run import Request, athena_sql
from firehose.lake.reconcile.run import reconcile as run_reconcile
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import SCHEMAS

app = plain_app()


@app.command(epilog=to_paste("dmd reconcile --export .local/export --lake .local/lake"))
def reconcile(  # noqa: PLR0913 - options of a command
    lake: LakeToRead,
    *,
    export: Annotated[
        str, typer.Option("--export", help="Compare a full export: a folder, or s3://...", metavar="WHERE")
    ] = "",
    table: Annotated[str, typer.Option("--table", help="Compare this table, by a scan.", metavar="NAME")] = "",
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", help="A key attribute of the table in an export. Repeatable.", metavar="NAME"),
    ] = None,
    as_of: Annotated[
        str,
        typer.Option("--as-of", help="Compare the rows up to this time. [default: the export's]", metavar="TIME"),
    ] = "",
    grace: Annotated[
        str,
        typer.Option(
            "--grace",
            help="A change this close to that time may be in flight: it is not counted as lost.",
            metavar="DURATION",
        ),
    ] = "5m",
    scratch: Annotated[
        str,
        typer.Option(
            "--scratch",
            help="The scratch lake: a new folder, or s3://bucket. [default: a temporary folder]",
            metavar="WHERE",
        ),
    ] = "",
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format", help="Compare the tables of this format; by default as dmd query.", show_default=False
        ),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the comparison as SQL for Athena; run nothing.")] = False,
    engine: EngineOption = Engine.LOCAL,
    processes: Processes = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON, with the items.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Prove that the items of a table and their newest rows in a lake are the same.

    The items go through the pipeline into a scratch lake, which is removed at the end; then each is compared with its
    newest row as of the export's time. Rows of earlier changes are counted, not compared.

    Exits with 1 if an item is unexplained: missing, stale, deleted_here or extra.
    """
    request = Request(
        source=either("--export", export, "--table", table),
        is_table=bool(table),
        lake=lake,
        keys=tuple(keys or ()),
        as_of_micros=moment(as_of) if as_of else None,
        grace_micros=duration(grace) // timedelta(microseconds=1),
        scratch=scratch,
        schemas=Path(schemas),
        file_format=file_format,
    )
    if engine is Engine.SPARK and table:
        raise UserError("--engine spark is for an export: a scan keeps its state here")
    if table and keys:
        raise UserError("--key is only for an export: leave it out, a table describes its own keys")
    with schema_errors():
        if sql:
            _print_sql(request)
            return
        started = time.monotonic()
        with shown_progress() as phase:
            found = run_reconcile(
                request, engine.executor(processes), phase=phase, say=lambda line: typer.echo(line, err=True)
            )
    if as_json:
        print_line(msgspec.json.encode(found).decode())
    else:
        _print(found)
    _explain(found, time.monotonic() - started)
    raise typer.Exit(1 if found.unexplained else 0)


def _print_sql(request: Request) -> None:
    for name, statement in athena_sql(request):
        print_line(f"-- {name}: exported_{name.lower()} is a table over the backfilled export\n{statement};\n")


def _print(found: Reconciliation) -> None:
    names = list(found.types)
    rows = [
        (one, *(f"{found.types[name][one]:,}" for name in names), EXPLANATIONS[one])
        for one in Class
        if any(found.types[name][one] for name in names)
    ]
    print_table(text_table(["items", *names, ""], rows, right=range(1, len(names) + 1)))
    if found.items:
        print_line()
        shown = [
            (one.record_class, one.type, one.date, one.item or "(unknown)", " ".join(one.columns))
            for one in found.items[:SHOWN_PLACES]
        ]
        print_table(text_table(["unexplained", "type", "date", "change.item", "columns that differ"], shown))


def _explain(found: Reconciliation, seconds: float) -> None:
    """Say on standard error what the counts mean, and what they do not prove."""
    more = found.unexplained - min(len(found.items), SHOWN_PLACES)
    if more > 0:
        typer.echo(f"and {more:,} more unexplained items: see --json", err=True)
    rows = sum(one.rows for one in found.rows.values())
    changes = sum(one.changes for one in found.rows.values())
    compared = sum(counts[Class.SAME] for counts in found.types.values())
    if found.unexplained and rows and not any(counts[one] for counts in found.types.values() for one in IN_BOTH):
        typer.echo("no item of the table is in the lake: check --lake, and the names of the keys (--key)", err=True)
    typer.echo(
        f"as of {found.as_of}: {rows:,} rows of {changes:,} changes. The newest row of {compared:,} items equals the "
        "item. Rows of earlier changes are counted, not compared",
        err=True,
    )
    without = sum(one.without_item for one in found.rows.values())
    if without:
        typer.echo(f"{without:,} rows have no change.item: they are compared by reference.id", err=True)
    if found.not_lines:
        typer.echo(f"{found.not_lines:,} lines of the export are not items and were not compared", err=True)
    typer.echo(f"{seconds:.2f} s", err=True)
