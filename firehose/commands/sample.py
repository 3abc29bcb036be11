"""`dmd sample`: realistic change records, for load and demonstrations."""

import sys
from typing import Annotated

import typer

from firehose.sample import changes

EXAMPLE = "dmd sample 5000 --seed 7 | dmd run - --lake .local/lake"


def sample(
    count: Annotated[int, typer.Argument(help="How many change records.", metavar="N", min=0)],
    *,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same records.")] = 1,
) -> None:
    """Writes realistic change records of all types to standard output, one a line; some are broken on purpose."""
    write = sys.stdout.buffer.write
    for payload in changes(count, seed):
        write(payload + b"\n")
