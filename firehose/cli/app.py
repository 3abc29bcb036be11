"""The commands of `dmd` by name. A command's module is imported when the command is run."""

import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from firehose.cli.plain_help import plain_app, to_paste
from firehose.local.private_files import SHARED

# Each is a module here, with the first sentence of its own help, so that `dmd --help` imports none of them.
COMMANDS = {
    "run": "Run change records through the Lambda function and a local Firehose into a lake.",
    "query": "Run Athena's SQL over a lake, with the Glue tables as tables.",
    "errors": "List what failed in a lake, and why.",
    "report": "Write a page that shows a lake: rows, dates, age, failures, files, deletions, drift and replays.",
    "replay": "Run failed records through today's code and deliver what now succeeds.",
    "sample": "Write realistic change records of every type, one a line.",
    "backfill": "Send the items of a table, or of its export, into a lake or a stream.",
    "reconcile": "Prove that the items of a table and their newest rows in a lake are the same.",
    "compact": "Make the small files of closed partitions into few, while everything else goes on.",
    "erase": "Take people's personal data out of a lake, and prove it, while everything else goes on.",
    "iceberg": "Make Iceberg tables, and merge changes into the current ones.",
    "up": "Run the whole pipeline on a local AWS endpoint, until Ctrl-C.",
    "console": "Open Python with the pipeline's configuration, schemas, functions and lake.",
    "firehose": "Run any extended S3 or Iceberg delivery stream as AWS would.",
    "glue": "Generate tables, views and DDL from the schemas, and check changes of them.",
}


class ImportedCommands(Mapping[str, Any]):
    """The COMMANDS by name; each is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return get_command(import_module(f"firehose.cli.{name}").app)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of COMMANDS."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": ImportedCommands()})

    def format_commands(self, _: Any, formatter: Any) -> None:
        """Write the table of commands from COMMANDS, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = plain_app(cls=Commands, no_args_is_help=True, epilog=to_paste("dmd run changes.jsonl.gz --lake .local/lake"))


@app.callback()
def dmd(
    *,
    shared: Annotated[
        bool, typer.Option("--shared", help="Let the umask decide who may read what is written, not only you.")
    ] = False,
) -> None:
    """Run DynamoDB change records through Firehose and Lambda into a partitioned lake, on a laptop as on AWS."""
    if shared:
        os.environ[SHARED] = "1"  # in the environment, since the processes that a command starts write, too
