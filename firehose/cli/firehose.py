"""`dmd firehose`: any delivery stream of the API's own JSON, run here as AWS would."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli import STOPPED
from firehose.cli.shown import plain_table, print_rich
from firehose.cli.stream_summary import StreamSummary
from firehose.local.behaviour import read_behaviour
from firehose.local.faults import Fault, read_faults
from firehose.local.user_error import UserError

EXAMPLE = (
    "dmd firehose run --stream stream.json --table table.json --handler orders:handler "
    "--source orders.jsonl --sink .local/bucket"
)

app = typer.Typer(help="Any extended S3 delivery stream, run here as AWS would.", epilog=EXAMPLE, no_args_is_help=True)


@app.callback()
def firehose() -> None:
    """Any extended S3 delivery stream, run here as AWS would."""


@app.command(epilog=EXAMPLE)
def run(  # noqa: PLR0913 - a command has as many options
    *,
    stream: Annotated[
        Path, typer.Option("--stream", help="A CreateDeliveryStream request, or what DescribeDeliveryStream answers.")
    ],
    sources: Annotated[
        list[str],
        typer.Option("--source", help="Files of one record a line (.gz too), -, or kinesis://STREAM.", metavar="WHERE"),
    ],
    sink: Annotated[str, typer.Option("--sink", help="Its bucket: a folder, or s3://bucket.", metavar="WHERE")],
    table: Annotated[
        Path | None, typer.Option("--table", help="The Glue table: a TableInput, or what GetTable answers.")
    ] = None,
    handler: Annotated[
        str, typer.Option("--handler", help="The function of the Lambda processor.", metavar="MODULE:FUNCTION")
    ] = "",
    process: Annotated[
        bool, typer.Option("--process", help="The function in a process of its own, cut off at --timeout.")
    ] = False,
    timeout: Annotated[int, typer.Option("--timeout", help="The function's, in seconds.", min=1, max=900)] = 60,
    backup: Annotated[
        str, typer.Option("--backup", help="The bucket of S3 backup; --sink by default.", metavar="WHERE")
    ] = "",
    active_partitions: Annotated[
        int | None, typer.Option("--active-partitions", help="The quota of them; 500 by default.", min=1, max=5000)
    ] = None,
    arrival: Annotated[
        str,
        typer.Option(
            "--arrival", help="Of records that are no changes; the file's own time by default.", metavar="TIME"
        ),
    ] = "",
    by_arrival: Annotated[
        bool, typer.Option("--by-arrival", help="On files too, buffer intervals run: by the arrivals of the records.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help=f"Goes wrong, always or COUNT times: {', '.join(Fault)}.", metavar="KIND[:COUNT]"),
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--behaviour", help="Where what is known of Firehose differs: docs/firehose.md.", metavar="NAME=VALUE"
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="Where it remembers how far a stream is.", metavar="FOLDER")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a record failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and metrics as JSON.")] = False,
) -> None:
    """Records through one delivery stream, as its description says, into a bucket.

    What AWS would refuse is refused, with AWS's error code, and so is what is not carried out here. A stream is read
    until Ctrl-C, from when this is first begun. On files the end of the input delivers all.
    """
    from firehose.cli.firehose_run import StreamRun, run_stream  # noqa: PLC0415 - 10 ms that other commands need not pay

    try:
        behaviour = read_behaviour(switch or [])
    except ValueError as error:
        raise UserError(str(error)) from error
    summary, refusal = run_stream(
        StreamRun(
            stream=stream,
            sources=sources,
            sink=sink,
            table=table,
            handler=handler,
            process=process,
            timeout_seconds=timeout,
            backup=backup,
            active_partitions=active_partitions,
            arrival=arrival,
            by_arrival=by_arrival,
            faults=read_faults(fault or []),
            behaviour=behaviour,
            state=state,
        ),
        say=partial(typer.echo, err=True),
        on_printed=partial(typer.echo, err=True, nl=False),
    )
    _show(summary, as_json=as_json)
    raise typer.Exit(_verdict(summary, refusal, strict=strict))


def _verdict(summary: StreamSummary, refusal: str, *, strict: bool) -> int:
    if refusal:
        typer.echo(f"dmd: {refusal}; {summary.in_source:,} of the records read are still in the source", err=True)
        return 1
    if not summary.adds_up or summary.in_source:
        typer.echo("read is not delivered + dropped + failed: a record was lost or counted twice", err=True)
        return 1
    if strict and summary.failed:
        return 1
    return STOPPED if summary.stopped else 0


def _show(summary: StreamSummary, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        return
    counts = plain_table()
    for name in (summary.stream, "records", "of them"):
        counts.add_column(name, justify="right" if name == "records" else "left")
    counts.add_row("read", f"{summary.read:,}", f"{summary.bytes_read:,} bytes")
    counts.add_row("delivered", f"{summary.delivered:,}", f"{summary.rows:,} rows in {summary.objects:,} objects")
    counts.add_row("dropped", f"{summary.dropped:,}", "")
    codes = ", ".join(f"{count:,} {code}" for code, count in summary.failures.items())
    counts.add_row("failed", f"{summary.failed:,}", codes)
    if summary.in_source:
        counts.add_row("in the source", f"{summary.in_source:,}", "")
    print_rich(counts)
    typer.echo()
    metrics = plain_table()
    for name in ("AWS/Firehose", "samples", "sum", "average", "maximum"):
        metrics.add_column(name, justify="left" if name == "AWS/Firehose" else "right")
    for name, values in summary.metrics.items():
        shown = (f"{value:,.3f}".rstrip("0").rstrip(".") for value in (values.sum, values.average, values.maximum))
        metrics.add_row(name, f"{values.samples:,}", *shown)
    print_rich(metrics)
