"""Counts the rows of a lake by SQL, one pass over each table, and proves deletions redacted by the saved query."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from firehose.lake.jobs.replacement import COMPACTED
from firehose.lake.objects import Lake
from firehose.lake.query.sql import Dialect, query
from glue.compliance import personal_data_selects
from glue.layout import Format
from glue.model import RecordType

# The classes of a change's age on arrival, youngest first, each with the seconds at which the next one begins. REQ-1
# allows the pipeline a minute, without Firehose's buffer; REQ-7 allows five minutes until a row can be queried.
AGES: dict[str, int | None] = {
    "under 1 minute": 60,
    "1 to 5 minutes": 300,
    "5 to 15 minutes": 900,
    "15 to 60 minutes": 3600,
    "1 to 24 hours": 86_400,
    "over a day": None,
}
UNKNOWN_AGE = "unknown"

CHANGES = ("INSERT", "MODIFY", "REMOVE")


class RowCount(msgspec.Struct, frozen=True):
    """The number of rows of one type, day of change and kind of change: ("sale", "2025-01-01", "INSERT", ..., 152).

    `day` is None where a row does not say when its change was made. `deleted` marks rows of a deletion, and `expired`
    those that DynamoDB's time to live removed. `age` is one of AGES.
    """

    type: str
    day: str | None
    change: str
    deleted: bool
    expired: bool
    age: str
    rows: int


class Redaction(msgspec.Struct, frozen=True):
    """The proof for a field of personal data: the number of deleted rows, and of those that still hold a value."""

    type: str
    field: str
    deleted_rows: int
    not_redacted: int


def count_rows(lake: Lake, types: Mapping[str, RecordType], file_format: Format, schemas: Path) -> list[RowCount]:
    """Return the rows of every table by day and kind of change. Memory grows with the days, not with the rows.

    Raises:
        UserError: a file cannot be read, or does not match its table.
    """
    return [
        found
        for name in sorted(types)
        for found in _count(name, query(_sql(name), lake, None, file_format, schemas, dialect=Dialect.DUCKDB).rows)
    ]


def _sql(name: str) -> str:
    """Return the SQL of one table's counts. A change's age is the time from the change until its file was written.

    Nobody knows any more when rows arrived that a compaction has merged.
    """
    bounds = " + ".join(f"CAST(age_s >= {bound} AS INTEGER)" for bound in AGES.values() if bound)
    return (
        f"SELECT day, change, deleted, expired, {bounds} AS age, count(*) AS n FROM ("  # noqa: S608  names are the schema's
        "SELECT strftime(change.at, '%Y-%m-%d') AS day, change.name AS change, coalesce(isdeleted, false) AS deleted, "
        "coalesce(change.expired, false) AS expired, "
        f"CASE WHEN \"$path\" NOT LIKE '%/{COMPACTED}%' "
        'THEN (epoch_ms("$file_modified_time") - epoch_ms(change.at)) / 1000 END AS age_s '
        f'FROM "{name.lower()}") AS aged GROUP BY ALL ORDER BY ALL'
    )


def _count(name: str, rows: list[tuple[str | None, str | None, bool, bool, int | None, int]]) -> Iterator[RowCount]:
    ages = list(AGES)
    for day, change, deleted, expired, age, count in rows:
        yield RowCount(
            name, day, change or "unknown", deleted, expired, UNKNOWN_AGE if age is None else ages[age], count
        )


def prove_redaction(lake: Lake, types: Mapping[str, RecordType], file_format: Format, schemas: Path) -> list[Redaction]:
    """Return the answer of the saved query glue/athena/personal-data-of-deleted.sql, which is Athena's SQL.

    Its parts are run one after the other. In a UNION all scans begin at once, and Arrow reads the files of those that
    wait into memory: 16,000,000 rows took 900 MB as a UNION, and take 250 MB.
    """
    parts = [query(part, lake, None, file_format, schemas) for part in personal_data_selects(types)]
    return sorted((Redaction(*row) for answer in parts for row in answer.rows), key=lambda one: (one.type, one.field))
