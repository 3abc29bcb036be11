"""Load the items of a backfill into a lake, through the function and the local data plane."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import msgspec.structs

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.state import Progress, StartedJob
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_sink import RedactingSink
from firehose.lake.iceberg.writing import tables_to_write
from firehose.lake.opening import open_lake, open_lake_to_write
from firehose.local.event_record import EventRecord, event_record
from firehose.local.sources.source_names import one_source
from firehose.local.user_error import UserError
from firehose.pipeline.change_records import change_identity, change_time_ms
from firehose.pipeline.run_summary import CountingSink, FunctionMetrics, summarise
from firehose.pipeline.streams import IcebergLake, local_pipeline
from glue.layout import FILE_FORMATS, type_prefix
from transform.outcome import OTHER

if TYPE_CHECKING:
    from firehose.lake.iceberg.staging import StagedAppend, StagingCatalog

_ONE_SHARD = "shardId-000000000000"


class Loaded(NamedTuple):
    """A unit that was loaded: its progress, and what is to be committed before that counts."""

    progress: Progress
    staged: "Sequence[StagedAppend]" = ()


class LakeLoader:
    """Delivers records into the lake of a job; a scratch lake has no list of `erased` subjects.

    With `stages`, what is to be appended to Iceberg tables is written, and then committed by whoever takes `staged`.

    Raises:
        UserError: it cannot be written.
    """

    def __init__(self, started: StartedJob, erased: ErasedSubjects | None, *, stages: bool = False) -> None:
        job = started.job
        self._started = started
        self._stages = stages
        self._staging: StagingCatalog | None = None
        self._format = job.file_format
        self._schemas = Path(job.schemas)
        self._types = job.load_types()
        self._erased = erased
        files = open_lake_to_write(job.target)
        redacting = RedactingSink(files, erased, self._schemas) if erased is not None else None
        self._sink = redacting or files
        redact = redacting.redact_rows if redacting else None
        self._tables = None if job.file_format in FILE_FORMATS else tables_to_write(job.target, self._types, redact)

    def deliver(self, records: Iterable[EventRecord], counts: Counts, unit: int) -> None:
        """Deliver all records of a chunk of a unit. The same records give the same objects again.

        Iceberg tables get each row once, if the chunks of a unit come in their order.

        Raises:
            UserError: the lake cannot be written, or its list of erased subjects not be read.
            KeyboardInterrupt: Ctrl-C came while the records were read, so the chunk is incomplete.
        """
        if self._erased is not None:
            self._erased.refresh()
        metrics, objects = FunctionMetrics(), CountingSink(self._sink)
        plane = local_pipeline(
            objects,
            schemas=self._schemas,
            file_format=self._format,
            iceberg=self._tables_of(self._started.source_name(unit)),
            on_printed=metrics.add,
        )
        report = plane.run(records)
        if report.stopped:
            raise KeyboardInterrupt
        summary = summarise(report, metrics, objects, self._types, 1.0)
        chunk = Counts(
            delivered={one.type: one.rows for one in summary.delivered},
            failed=summary.failed,
            other=summary.dropped.get(OTHER, 0),
            problems={
                f"{stream.name}: {problem.reason}": problem.count
                for stream in report.streams
                for problem in stream.function_problems
            },
        )
        if not summary.adds_up:
            raise UserError("read is not delivered + dropped + failed: a record was lost or counted twice")
        counts.add(chunk)

    def staged(self) -> "list[StagedAppend]":
        """Return what was staged of a unit, and begin with another."""
        staging, self._staging = self._staging, None
        return staging.staged if staging else []

    def _tables_of(self, source: str) -> IcebergLake | None:
        if self._tables is None:
            return None
        tables = self._tables
        if self._stages:
            if self._staging is None:
                from firehose.lake.iceberg.staging import StagingCatalog  # noqa: PLC0415 - PyIceberg: 0.7 s

                self._staging = StagingCatalog(tables.catalog, source)
            tables = msgspec.structs.replace(tables, catalog=self._staging)
        return tables.of(one_source(source))

    def close(self) -> None:
        """Remove temporary files, so that only delivered objects stay in the lake."""
        self._sink.close()


def lost_types(job: BackfillJob, delivered: Mapping[str, int]) -> list[str]:
    """Return the delivered types, {"sale": 17}, of which the job's lake no longer holds any object.

    Raises:
        UserError: the lake cannot be read.
    """
    lake = open_lake(job.target, may_be_empty=True)
    return [name for name in delivered if not any(lake.objects(type_prefix(job.file_format, name)))]


class RecordNumbers:
    """Makes the event records of a unit's payloads, with the same sequence numbers whenever they are read again.

    The numbers have 56 digits like those of Kinesis, but begin with 0 instead of 49. So if two changes have the same
    time, the one from the stream outranks the one that the backfill made.
    """

    def __init__(self, identity: str, unit: int, personal: Set[str]) -> None:
        self._identity = identity.encode()
        self._personal = personal
        self._unit = unit

    def records(self, payloads: Iterable[bytes], first: int) -> Iterator[EventRecord]:
        """Yield the records of payloads, of which the first has number `first` in the unit."""
        for number, payload in enumerate(payloads, first):
            digest = sha256(self._identity + change_identity(payload, self._personal)).digest()[:16]
            yield event_record(
                payload,
                shard_id=_ONE_SHARD,
                partition_key=digest.hex().upper(),
                sequence_number=f"0{self._unit:05}{number:011}{int.from_bytes(digest):039}",
                arrival_ms=change_time_ms(payload) or 0,
            )
