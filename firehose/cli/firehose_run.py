"""One delivery stream of anybody's, from its description to a summary: `dmd firehose run`."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from firehose.cli.stopping import stopping
from firehose.cli.stream_summary import StreamSummary, summarise_stream
from firehose.lake.replay.selection import since_ms
from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.members import SettingError
from firehose.local.data_plane import Clock, DataPlane
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS
from firehose.local.event_record import EventRecord, put_directly
from firehose.local.faults import FUNCTION_FAULTS, KINESIS_FAULTS, Faults, FaultyKinesis, FaultySink, faulty_function
from firehose.local.kinesis_writer import KINESIS, stream_of
from firehose.local.local_stream import LocalStream, described_stream
from firehose.local.processors.function_process import FunctionConfiguration
from firehose.local.processors.functions import folder_of, load_function, start_function
from firehose.local.processors.invocation import Function
from firehose.local.sinks import bucket_of
from firehose.local.sources.arrival_clock import ArrivalClock
from firehose.local.sources.files import SourceError, check_files, until_broken
from firehose.local.sources.kinesis import KinesisSource, kinesis_client, now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.change_records import change_records

_STATES = Path(".local", "firehose")


@dataclass(frozen=True, slots=True)
class StreamRun:
    """What is to be run, and with what; the options of the command have the same names.

    `backup` is the bucket of S3 backup where it is another than `sink`; `state` where a Kinesis stream's checkpoints
    lie; `arrival` a time, for records that do not say one.
    """

    stream: Path
    sources: Sequence[str]
    sink: str
    table: Path | None
    handler: str
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
    asked: StreamRun, say: Callable[[str], None], on_printed: Callable[[str], None]
) -> tuple[StreamSummary, str]:
    """Runs it to its end; what it did, and why something is still in the source, if it is.

    `say` is told what a user should know before, `on_printed` what the function prints.

    Raises:
        UserError: a description that AWS would refuse, with AWS's error code; files, functions or buckets that are not
            there.
    """
    local = _described(asked)
    stream = local.read()
    _refuse_idle(asked, stream)
    for path in stream.without_effect:
        say(f"without effect here: {path}")
    with ExitStack() as running:
        given = _given(asked, stream, say)
        function = _function(asked, stream, running)
        local = replace(
            local,
            function=function and faulty_function(function, asked.faults),
            keeps_event=asked.process,
            timeout_seconds=asked.timeout_seconds,
        )
        plane = _plane(asked, local, given.clock, running, on_printed)
        refusal = _run(plane, given)
    return summarise_stream(plane.report, stream.without_effect), refusal


def _described(asked: StreamRun) -> LocalStream:
    document, table = _document(asked.stream), _document(asked.table) if asked.table else None
    try:
        return described_stream(
            document,
            table,
            active_partitions=asked.active_partitions or ACTIVE_PARTITIONS,
            behaviour=asked.behaviour,
        )
    except SettingError as error:
        raise UserError(f"{error.code}: {error}") from error


def _refuse_idle(asked: StreamRun, stream: DeliveryStream) -> None:
    """Refuses options that change nothing of this stream or source: nothing is accepted silently."""
    from_kinesis = any(source.startswith(KINESIS) for source in asked.sources)
    kinds = asked.faults.kinds
    idle = {
        "--handler": asked.handler and not stream.processing.function,
        "--process": asked.process and not stream.processing.function,
        "--fault of a function": kinds & FUNCTION_FAULTS and not stream.processing.function,
        "--fault of Kinesis": kinds & KINESIS_FAULTS and not from_kinesis,
        "--table": asked.table and not stream.destination.conversion,
        "--behaviour parquet-timestamps": (
            asked.behaviour.parquet_timestamps != OBSERVED.parquet_timestamps and not stream.destination.conversion
        ),
        "--backup": asked.backup and not stream.backup,
        "--active-partitions": asked.active_partitions and not stream.destination.partitioned,
        "--state": asked.state and not from_kinesis,
        "--arrival": asked.arrival and from_kinesis,
        "--by-arrival": asked.by_arrival and from_kinesis,
    }
    for option, changes_nothing in idle.items():
        if changes_nothing:
            raise UserError(f"{option} changes nothing of {stream.name} with this source: leave it out")


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from error


def _function(asked: StreamRun, stream: DeliveryStream, running: ExitStack) -> Function | None:
    """The function of a stream's Lambda processor; None where it has none."""
    settings = stream.processing.function
    if settings is None:
        return None
    arn = settings.function_arn
    if not asked.handler:
        raise UserError(f"{stream.name} calls {arn}: say with --handler MODULE:FUNCTION what that is")
    folder = folder_of(asked.handler, (Path.cwd(), asked.stream.parent))
    if not asked.process:
        return load_function(asked.handler, folder)
    name = arn.partition(":function:")[2].partition(":")[0]
    configuration = FunctionConfiguration(name, arn, asked.handler, timeout_seconds=asked.timeout_seconds)
    own = {variable: value for variable, value in os.environ.items() if variable.startswith("AWS_")}
    function = start_function(configuration, folder, surroundings=own)
    running.callback(function.close)
    return function


@dataclass(frozen=True, slots=True)
class _Given:
    """What is read, by which clock, and who is told how far it is delivered."""

    records: Callable[[DataPlane], Iterable[EventRecord | None]]
    clock: Clock | None = None
    settled: Callable[[int], None] = lambda _: None
    broken: list[SourceError] = field(default_factory=list)  # where a file broke off, when all has been read


def _given(asked: StreamRun, stream: DeliveryStream, say: Callable[[str], None]) -> _Given:
    if any(source.startswith(KINESIS) for source in asked.sources):
        return _from_kinesis(asked, stream, say)
    try:
        check_files(asked.sources)
    except SourceError as error:
        raise UserError(str(error)) from error
    broken: list[SourceError] = []
    found = until_broken(change_records(asked.sources, unknown_ms=_unknown_ms(asked)), broken)
    records: Iterable[EventRecord] = found
    if stream.source_arn is None:
        records = map(put_directly, records)
    if not asked.by_arrival:
        return _Given(lambda _: records, broken=broken)
    clock = ArrivalClock()
    return _Given(lambda plane: clock.paced(records, lambda: plane.idle), clock, broken=broken)


def _unknown_ms(asked: StreamRun) -> int:
    """The arrival of records that say no time: the one given, or when the first file was written."""
    if asked.arrival:
        return since_ms(asked.arrival)
    first = asked.sources[0]
    return int(time.time() * 1000) if first == "-" else int(Path(first).stat().st_mtime * 1000)


def _from_kinesis(asked: StreamRun, stream: DeliveryStream, say: Callable[[str], None]) -> _Given:
    if len(asked.sources) > 1:
        raise UserError("a stream is read alone: it has no end that another source could follow")
    if stream.source_arn is None:
        raise UserError(f"{stream.name} is put to (DirectPut): its source here is a file, or -")
    where = asked.sources[0]
    state = asked.state or _STATES / sha256(f"{stream.name}\0{asked.sink}".encode()).hexdigest()[:12]
    client = FaultyKinesis(kinesis_client(where), asked.faults)
    source = KinesisSource(stream_of(where), state=state, start_ms=now_ms(), client=client)
    say(f"reading {where} until Ctrl-C; how far it is delivered: {state}/")

    def counted(plane: DataPlane) -> Iterator[EventRecord | None]:
        metrics = plane.report.streams[0].metrics
        throttled = 0
        for record in source:
            if record is None:
                metrics.add("KinesisMillisBehindLatest", source.lag_ms)
                metrics.add("ThrottledGetRecords", source.throttled - throttled)
                throttled = source.throttled
            yield record

    return _Given(counted, now_ms, source.settled)


def _plane(
    asked: StreamRun,
    local: LocalStream,
    clock: Clock | None,
    running: ExitStack,
    on_printed: Callable[[str], None],
) -> DataPlane:
    buckets = [bucket_of(where) for where in ([asked.sink, asked.backup] if asked.backup else [asked.sink])]
    for bucket in buckets:
        running.callback(bucket.close)
    faulty = [FaultySink(bucket, asked.faults) for bucket in buckets]
    try:
        return DataPlane(
            [local],
            faulty[0],
            backup_sink=faulty[-1],
            clock=clock,
            on_printed=lambda _, printed: on_printed(printed),
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _run(plane: DataPlane, given: _Given) -> str:
    try:
        with stopping(plane) as stop:
            plane.run(given.records(plane), stop=stop, settled=given.settled)
    except UserError as error:
        return str(error)
    except OSError as error:
        return error.strerror or type(error).__name__
    return str(given.broken[0]) if given.broken else ""
