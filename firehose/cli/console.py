"""`dmd console`: Python with the pipeline at hand."""

import code
import sys
import traceback
from contextlib import suppress
from typing import Annotated, Any

import typer

from firehose.cli.opened_console import Console, deployed_configuration, local_configuration
from firehose.local.endpoint.endpoint import Account
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import Format

EXAMPLE = """dmd console -c 'print(sql("SELECT count(*) AS demands FROM demand"))'"""

LAKE = ".local/lake"


def console(
    *,
    command: Annotated[
        str, typer.Option("-c", help="Python to run instead; so is what comes by a pipe.", metavar="CODE")
    ] = "",
    env: Annotated[
        str, typer.Option("--env", help="What is deployed there: dev1, or test for dmd up's endpoint.", metavar="ENV")
    ] = "",
    lake: Annotated[
        str,
        typer.Option("--lake", help=f"A folder, or s3://bucket; the environment's, else {LAKE}.", metavar="LAKE"),
    ] = "",
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Which streams of the local pipeline; Parquet by default.")
    ] = None,
) -> None:
    """A Python console with configuration, schemas, functions and lake at hand; a banner says what is what.

    With --env the configuration is read from AWS, or from where AWS_ENDPOINT_URL leads. Functions run here on it, with
    this checkout's code; nothing is written there. Rows are shown where you ask for them.
    """
    if env and file_format:
        raise UserError("--format is of the local pipeline: an environment has the streams that it has")
    opened = _open(env, lake, file_format or Format.PARQUET)
    if command or not sys.stdin.isatty():
        _run(command or sys.stdin.read(), opened.names)
        return
    _complete(opened.names)
    _Interactive(opened.names).interact(banner(opened, env), exitmsg="")


def _run(python: str, names: dict[str, Any]) -> None:
    """Runs code as `python -c` does: what it raises is shown from its own first line on, and the exit code is 1."""
    try:
        exec(compile(python, "<console>", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - what it is for
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
        ours = error.__traceback__
        traceback.print_exception(error.with_traceback(ours.tb_next if ours else None))
        raise typer.Exit(1) from None


def _open(env: str, lake: str, file_format: Format) -> Console:
    if not env:
        return Console(local_configuration(file_format), lake or LAKE)
    names = Names(env)
    return Console(deployed_configuration(Account(), names), lake or f"s3://{names.bucket}")


def banner(opened: Console, env: str) -> str:
    """What is there, with an example of each that can be typed as it stands."""
    stream = next(iter(opened.configuration))
    lines = [
        ("configuration", "delivery streams", f'configuration["{stream}"].variables'),
        ("types", "schemas", 'types["demand"].partition_date'),
        ("process", "a change, as a row", 'process(sample("sale"))'),
        ("functions", "what Firehose calls", f'functions["{stream}"]'),
        ("objects", "what functions put", "list(objects)"),
        ("sql", "rows of the lake", 'sql("SELECT count(*) AS n FROM demand")'),
    ]
    table = "\n".join(f"  {name:<14}  {what:<19}  {example}" for name, what, example in lines)
    where = f"as deployed in {env}, with this checkout's code" if env else "the local pipeline"
    return f"dmd console: {where}; lake {opened.lake}; Ctrl-D ends it\n\n{table}\n"


class _Interactive(code.InteractiveConsole):
    """A console in which a user's mistake is a sentence."""

    def showtraceback(self) -> None:
        error = sys.exception()
        if isinstance(error, UserError):
            self.write(f"{error}\n")
        else:
            super().showtraceback()


def _complete(names: dict[str, Any]) -> None:
    """Names by the tab key and lines by the arrow keys, where Python has readline. No history is kept on disk."""
    with suppress(ImportError):
        import readline  # noqa: PLC0415 - not everywhere
        import rlcompleter  # noqa: PLC0415

        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
