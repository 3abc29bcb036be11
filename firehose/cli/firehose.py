"""`dmd firehose`: runs any delivery stream from the API's own JSON, as AWS would."""

from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from firehose.cli import STOPPED
from firehose.cli.firehose_run import RunOptions, run_stream
from firehose.cli.options import State
from firehose.cli.output import list_counts, print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.stream_summary import StreamSummary
from firehose.cli.text_table import print_table, text_table
from firehose.local.behaviour import read_behaviour
from firehose.local.faults import Fault, read_faults
from firehose.local.user_error import UserError

EXAMPLE = (
    "dmd firehose run --stream stream.json --table table.json --handler orders:handler "
    "--source orders.jsonl --sink .local/bucket"
)

app = plain_app(no_args_is_help=True, epilog=to_paste(EXAMPLE))


@app.callback()
def firehose() -> None:
    """Run any extended S3 or Iceberg delivery stream as AWS would."""


@app.command(epilog=to_paste(EXAMPLE))
def run(  # noqa: PLR0913 - options of a command
    *,
    stream: Annotated[
        Path,
        typer.Option(
            "--stream", metavar="FILE", help="A CreateDeliveryStream request, or the output of DescribeDeliveryStream."
        ),
    ],
    sources: Annotated[
        list[str],
        typer.Option(
            "--source",
            help="A file of records, one a line (.gz too); - for standard input; or kinesis://STREAM. Repeatable.",
            metavar="WHERE",
        ),
    ],
    sink: Annotated[
        str, typer.Option("--sink", help="The stream's bucket: a folder, or s3://bucket.", metavar="WHERE")
    ],
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="The Glue table: a TableInput, or the output of GetTable."),
    ] = None,
    handler: Annotated[
        str, typer.Option("--handler", help="The Lambda processor's function.", metavar="MODULE:FUNCTION")
    ] = "",
    catalog: Annotated[
        str,
        typer.Option(
            "--catalog",
            metavar="WHERE",
            help="The catalog of an Iceberg destination: a folder's, which holds its tables, or glue. Experimental.",
        ),
    ] = "",
    process: Annotated[
        bool, typer.Option("--process", help="Run the function in its own process, killed after --timeout.")
    ] = False,
    timeout: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", help="The function's time-out in seconds.", min=1, max=900)
    ] = 60,
    backup: Annotated[
        str, typer.Option("--backup", help="The bucket of S3 backup; --sink by default.", metavar="WHERE")
    ] = "",
    active_partitions: Annotated[
        int | None,
        typer.Option(
            "--active-partitions",
            metavar="COUNT",
            help="The quota of active partitions; 500 by default.",
            min=1,
            max=5000,
        ),
    ] = None,
    arrival: Annotated[
        str,
        typer.Option(
            "--arrival",
            help="The arrival of records that are not change records. [default: when their file was written]",
            metavar="TIME",
        ),
    ] = "",
    by_arrival: Annotated[
        bool, typer.Option("--by-arrival", help="Run buffer intervals on files too, by the records' arrivals.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", help=f"Inject a fault, always or COUNT times: {', '.join(Fault)}.", metavar="KIND[:COUNT]"
        ),
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--behaviour", help="Choose a behaviour where sources disagree; see docs/firehose.md.", metavar="NAME=VALUE"
        ),
    ] = None,
    state: State = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a record failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and metrics as JSON.")] = False,
) -> None:
    """Run records through one delivery stream into a bucket, or into Iceberg tables.

    Settings that AWS would refuse are refused with AWS's error code; unsupported settings are refused by name.

    A Kinesis stream is read until Ctrl-C; the first run starts with new records. The end of files flushes everything.

    Records are delivered as they are: no list of subjects erased by dmd erase is consulted.
    """
    try:
        behaviour = read_behaviour(switch or [])
    except ValueError as error:
        raise UserError(str(error)) from error
    summary, failure = run_stream(
        RunOptions(
            stream=stream,
            sources=sources,
            sink=sink,
            table=table,
            handler=handler,
            catalog=catalog,
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
    raise typer.Exit(_exit_code(summary, failure, strict=strict))


@app.command(epilog=to_paste("dmd firehose serve --port 4566"))
def serve(
    *,
    port: Annotated[
        int, typer.Option("--port", metavar="N", help="The port; a free one by default.", min=0, max=65535)
    ] = 0,
    interval: Annotated[
        int | None,
        typer.Option(
            "--interval",
            metavar="SECONDS",
            help="The most seconds until a record is delivered; the streams' buffer intervals by default.",
            min=1,
            max=900,
        ),
    ] = None,
) -> None:
    """Serve a local AWS endpoint in which Firehose works, until Ctrl-C.

    Any SDK, CLI or Terraform makes streams and functions there, puts records, and finds the objects; everything is in
    memory. Ctrl-C delivers what is buffered.
    """
    from firehose.local.endpoint.serve import serve as serve_endpoint  # noqa: PLC0415 - boto3 costs 0.3 s

    serve_endpoint(port, interval)


def _exit_code(summary: StreamSummary, failure: str, *, strict: bool) -> int:
    if failure:
        typer.echo(f"dmd: {failure}; {summary.in_source:,} of the records read are still in the source", err=True)
        return 1
    if not summary.adds_up or summary.in_source:
        typer.echo("read is not delivered + dropped + failed: a record was lost or counted twice", err=True)
        return 1
    if strict and summary.failed:
        return 1
    return STOPPED if summary.stopped else 0


def _show(summary: StreamSummary, *, as_json: bool) -> None:
    if as_json:
        print_line(msgspec.json.encode(summary).decode())
        return
    counts = [
        ("read", f"{summary.read:,}", f"{summary.bytes_read:,} bytes"),
        ("delivered", f"{summary.delivered:,}", f"{summary.rows:,} rows in {summary.objects:,} objects"),
        ("dropped", f"{summary.dropped:,}", ""),
        ("failed", f"{summary.failed:,}", list_counts(summary.failures)),
    ]
    if summary.blank_lines:
        counts.append(("blank lines", f"{summary.blank_lines:,}", "skipped"))
    if summary.in_source:
        counts.append(("in the source", f"{summary.in_source:,}", ""))
    print_table(text_table([summary.stream, "records", "of them"], counts, right=[1]))
    _show_places(summary)
    print_line()
    metrics = [
        (name, f"{one.samples:,}", *map(_short, (one.sum, one.average, one.maximum)))
        for name, one in summary.metrics.items()
    ]
    print_table(text_table(["AWS/Firehose", "samples", "sum", "average", "maximum"], metrics, right=range(1, 5)))


def _show_places(summary: StreamSummary) -> None:
    """Say where the first object and the first failure of each kind lie, and why that one failed."""
    if summary.first_object:
        more = f", and {summary.objects - 1:,} more" if summary.objects > 1 else ""
        print_line(f"\ndelivered to {summary.first_object}{more}")
    for code, first in summary.first_failures.items():
        print_line(f"\n{code}: {first.message}")
        print_line(f"kept in {first.where}" if first.where else "not kept yet")


def _short(value: float) -> str:
    """Return a number with three decimals at most: 1,234.5."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")
