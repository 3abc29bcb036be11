"""`dmd`: change records to a lake, and everything around it."""

import os
import sys

import typer

from firehose.commands import Mistake, errors, glue, query, run, sample

app = typer.Typer(
    help="DynamoDB change records through Firehose and a Lambda into a partitioned lake, on a laptop as on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog="dmd run changes.jsonl.gz --lake .local/lake")(run.run)
app.command(epilog=query.EXAMPLE)(query.query)
app.command(epilog=errors.EXAMPLE)(errors.errors)
app.command(epilog=sample.EXAMPLE)(sample.sample)
app.add_typer(glue.app, name="glue")


def main() -> None:
    """Run `dmd`: a user's mistake is one sentence on standard error and exit code 2, never a traceback."""
    try:
        app()
    except Mistake as mistake:
        sys.stderr.write(f"dmd: {mistake}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader has what it wanted (dmd sample 1000 | head). Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
