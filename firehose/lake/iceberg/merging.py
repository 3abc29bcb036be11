"""Brings the current tables of a lake up to date, as Athena does by MERGE. This file loads PyIceberg.

The rows to write are found by the SQL of the MERGE itself, run by the engine of `dmd query`. PyIceberg writes them, in
one commit a table, with the files that held the rows which they replace.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.expressions import In, Reference
from pyiceberg.table import Table

from firehose.lake.iceberg.writing import follow_schemas
from firehose.lake.query.sql import results
from firehose.local.iceberg_catalogs import without_retries
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from firehose.pipeline.iceberg_tables import TablePlace
from glue.layout import ENTITY_COLUMN, Format, current_table
from glue.merge import changed_sql
from glue.schema import load


class MergedTable(msgspec.Struct, frozen=True):
    """The rows that a current table was given: of new entities, and in place of older rows."""

    table: str
    inserted: int
    replaced: int


def merge(place: TablePlace, lake: str, schemas: Path, chosen: Iterable[str], since: str | None) -> list[MergedTable]:
    """Bring the current tables of the chosen types up to date; a folder's tables are made if they are missing.

    `since` is a time in microseconds, as SQL; None stands for all of history. Doing it again changes nothing.

    Raises:
        UserError: a table is missing, or cannot be read, or another process has changed it meanwhile.
    """
    types = load(schemas)
    if not lake.startswith(S3):
        follow_schemas(place, types, current=True)
    return [_merge(place, name, changed_sql(types[name], since), lake, schemas) for name in chosen]


def _merge(place: TablePlace, name: str, sql: str, lake: str, schemas: Path) -> MergedTable:
    # Loaded before it is read, so that a commit in between makes ours fail.
    table = _load(place, current_table(name.lower()))
    with closing(results(sql, lake, Format.ICEBERG, schemas)) as found:
        columns, batches = next(found).batches()
        rows = pa.Table.from_batches(batches, columns)
    replaced = rows.filter(rows["replaces"])[ENTITY_COLUMN]
    if rows.num_rows:
        _write(table, rows.drop_columns("replaces"), replaced)
    return MergedTable(table.name()[-1], rows.num_rows - len(replaced), len(replaced))


def _load(place: TablePlace, name: str) -> Table:
    table = place.load(name)
    if table is None:
        raise UserError(f"there is no Iceberg table {name}: make it with dmd iceberg tables")
    return without_retries(table)


def _write(table: Table, rows: pa.Table, replaced: pa.ChunkedArray) -> None:
    try:
        if len(replaced):
            table.overwrite(rows, In(term=Reference(ENTITY_COLUMN), values=set(replaced.to_pylist())))
        else:
            table.append(rows)
    except CommitFailedException:
        raise UserError(
            f"{table.name()[-1]} was changed by another process meanwhile, and not by this one: run the command again"
        ) from None
    except CommitStateUnknownException:
        raise UserError(
            f"the answer to the commit to {table.name()[-1]} was lost, so it may have landed: run the command again"
        ) from None
