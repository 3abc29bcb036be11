"""The commands of `dmd` put together."""

import typer

from firehose.cli import backfill, console, errors, firehose, glue, query, replay, run, sample, up

app = typer.Typer(
    help="DynamoDB change records through Firehose and a Lambda into a partitioned lake, on a laptop as on AWS.",
    epilog="dmd run changes.jsonl.gz --lake .local/lake",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog="dmd run changes.jsonl.gz --lake .local/lake")(run.run)
app.command(epilog=query.EXAMPLE)(query.query)
app.command(epilog=errors.EXAMPLE)(errors.errors)
app.command(epilog=replay.EXAMPLE)(replay.replay)
app.command(epilog=sample.EXAMPLE)(sample.sample)
app.command(epilog=backfill.EXAMPLE)(backfill.backfill)
app.command(epilog=up.EXAMPLE)(up.up)
app.command(epilog=console.EXAMPLE)(console.console)
app.add_typer(firehose.app, name="firehose")
app.add_typer(glue.app, name="glue")
