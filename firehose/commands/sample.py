"""`dmd sample`: realistic change records, for load and demonstrations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from firehose.sample import changes
from firehose.sample_export import write_export

EXAMPLE = "dmd sample 5000 --seed 7 | dmd run - --lake .local/lake"


def sample(
    count: Annotated[int, typer.Argument(help="How many change records, or items of an export.", metavar="N", min=0)],
    *,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same records.")] = 1,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write a full DynamoDB export of N items into this folder.", metavar="FOLDER"),
    ] = None,
    files: Annotated[int, typer.Option("--files", help="Data files of the export.", min=1, max=1000)] = 8,
) -> None:
    """Writes realistic change records of all types to standard output, one a line; some are broken on purpose.

    With --export they are the items of a table instead, as DynamoDB exports them, for dmd backfill.
    """
    if export is not None:
        typer.echo(f"dmd backfill --export {write_export(export, count, seed, files)} --lake .local/lake", err=True)
        return
    write = sys.stdout.buffer.write
    for payload in changes(count, seed):
        write(payload + b"\n")
