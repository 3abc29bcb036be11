"""Options that mean the same in several commands."""

from pathlib import Path
from typing import Annotated

import typer

Lake = Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")]

State = Annotated[
    Path | None, typer.Option("--state", help="The folder for checkpoints of a stream.", metavar="FOLDER")
]
