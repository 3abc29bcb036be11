"""`dmd compact`: makes the small files of closed partitions into few."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli import STOPPED
from firehose.cli.options import Engine, EngineOption, Lake, Processes, duration
from firehose.cli.output import print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.progress import shown_progress
from firehose.cli.schemas import Schemas, check_types, load_types
from firehose.cli.text_table import print_table, text_table
from firehose.lake.compact.limits import MIB, MIN_FILES, SMALL_BYTES, TARGET_BYTES, Limits
from firehose.lake.compact.run import CompactionResult, CompactRequest, dry_run, leaves_tables
from firehose.lake.compact.run import compact as run_compaction
from glue.layout import Format
from glue.schema import SCHEMAS

app = plain_app()


@app.command(epilog=to_paste("dmd compact --lake .local/lake --dry-run"))
def compact(  # noqa: PLR0913 - options of a command
    lake: Lake,
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", help="Merge only files at least so old.", metavar="DURATION")
    ] = "1d",
    min_files: Annotated[
        int,
        typer.Option(
            "--min-files", help="Merge in a partition with at least so many small files.", metavar="COUNT", min=2
        ),
    ] = MIN_FILES,
    small_mib: Annotated[
        int, typer.Option("--small", help="A file is small below so many MiB.", metavar="MIB", min=1)
    ] = SMALL_BYTES // MIB,
    target_mib: Annotated[
        int,
        typer.Option(
            "--target",
            help="Merge at most so many MiB into one file. A process needs some ten times that memory.",
            metavar="MIB",
            min=1,
        ),
    ] = TARGET_BYTES // MIB,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this record type. Repeatable.", metavar="TYPE")
    ] = None,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Only files of this format; all by default.", show_default=False)
    ] = None,
    drop_duplicates: Annotated[
        bool,
        typer.Option(
            "--drop-duplicates",
            help="Of merged rows that are equal but for change.sequence, with one change.id, keep the last.",
        ),
    ] = False,
    engine: EngineOption = Engine.LOCAL,
    processes: Processes = 1,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be merged; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Make the small files of closed partitions into few, while everything else goes on.

    Each file is replaced only once what replaces it has been read back. A kill at any moment loses and doubles nothing:
    the next compaction, ten minutes later or more, ends what was begun. A raw count may see a partition's rows twice
    for about a second; the views latest_* never do.

    Files of Iceberg tables are replaced by commits, so no query sees rows twice; old files stay as long as a snapshot
    has them. The Iceberg tables of a bucket are left to AWS Glue's optimizers, unless --format names them.

    Exits with 1 if something was left undone; rerun the same command later.
    """
    check_types(types or [], load_types(schemas))
    closed_seconds = duration(older_than).total_seconds()
    limits = Limits(min_files, closed_seconds, small_mib * MIB, target_mib * MIB)
    request = CompactRequest(lake, limits, tuple(types or ()), file_format, drop_duplicates, Path(schemas))
    started = time.monotonic()
    try:
        if dry:
            result = dry_run(request)
        else:
            with shown_progress() as phase:
                result = run_compaction(request, engine.executor(processes), phase=phase)
    except KeyboardInterrupt:
        typer.echo("stopped; what was merged stays so", err=True)
        raise typer.Exit(STOPPED) from None
    _show(result, dry=dry, as_json=as_json)
    if leaves_tables(request):
        typer.echo(
            "the Iceberg tables are left to AWS Glue's optimizers; --format iceberg compacts them here", err=True
        )
    for line in result.undone:
        typer.echo(line, err=True)
    typer.echo(f"{time.monotonic() - started:.2f} s", err=True)
    raise typer.Exit(1 if result.undone else 0)


def _show(result: CompactionResult, *, dry: bool, as_json: bool) -> None:
    if as_json:
        print_line(msgspec.json.encode(result).decode())
        return
    if not result.partitions:
        print_line(f"nothing {'would be' if dry else 'was'} merged")
        return
    after = "" if result.bytes_after is None else f"{result.bytes_after:,}"
    lines = [
        ("files", f"{result.files_before:,}", f"{result.files_after:,}"),
        ("bytes", f"{result.bytes_before:,}", after),
    ]
    print_table(
        text_table([f"{result.partitions:,} partitions", "before", "would be" if dry else "after"], lines, right=[1, 2])
    )
    if result.duplicates_dropped:
        typer.echo(f"{result.duplicates_dropped:,} duplicates dropped", err=True)
