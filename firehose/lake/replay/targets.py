"""Deliver the rows of a replay into files of a lake, or into its Iceberg tables: each exactly once.

The journal notes an intent before anything is delivered. After a kill, `finish` does what the intent says and returns
which of its records are delivered then.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.errors.replay_journal import JournalEntry, PlannedObjects
from firehose.lake.errors.rerun import RerunResult
from firehose.lake.iceberg.writing import WritableTables
from firehose.lake.objects import Lake
from firehose.lake.replay.prepare import MemorySink, PreparedObject, RowPreparer, plan_objects
from firehose.lake.replay.resume import places_already_put, remake_objects
from firehose.local.delivery.source_marks import SourceMarks
from firehose.local.event_record import EventRecord
from firehose.local.sink import Sink
from firehose.local.sources.source_names import one_source
from firehose.local.user_error import UserError
from firehose.pipeline.streams import LOCAL, local_pipeline, mode_streams
from glue.layout import FIREHOSE_ERRORS, Format, type_prefix
from glue.schema import load
from transform.outcome import Delivered

_SHARD = "shardId-000000000000"


class Prepared(NamedTuple):
    """A delivery to be made: the intent for the journal, `put`, and the records that the pipeline refused."""

    intent: list[PlannedObjects]
    put: Callable[[], None]
    refused: dict[int, Explanation]


class Target(Protocol):
    """Takes the rows of an error object's records, which are known by their places."""

    def prepare(self, error_object: str, results: Mapping[int, RerunResult]) -> Prepared:
        """Prepare the delivery of records that today's code delivers."""

    def finish(self, entry: JournalEntry, results: Mapping[int, RerunResult], *, dry: bool) -> list[int]:
        """End the delivery that an entry intends; return the places that are delivered then."""


class LakeFiles:
    """Objects with rows."""

    def __init__(self, lake: Lake, sink: Sink | None, file_format: Format, schemas: Path) -> None:
        self._lake = lake
        self._sink = sink
        self._format = file_format
        self._preparer = RowPreparer(file_format, schemas)

    def prepare(self, _: str, results: Mapping[int, RerunResult]) -> Prepared:
        """Make the objects."""
        rows = self._preparer.prepare(results)
        accepted = {place: result for place, result in results.items() if place not in rows.refused}
        intent = plan_objects(accepted, list(rows.objects), self._format) if accepted else []
        return Prepared(intent, lambda: self._put(rows.objects), rows.refused)

    def finish(self, entry: JournalEntry, results: Mapping[int, RerunResult], *, dry: bool) -> list[int]:
        """Put the objects again; if today's code gives them other keys, see which are there."""
        objects = remake_objects(entry, results, self._preparer)
        if objects is None:
            return places_already_put(entry, self._lake)
        if not dry:
            self._put(objects)
        return places_of(entry)

    def _put(self, objects: Mapping[str, PreparedObject]) -> None:
        assert self._sink is not None  # noqa: S101 - a dry run puts nothing
        for key, one in objects.items():
            self._sink.put(key, one.body, one.content_type, one.content_encoding)


class LakeTables:
    """Iceberg tables. The records of one delivery are a source of their own, by which a table knows its rows."""

    def __init__(self, tables: Callable[[], WritableTables], schemas: Path) -> None:
        self._tables = tables
        self._schemas = schemas
        self._preparer = RowPreparer(Format.PARQUET, schemas)

    def prepare(self, error_object: str, results: Mapping[int, RerunResult]) -> Prepared:
        """Find out which records the pipeline refuses; Parquet mode's function has the same limits."""
        refused = self._preparer.prepare(results).refused
        accepted = {place: result for place, result in sorted(results.items()) if place not in refused}
        by_table: dict[str, list[int]] = {}
        for place, result in accepted.items():
            assert isinstance(result.outcome, Delivered)  # noqa: S101 - nothing else is delivered
            by_table.setdefault(type_prefix(Format.ICEBERG, result.outcome.type), []).append(place)
        intent = [PlannedObjects(prefix, [], places) for prefix, places in by_table.items()]
        source = _source(error_object, list(accepted))
        return Prepared(intent, lambda: self._append(source, accepted), refused)

    def finish(self, entry: JournalEntry, results: Mapping[int, RerunResult], *, dry: bool) -> list[int]:
        """Append the rows that the tables do not have yet, of records that today's code still delivers."""
        places = places_of(entry)
        source = _source(entry.error_object, places)
        deliverable = {
            place: one for place, one in sorted(results.items()) if place in places and type(one.outcome) is Delivered
        }
        there = self._appended(entry, source)
        if not dry:
            self._append(source, deliverable)
        return sorted({*there, *deliverable})

    def _append(self, source: str, results: Mapping[int, RerunResult]) -> None:
        errors = MemorySink()
        plane = local_pipeline(
            errors,
            schemas=self._schemas,
            file_format=Format.ICEBERG,
            iceberg=self._tables().of(one_source(source)),
        )
        plane.run([_placed(place, one.record) for place, one in results.items()])
        if any(key.startswith(FIREHOSE_ERRORS) for key in errors.objects):
            raise UserError(
                "an Iceberg table refuses rows that are replayed: bring it to its schema with dmd iceberg tables, and "
                "replay again; what is delivered is not repeated"
            )

    def _appended(self, entry: JournalEntry, source: str) -> list[int]:
        """Return the places of an intent whose rows the tables have."""
        (stream,) = mode_streams(LOCAL, Format.ICEBERG, load(self._schemas))
        tables, places = self._tables(), []
        for planned in entry.intent:
            table = tables.catalog.load_table((tables.namespace, planned.prefix.rstrip("/").rpartition("/")[2]))
            marks = SourceMarks(table.properties, stream.name, one_source(source))
            missing = set(marks.missing([_id(place) for place in planned.places]))
            places += [place for at, place in enumerate(planned.places) if at not in missing]
        return places


def places_of(entry: JournalEntry) -> list[int]:
    """Return the places of an entry's intent."""
    return sorted(place for planned in entry.intent for place in planned.places)


def _source(error_object: str, places: list[int]) -> str:
    """Return the name of a delivery: later ones of the same object, with other places, are other sources."""
    return f"replay-{sha256(f'{error_object} {places}'.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _placed(place: int, record: EventRecord) -> EventRecord:
    """Return the record under an id that ends in its place: marks go by the order of ids."""
    placed = record.copy()
    placed["recordId"] = _id(place)
    return placed


def _id(place: int) -> str:
    return f"{_SHARD}{place + 1:0140}"
