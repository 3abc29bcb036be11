"""`dmd sample`: writes realistic change records, for load tests and demonstrations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from firehose.cli.plain_help import plain_app, to_paste
from firehose.local.kinesis_writer import KinesisWriter, item_keys, partition_key, stream_of
from firehose.local.os_errors import file_named
from firehose.local.user_error import UserError
from firehose.pipeline.sample.export import write_export
from firehose.pipeline.sample.records import changes

app = plain_app()


@app.command(epilog=to_paste("dmd sample 5000 --seed 7 | dmd run - --lake .local/lake"))
def sample(
    count: Annotated[int, typer.Argument(help="Number of records, or of items in an export.", metavar="N", min=0)],
    *,
    seed: Annotated[int, typer.Option("--seed", metavar="SEED", help="The same seed gives the same records.")] = 1,
    to: Annotated[
        str, typer.Option("--to", help="Send them into this stream: kinesis://STREAM.", metavar="STREAM")
    ] = "",
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="RECORDS", help="Send at most this many records a second into the stream.", min=0.01
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write a full DynamoDB export of N items into this folder.", metavar="FOLDER"),
    ] = None,
    files: Annotated[
        int, typer.Option("--files", metavar="COUNT", help="Number of the export's data files.", min=1, max=1000)
    ] = 8,
) -> None:
    """Write realistic change records of every type, one a line.

    Some are broken on purpose. With --export they are the items of a table, as DynamoDB exports them, for dmd backfill.
    """
    if to and export:
        raise UserError("specify either --to or --export, not both")
    if to:
        _send(count, seed, to, rate)
    elif export:
        typer.echo(
            f"dmd backfill --export {write_export(export, count, seed, files)} --lake .local/backfilled", err=True
        )
    else:
        with file_named("standard output"):
            for payload in changes(count, seed):
                sys.stdout.buffer.write(payload + b"\n")


def _send(count: int, seed: int, to: str, rate: float | None) -> None:
    writer = KinesisWriter(stream_of(to), records_per_second=rate)
    for payload in changes(count, seed):
        writer.put(payload, partition_key(item_keys(payload)))
    writer.flush()
    typer.echo(f"sent {writer.sent:,} records to {to}", err=True)
