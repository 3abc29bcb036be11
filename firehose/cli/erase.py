"""`dmd erase`: takes people's personal data out of a lake, and proves it."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli import STOPPED
from firehose.cli.options import Engine, EngineOption, ErasureKey, Lake, Processes, duration
from firehose.cli.output import check_folder, print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.progress import shown_progress
from firehose.cli.schemas import Schemas, load_types
from firehose.cli.text_table import print_table, text_table
from firehose.lake.erasure.athena import find_sql
from firehose.lake.erasure.passes import EraseRequest
from firehose.lake.erasure.run import ErasureResult, dry_run
from firehose.lake.erasure.run import erase as run_erasure
from firehose.lake.erasure.subjects import read_subjects
from firehose.local.private_files import write_file
from glue.schema import SCHEMAS

app = plain_app()


@app.command(epilog=to_paste("dmd erase --lake .local/lake --subjects fans.txt --dry-run"))
def erase(  # noqa: PLR0913 - options of a command
    lake: Lake,
    subjects: Annotated[
        Path, typer.Option("--subjects", help="A file of fan ids, one a line.", metavar="FILE", show_default=False)
    ],
    *,
    erasure_key: ErasureKey = "",
    older_than: Annotated[
        str, typer.Option("--older-than", help="Leave younger objects to a later run.", metavar="DURATION")
    ] = "0s",
    retention: Annotated[
        str,
        typer.Option(
            "--retention",
            help="The source's retention: a run so long after the first must find nothing.",
            metavar="DURATION",
        ),
    ] = "24h",
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Delete every noncurrent version, without reading it.")
    ] = False,
    engine: EngineOption = Engine.LOCAL,
    processes: Processes = 1,
    label: Annotated[str, typer.Option("--label", help="Who asked for it, for the report.", metavar="WHO")] = "",
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the report's page into this file, too.", metavar="FILE")
    ] = None,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print Athena's SQL that finds the objects; do nothing else.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Take people's personal data out of a lake, and prove it, while everything else goes on.

    Phone numbers, e-mails and messages become [redacted] in rows, error documents and error objects; no row is removed.
    Old versions of objects, and older snapshots of Iceberg tables, are deleted. A list of erased subjects keeps runs,
    backfills and replays from bringing anything back. A subject is pending until a run a day after the first finds
    nothing more.

    Exits with 1 while a subject is pending or failed; rerun the same command later.
    """
    ids = read_subjects(subjects)
    types = load_types(schemas)
    if sql:
        for name, statement in find_sql(types, ids):
            print_line(f"-- {name}\n{statement};\n")
        return
    if report is not None:
        check_folder(report)
    request = EraseRequest(
        lake,
        tuple(ids),
        erasure_key,
        duration(older_than).total_seconds(),
        duration(retention).total_seconds(),
        all_versions,
        label,
        Path(schemas),
    )
    started = time.monotonic()
    try:
        with shown_progress() as phase:
            run = dry_run if dry else run_erasure
            result = run(request, engine.executor(processes), phase=phase)
    except KeyboardInterrupt:
        typer.echo("stopped; what was redacted stays so, and no subject is erased yet", err=True)
        raise typer.Exit(STOPPED) from None
    if report is not None and result.page is not None:
        write_file(report, result.page.encode())
    _show(result, dry=dry, as_json=as_json)
    typer.echo(f"{time.monotonic() - started:.2f} s", err=True)
    is_done = dry or not (result.subjects.pending or result.subjects.failed)
    raise typer.Exit(0 if is_done else 1)


def _show(result: ErasureResult, *, dry: bool, as_json: bool) -> None:
    if as_json:
        counts = {name: value for name, value in msgspec.structs.asdict(result).items() if name != "page"}
        print_line(msgspec.json.encode(counts).decode())
    else:
        states = result.subjects
        lines = [
            ("objects", f"{result.objects:,}"),
            ("rows", f"{result.rows:,}"),
            ("error records", f"{result.records:,}"),
            ("values", f"{result.values:,}"),
            ("old versions", f"{result.versions:,}"),
            ("unreadable", f"{result.unreadable:,}"),
            *([] if dry else [("found in the second pass", f"{result.found_in_second_pass:,}")]),
            *([] if dry else [("subjects erased", f"{states.erased:,}")]),
            ("subjects with something to erase" if dry else "subjects pending", f"{states.pending:,}"),
            *([("subjects failed", f"{states.failed:,}")] if states.failed else []),
        ]
        print_table(text_table(["", "would be" if dry else "erased"], lines, right=[1]))
        for one in result.not_covered:
            typer.echo(f"not covered: {one}", err=True)
    for one in result.undone:
        typer.echo(one, err=True)
    if result.report is not None:
        typer.echo(f"report: {result.report}", err=True)
