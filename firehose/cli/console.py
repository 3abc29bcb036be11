"""`dmd console`: opens Python with the pipeline's configuration, schemas, functions and lake."""

import code
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from firehose.cli.console_session import ConsoleSession, deployed_configuration, local_configuration
from firehose.cli.options import DMD_LAKE
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, schema_errors
from firehose.local.endpoint.endpoint import Account
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import Format
from glue.schema import SCHEMAS

LAKE = ".local/lake"

app = plain_app()


@app.command(epilog=to_paste("""dmd console -c 'print(sql("SELECT count(*) AS demands FROM demand"))'"""))
def console(
    *,
    command: Annotated[
        str, typer.Option("-c", help="Run this Python and exit. Python from a pipe is run, too.", metavar="CODE")
    ] = "",
    env: Annotated[
        str,
        typer.Option(
            "--env", help="A deployed environment, for example dev1; test is the endpoint of dmd up.", metavar="ENV"
        ),
    ] = "",
    lake: Annotated[
        str,
        typer.Option(
            "--lake",
            help=f"A folder, or s3://bucket; the environment's bucket by default, without --env DMD_LAKE or {LAKE}.",
            metavar="LAKE",
        ),
    ] = "",
    file_format: Annotated[
        Format | None, typer.Option("--format", help="The format of the local pipeline; parquet by default.")
    ] = None,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Open Python with the pipeline's configuration, schemas, functions and lake.

    A banner lists the names that are defined. With --env the configuration is read from AWS, or from AWS_ENDPOINT_URL.
    Functions run locally, with that configuration and this checkout's code; nothing is written to AWS. Rows are
    printed, personal data included, when you ask for them.
    """
    if env and file_format:
        raise UserError("--format is for the local pipeline; leave it out with --env")
    with schema_errors():
        session = _open(env, lake, file_format or Format.PARQUET, schemas)
    if command or not sys.stdin.isatty():
        _run(command or sys.stdin.read(), session.names)
        return
    _complete(session.names)
    InteractiveSession(session.names).interact(banner(session, env), exitmsg="")


def _run(python: str, names: dict[str, Any]) -> None:
    """Run code as `python -c` does: a traceback begins at the code's own line, and the exit code is 1."""
    try:
        exec(compile(python, "<console>", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - the purpose of the command
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
        ours = error.__traceback__
        traceback.print_exception(error.with_traceback(ours.tb_next if ours else None))
        raise typer.Exit(1) from None


def _open(env: str, lake: str, file_format: Format, schemas: Path) -> ConsoleSession:
    if not env:
        where = lake or os.environ.get(DMD_LAKE) or LAKE
        return ConsoleSession(local_configuration(file_format, schemas), where, schemas)
    names = Names(env)
    return ConsoleSession(deployed_configuration(Account(), names), lake or f"s3://{names.bucket}", schemas)


def banner(session: ConsoleSession, env: str) -> str:
    """Return the names that are defined, each with an example to type."""
    stream = next(iter(session.configuration))
    lines = [
        ("configuration", "delivery streams", f'configuration["{stream}"].variables'),
        ("types", "schemas", 'types["demand"].partition_date'),
        ("process", "a change as a row", 'process(sample("sale"))'),
        ("functions", "Lambda functions", f'functions["{stream}"]'),
        ("objects", "what they have put", "list(objects)"),
        ("sql", "rows of the lake", 'sql("SELECT count(*) AS n FROM demand")'),
    ]
    table = "\n".join(f"  {name:<14}  {what:<19}  {example}" for name, what, example in lines)
    where = f"as deployed in {env}, with this checkout's code" if env else "the local pipeline"
    return f"dmd console: {where}; lake {session.lake}; Ctrl-D ends it\n\n{table}\n"


class InteractiveSession(code.InteractiveConsole):
    """A console that shows a UserError as a sentence."""

    def showtraceback(self) -> None:
        """Write the sentence of a UserError, and the traceback of any other error."""
        error = sys.exception()
        if isinstance(error, UserError):
            self.write(f"{error}\n")
        else:
            super().showtraceback()


def _complete(names: dict[str, Any]) -> None:
    """Complete names with Tab and recall lines with the arrow keys, if Python has readline; keep no history on disk."""
    with suppress(ImportError):
        import readline  # noqa: PLC0415 - some Pythons lack it
        import rlcompleter  # noqa: PLC0415

        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
