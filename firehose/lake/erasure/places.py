"""List the objects of a lake that may hold personal data of subjects, as pieces of work."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from firehose.lake.erasure.versions import ObjectVersion, Versions
from firehose.lake.erasure.work import ObjectsWork, PartitionWork, VersionsWork, Work, batches
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.jobs.leases import LEASES
from firehose.lake.objects import Lake, StoredObject
from glue.layout import (
    ERROR_DOCUMENTS,
    ERRORS,
    FILE_FORMATS,
    ROOT,
    Format,
    format_prefix,
    iceberg_tables,
    partition_date,
    type_prefix,
)
from glue.model import RecordType

# So many objects of errors, or versions, are one unit.
_MOST_OBJECTS = 100

# Places that no erasure of a lake reaches, and how long each keeps personal data.
NOT_COVERED = (
    f"{ROOT}/athena/results/: results of people's queries, until their lifecycle rule ends them (30 days by default)",
    ".local/backfill: the state of a killed backfill, until the same backfill is rerun or the folder is removed",
    "exports of the table, and copies and scratch lakes made of it or of this lake, until they are deleted",
    "the Kinesis stream: changes from before the erasure, until its retention ends (24 hours by default)",
    "the table: the item itself, until it is deleted there; its point-in-time recovery (35 days) and its backups",
    "identifiers: fanId, reference.id, systemUserId and system.memberId stay in redacted rows (BR-22)",
    "attributes of failed records under names that no schema marks as personal (90 days by default)",
    "tables that no schema knows: while this lake has some, nobody is reported as erased",
    "snapshots, branches and copies of Iceberg tables that others made outside this lake, until they are deleted",
)


class Places(NamedTuple):
    """The work on a lake's rows, error documents, and Firehose's error objects.

    `tables` is the work on the files of each Iceberg table, which are looked at; none is replaced alone. `unknown` are
    sentences about tables that cannot be redacted: while there are some, nobody is erased.
    """

    rows: list[Work]
    tables: dict[str, list[Work]]
    documents: list[Work]
    firehose: list[Work]
    unknown: list[str]


def find_places(lake: Lake, types: Mapping[str, RecordType]) -> Places:
    """List the objects.

    Raises:
        UserError: the lake cannot be listed.
    """
    rows: list[Work] = []
    unknown: list[str] = []
    for file_format in FILE_FORMATS:
        for name, objects in _by_table(lake, file_format).items():
            record_type = types.get(name)
            if record_type is None:
                unknown.append(_unknown(file_format, name))
            elif record_type.subject is not None:
                rows += _partitions(lake, file_format, name, objects)
    known = {table: types[name] for name in types for table in iceberg_tables(name)}
    tables: dict[str, list[Work]] = {}
    for name, objects in _by_table(lake, Format.ICEBERG).items():
        record_type = known.get(name)
        if record_type is None:
            unknown.append(_unknown(Format.ICEBERG, name))
        elif record_type.subject is not None:
            tables[name] = objects_works(objects)
    others = [stored for stored in lake.objects(ERRORS) if not stored.key.startswith(ERROR_DOCUMENTS)]
    documents = lake.objects(ERROR_DOCUMENTS)  # afterwards: a document is put before Firehose's copy
    return Places(rows, tables, objects_works(documents), objects_works(others), unknown)


class OldVersions(NamedTuple):
    """The work on noncurrent versions: of rows and tables, of error documents, and of Firehose's error objects."""

    rows: list[Work]
    documents: list[Work]
    firehose: list[Work]


def old_versions(versions: Versions) -> OldVersions:
    """List the noncurrent versions of a lake's data.

    Raises:
        UserError: they cannot be listed.
    """
    found: dict[str, list[ObjectVersion]] = {"": [], ERROR_DOCUMENTS: [], ERRORS: []}
    for one in versions.noncurrent(f"{ROOT}/"):
        found[next((prefix for prefix in (ERROR_DOCUMENTS, ERRORS) if one.key.startswith(prefix)), "")].append(one)
    return OldVersions(*(_versions_works(versions) for versions in found.values()))


def work_size(work: Work) -> int:
    """Return the bytes of a piece of work."""
    return sum(one.size_bytes for one in _items(work))


def work_items(work: Work) -> int:
    """Return the number of objects of a piece of work."""
    return len(_items(work))


def _versions_works(versions: Iterable[ObjectVersion]) -> list[Work]:
    return [VersionsWork(tuple(batch)) for batch in batches(versions, _MOST_OBJECTS)]


def _items(work: Work) -> tuple[StoredObject | ObjectVersion, ...]:
    return work.versions if isinstance(work, VersionsWork) else work.objects


def _unknown(file_format: Format, name: str) -> str:
    return f"{type_prefix(file_format, name)}: no schema here knows this table, so it is not redacted: use newer ones"


def _by_table(lake: Lake, file_format: Format) -> dict[str, list[StoredObject]]:
    """Return the objects of a format by the name of their table."""
    tables: dict[str, list[StoredObject]] = defaultdict(list)
    prefix = format_prefix(file_format)
    for stored in lake.objects(prefix):
        name, inside, _ = stored.key.removeprefix(prefix).partition("/")
        if inside:  # else it is the catalog of a folder's Iceberg tables, which holds no row
            tables[name].append(stored)
    return tables


def _partitions(lake: Lake, file_format: Format, name: str, objects: Iterable[StoredObject]) -> Iterator[Work]:
    by_date: dict[str, list[StoredObject]] = defaultdict(list)
    for stored in objects:
        by_date[partition_date(stored.key)].append(stored)
    leases = lake.objects(f"{LEASES}{file_format}/{name}/")
    leased = {stored.key.rpartition("/")[2].removesuffix(".json") for stored in leases}
    for date, there in by_date.items():
        if date:
            yield PartitionWork(LakePartition(file_format, name, date), tuple(there), date in leased)
        else:  # no table's data, and no other job's
            yield ObjectsWork(tuple(there))


def objects_works(objects: Iterable[StoredObject]) -> list[Work]:
    """Return the work on objects that no other job replaces."""
    return [ObjectsWork(tuple(batch)) for batch in batches(objects, _MOST_OBJECTS)]
