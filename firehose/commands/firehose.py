"""`dmd firehose`: any delivery stream of the API's own JSON, run here as AWS would."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from firehose.arrival_clock import ArrivalClock
from firehose.behaviour import read_behaviour
from firehose.commands import STOPPED, Mistake
from firehose.commands.shown import plain_table, print_rich
from firehose.commands.stopping import stopping
from firehose.data_plane import Clock, DataPlane
from firehose.delivery.delivery import ACTIVE_PARTITIONS
from firehose.destination import bucket_of
from firehose.faults import Fault, Faults, FaultyKinesis, FaultySink, faulty_function, read_faults
from firehose.kinesis.source import KinesisSource, kinesis_client, now_ms
from firehose.kinesis.writer import KINESIS, stream_of
from firehose.metrics import Metrics
from firehose.processors.function_process import FunctionConfiguration
from firehose.processors.functions import load_function, start_function
from firehose.processors.processor import Function
from firehose.replay.selection import since_ms
from firehose.running_stream import LocalStream
from firehose.source import EventRecord, SourceError, check_files, file_records, put_directly
from firehose.stream import described
from firehose.stream.delivery_stream import DeliveryStream
from firehose.stream.members import SettingError
from firehose.stream.table import read_table
from firehose.stream_summary import StreamSummary, summarise_stream

EXAMPLE = (
    "dmd firehose run --stream stream.json --table table.json --handler orders:handler "
    "--source orders.jsonl --sink .local/bucket"
)

app = typer.Typer(help="Any extended S3 delivery stream, run here as AWS would.", epilog=EXAMPLE, no_args_is_help=True)

_STATES = Path(".local", "firehose")


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
        int, typer.Option("--active-partitions", help="The quota of them.", min=1, max=5000)
    ] = ACTIVE_PARTITIONS,
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
    faults = read_faults(fault or [])
    try:
        local = replace(
            _local(stream, table), active_partitions=active_partitions, behaviour=read_behaviour(switch or [])
        )
        read = local.read()
    except SettingError as error:
        raise Mistake(f"{error.code}: {error}") from error
    except ValueError as error:
        raise Mistake(str(error)) from error
    for path in read.without_effect:
        typer.echo(f"without effect here: {path}", err=True)
    with ExitStack() as running:
        given = _given(sources, read, faults, arrival, by_arrival=by_arrival, state=state or _state(read, sink))
        function = _function(read, handler, timeout if process else None, running)
        local = replace(
            local,
            function=function and faulty_function(function, faults),
            keeps_event=process,
            timeout_seconds=timeout,
        )
        plane = _plane(local, sink, backup, faults, given.clock, running)
        refusal = _run(plane, given)
    summary = summarise_stream(plane.report, read.without_effect)
    _show(summary, as_json=as_json)
    raise typer.Exit(_verdict(summary, refusal, strict=strict))


def _local(stream: Path, table: Path | None) -> LocalStream:
    """The stream of a description, and its table."""
    document = _document(stream)
    local = LocalStream(
        described.create_request(document), version=described.version(document), region=described.region(document)
    )
    conversion = local.read().conversion
    if conversion is None:
        return local
    return replace(local, table_input=read_table(_document(table) if table else None, conversion.table))


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"{path} is not JSON: {error}") from error


def _function(stream: DeliveryStream, handler: str, limit_seconds: int | None, running: ExitStack) -> Function | None:
    """The function of a stream's Lambda processor; None where it has none."""
    settings = stream.processing.function
    if settings is None:
        if handler:
            raise Mistake(f"{stream.name} has no Lambda processor that is enabled, which --handler would be for")
        return None
    if not handler:
        raise Mistake(f"{stream.name} calls {settings.function_arn}: say with --handler MODULE:FUNCTION what that is")
    if limit_seconds is None:
        return load_function(handler)
    arn = settings.function_arn
    configuration = FunctionConfiguration(
        arn.partition(":function:")[2].partition(":")[0], arn, handler, timeout_seconds=limit_seconds
    )
    own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    function = start_function(configuration, surroundings=own)
    running.callback(function.close)
    return function


@dataclass(frozen=True, slots=True)
class _Given:
    """What is read, by which clock, and who is told how far it is delivered."""

    records: Callable[[DataPlane], Iterable[EventRecord | None]]
    clock: Clock | None = None
    settled: Callable[[int], None] = lambda _: None


def _given(
    sources: list[str], stream: DeliveryStream, faults: Faults, arrival: str, *, by_arrival: bool, state: Path
) -> _Given:
    if any(source.startswith(KINESIS) for source in sources):
        if len(sources) > 1 or arrival or by_arrival:
            raise Mistake("a stream is read alone, and by the clock: --arrival and --by-arrival are for files")
        return _from_kinesis(sources[0], faults, state)
    try:
        check_files(sources)
    except SourceError as error:
        raise Mistake(str(error)) from error
    records: Iterable[EventRecord] = file_records(sources, unknown_ms=_unknown_ms(sources, arrival))
    if stream.source_arn is None:
        records = map(put_directly, records)
    if not by_arrival:
        return _Given(lambda _: records)
    clock = ArrivalClock()
    return _Given(lambda plane: clock.paced(records, lambda: plane.settled() == plane.report.read), clock)


def _unknown_ms(sources: list[str], arrival: str) -> int:
    """The arrival of records that say no time: the one given, or when the first file was written."""
    if arrival:
        return since_ms(arrival)
    return int(time.time() * 1000) if sources[0] == "-" else int(Path(sources[0]).stat().st_mtime * 1000)


def _from_kinesis(where: str, faults: Faults, state: Path) -> _Given:
    client = FaultyKinesis(kinesis_client(where), faults)
    source = KinesisSource(stream_of(where), state=state, start_ms=now_ms(), client=client)
    typer.echo(f"reading {where} until Ctrl-C; how far it is delivered: {state}/", err=True)

    def counted(plane: DataPlane) -> Iterator[EventRecord | None]:
        metrics: Metrics = plane.report.streams[0].metrics
        throttled = 0
        for record in source:
            if record is None:
                metrics.add("KinesisMillisBehindLatest", source.lag_ms)
                metrics.add("ThrottledGetRecords", source.throttled - throttled)
                throttled = source.throttled
            yield record

    return _Given(counted, now_ms, source.settled)


def _state(stream: DeliveryStream, sink: str) -> Path:
    return _STATES / sha256(f"{stream.name}\0{sink}".encode()).hexdigest()[:12]


def _plane(
    local: LocalStream, sink: str, backup: str, faults: Faults, clock: Clock | None, running: ExitStack
) -> DataPlane:
    buckets = [bucket_of(where) for where in ([sink, backup] if backup else [sink])]
    for bucket in buckets:
        running.callback(bucket.close)
    faulty = [FaultySink(bucket, faults) for bucket in buckets]
    try:
        return DataPlane(
            [local],
            faulty[0],
            backup_sink=faulty[-1],
            clock=clock,
            on_printed=lambda _, printed: typer.echo(printed, err=True, nl=False),
        )
    except ValueError as error:
        raise Mistake(str(error)) from error


def _run(plane: DataPlane, given: _Given) -> str:
    """Runs it to its end; why something is still in the source, if it is."""
    try:
        with stopping(plane) as stop:
            plane.run(given.records(plane), stop=stop, settled=given.settled)
    except (Mistake, SourceError) as error:
        return str(error)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


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
