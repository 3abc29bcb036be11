"""`dmd firehose run`: runs one delivery stream, from its description to a summary."""

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace as replace_field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from firehose.cli.iceberg_catalog import GLUE, catalog_maker
from firehose.cli.run_source import RunSource, file_source, kinesis_source, reads_kinesis, spooled
from firehose.cli.stop_signals import stop_requests
from firehose.cli.stream_summary import StreamSummary, summarise_stream
from firehose.lake.replay.selection import since_ms
from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.iceberg_destination import IcebergDestination
from firehose.local.config.members import SettingError
from firehose.local.data_plane import DataPlane
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS
from firehose.local.event_record import EventRecord, put_directly
from firehose.local.faults import (
    FUNCTION_FAULTS,
    ICEBERG_FAULTS,
    KINESIS_FAULTS,
    Faults,
    FaultyKinesis,
    FaultySink,
    faulty_function,
)
from firehose.local.local_stream import LocalStream, described_stream
from firehose.local.os_errors import sentence
from firehose.local.processors.function_process import FunctionConfiguration
from firehose.local.processors.functions import folder_of, load_function, start_function
from firehose.local.processors.invocation import Function
from firehose.local.sinks import bucket_of
from firehose.local.sources.arrival_clock import ArrivalClock
from firehose.local.sources.kinesis import kinesis_client, now_ms
from firehose.local.user_error import UserError
from glue.model import pii_names
from glue.schema import load

STATES = Path(".local", "firehose")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of the command, by the same names.

    `backup` is the bucket of S3 backup, "" for `sink`; `state` is the folder of a Kinesis stream's checkpoints;
    `arrival` is the arrival of records without a time of their own.
    """

    stream: Path
    sources: Sequence[str]
    sink: str
    table: Path | None
    handler: str
    catalog: str
    process: bool
    timeout_seconds: int
    backup: str
    active_partitions: int | None
    arrival: str
    by_arrival: bool
    faults: Faults
    behaviour: Behaviour
    state: Path | None


def run_stream(
    options: RunOptions, say: Callable[[str], None], on_printed: Callable[[str], None]
) -> tuple[StreamSummary, str]:
    """Run the stream to the end of its source; return its summary and, if records are left in the source, the error.

    `say` gets notes for the user before the run, and after it the problems of the function with their tracebacks;
    `on_printed` gets what the function prints.

    Raises:
        UserError: a description that AWS would refuse, with AWS's error code; a missing file, function or bucket.
    """
    local = _described(options)
    stream = local.read()
    _refuse_without_effect(options, stream)
    for path in stream.without_effect:
        say(f"without effect here: {path}")
    for warning in stream.warnings:
        say(f"warning: {warning}")
    with ExitStack() as running:
        source = _source(options, stream, running)
        function = _function(options, stream, running)
        local = replace(
            local,
            function=function and faulty_function(function, options.faults),
            catalog=_catalog(options, stream),
            keeps_event=options.process,
            timeout_seconds=options.timeout_seconds,
        )
        plane = _plane(options, local, source, running, on_printed)
        failure = _run(plane, source)
    for problem in plane.report.streams[0].function_problems:
        say(str(problem))
    return summarise_stream(plane.report, options.sink, stream.without_effect, source.blank_lines.count), failure


def _described(options: RunOptions) -> LocalStream:
    document, table = _document(options.stream), _document(options.table) if options.table else None
    try:
        return described_stream(
            document,
            table,
            active_partitions=options.active_partitions or ACTIVE_PARTITIONS,
            behaviour=options.behaviour,
            with_logs=True,
        )
    except SettingError as error:
        raise UserError(f"{error.code}: {error}") from error


def _refuse_without_effect(options: RunOptions, stream: DeliveryStream) -> None:
    """Refuse options that have no effect on this stream or source, rather than ignore them."""
    from_kinesis = reads_kinesis(options.sources)
    kinds = options.faults.kinds
    without_effect = {
        "--handler": options.handler and not stream.processing.function,
        "--process": options.process and not stream.processing.function,
        "--fault of a function": kinds & FUNCTION_FAULTS and not stream.processing.function,
        "--fault of Kinesis": kinds & KINESIS_FAULTS and not from_kinesis,
        "--catalog": options.catalog and not _is_iceberg(stream),
        "--fault of Iceberg": kinds & ICEBERG_FAULTS and not _is_iceberg(stream),
        "--table": options.table and not stream.destination.conversion,
        "--behaviour parquet-timestamps": (
            options.behaviour.parquet_timestamps != OBSERVED.parquet_timestamps and not stream.destination.conversion
        ),
        "--backup": options.backup and not stream.backup,
        "--active-partitions": options.active_partitions
        and not (stream.destination.partitioned and (from_kinesis or options.by_arrival)),
        "--state": options.state and not from_kinesis,
        "--arrival": options.arrival and from_kinesis,
        "--by-arrival": options.by_arrival and from_kinesis,
    }
    for option, given in without_effect.items():
        if given:
            raise UserError(f"{option} has no effect on {stream.name} with this source: leave it out")


def _is_iceberg(stream: DeliveryStream) -> bool:
    return isinstance(stream.destination, IcebergDestination)


def _catalog(options: RunOptions, stream: DeliveryStream) -> Callable[[], Any] | None:
    """Return what opens the catalog of an Iceberg destination; None for another."""
    if not _is_iceberg(stream):
        return None
    if not options.catalog:
        raise UserError(f"{stream.name} delivers to Iceberg tables: specify their --catalog, a folder or {GLUE}")
    return catalog_maker(options.catalog, options.faults)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from error


def _function(options: RunOptions, stream: DeliveryStream, running: ExitStack) -> Function | None:
    """Return the function of the stream's Lambda processor; None without one."""
    settings = stream.processing.function
    if settings is None:
        return None
    arn = settings.function_arn
    if not options.handler:
        raise UserError(f"{stream.name} calls {arn}: specify that function with --handler MODULE:FUNCTION")
    folder = folder_of(options.handler, (Path.cwd(), options.stream.parent))
    if not options.process:
        return load_function(options.handler, folder)
    name = arn.partition(":function:")[2].partition(":")[0]
    configuration = FunctionConfiguration(name, arn, options.handler, timeout_seconds=options.timeout_seconds)
    own = {variable: value for variable, value in os.environ.items() if variable.startswith("AWS_")}
    function = start_function(configuration, folder, surroundings=own)
    running.callback(function.close)
    return function


def _source(options: RunOptions, stream: DeliveryStream, running: ExitStack) -> RunSource:
    if reads_kinesis(options.sources):
        return _kinesis_source(options, stream)
    # An Iceberg table says which source it has, so its records are read once before the first is delivered.
    paths = spooled(options.sources, running) if _is_iceberg(stream) else options.sources
    found = file_source(
        paths, personal=pii_names(load()), unknown_ms=lambda: _unknown_ms(options), named=_is_iceberg(stream)
    )
    clock = ArrivalClock() if options.by_arrival else None

    def records(plane: DataPlane) -> Iterable[EventRecord | None]:
        lines = cast(Iterable[EventRecord], found.records(plane))  # a file never waits
        if stream.source_arn is None:
            lines = map(put_directly, lines)
        return clock.paced(lines, lambda: plane.idle) if clock else lines

    return replace_field(found, records=records, clock=clock)


def _unknown_ms(options: RunOptions) -> int:
    """Return the arrival of records without a time: --arrival, or the time when the first file was written."""
    if options.arrival:
        return since_ms(options.arrival)
    first = options.sources[0]
    return int(time.time() * 1000) if first == "-" else int(Path(first).stat().st_mtime * 1000)


def _kinesis_source(options: RunOptions, stream: DeliveryStream) -> RunSource:
    if stream.source_arn is None:
        raise UserError(f"{stream.name} takes records by PutRecord (DirectPut): give a file, or -, as its --source")
    (address,) = options.sources
    state = options.state or STATES / sha256(f"{stream.name}\0{options.sink}".encode()).hexdigest()[:12]
    client = FaultyKinesis(kinesis_client(address), options.faults)
    return kinesis_source(address, state=state, start_ms=now_ms(), client=client)


def _plane(
    options: RunOptions,
    local: LocalStream,
    source: RunSource,
    running: ExitStack,
    on_printed: Callable[[str], None],
) -> DataPlane:
    buckets = [bucket_of(where) for where in ([options.sink, options.backup] if options.backup else [options.sink])]
    for bucket in buckets:
        running.callback(bucket.close)
    faulty = [FaultySink(bucket, options.faults) for bucket in buckets]
    try:
        return DataPlane(
            [local],
            faulty[0],
            backup_sink=faulty[-1],
            clock=source.clock,
            source_of=source.source_of,
            on_printed=lambda _, printed: on_printed(printed),
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _run(plane: DataPlane, source: RunSource) -> str:
    """Run the data plane; return the error that stopped it or its source, "" if there was none."""
    try:
        with stop_requests(plane) as stop:
            plane.run(source.records(plane), stop=stop, settled=source.on_settled)
    except UserError as error:
        return str(error)
    except OSError as error:
        return sentence(error)
    return str(source.broken[0]) if source.broken else ""
