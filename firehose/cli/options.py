"""Options that mean the same in several commands."""

from pathlib import Path
from typing import Annotated

import typer

# The environment variable that names the lake of commands that only read. What writes is told its lake.
DMD_LAKE = "DMD_LAKE"

_HELP = "A folder, or s3://bucket."

Lake = Annotated[str, typer.Option("--lake", help=_HELP, metavar="LAKE")]
LakeToRead = Annotated[str, typer.Option("--lake", help=_HELP, metavar="LAKE", envvar=DMD_LAKE)]

State = Annotated[
    Path | None, typer.Option("--state", help="The folder for checkpoints of a stream.", metavar="FOLDER")
]
