"""Make the SQL that compares the items of one record type with their newest rows, as of a time.

It is Athena's SQL. Both sides went through the same transform, so columns compare as they are. Not compared are
`change`, `reference` (both hold the time of the change) and `isdeleted`, which decides first. An entity, and the order
of its rows, is that of the views (BR-21). Nested columns are compared as they are: as JSON they take twice the time.
"""

from datetime import datetime
from typing import NamedTuple

from firehose.lake.reconcile.classes import Class
from glue.compliance import REDACTED
from glue.model import Field, Record, RecordType, Scalar, fields
from glue.views import ENTITY, NEWEST_FIRST
from transform.times import of_micros

_NOT_COMPARED = frozenset({"change", "reference", "isdeleted"})

# Rows that a backfill made have the time of its export, which says nothing about when the item changed.
BACKFILLED = "coalesce(change.id LIKE 'backfill-%', false)"


class Window(NamedTuple):
    """The time of the state to compare, the time of the table's last read, and the grace, all in microseconds."""

    as_of: int
    until: int
    grace: int


class Compared(NamedTuple):
    """A line of the comparison: the entities of one class and partition date, or one item that needs an explanation.

    `item` is None if the rows of an entity have no `change.item`: its `reference.id` would identify a person. `rows`
    counts the rows up to the time, and `changes` their distinct changes; `first_change` is the time of the first of
    them that no backfill made, in epoch microseconds. `own` is the newest time in a missing item. `columns` are those
    that differ from the newest row, which is in the file `path`.
    """

    record_class: str
    date: str
    item: str | None
    entities: int
    rows: int
    changes: int
    without_item: int
    first_change: int | None
    own: datetime | None
    columns: str | None
    path: str | None


# Each item of these classes is a line of its own.
LISTED = (Class.MISSING, Class.STALE, Class.DELETED_HERE, Class.EXTRA)


_NO_TIME = "CAST(NULL AS timestamp(3))"

_SQL = """WITH changes AS (
  SELECT {entity} AS entity, change.atmicros AS at, change.id AS id, change.item IS NULL AS without_item,
    {backfilled} AS backfilled, isdeleted, partition_date AS row_date, "$path" AS path,
    {row_columns},
    row_number() OVER (
      PARTITION BY {entity} ORDER BY CASE WHEN change.atmicros <= {as_of} THEN 0 ELSE 1 END, {newest_first}
    ) AS place
  FROM "{table}" WHERE change.atmicros <= {last}
), items AS (
  SELECT {entity} AS entity, partition_date AS item_date, {own} AS own, {item_columns}
  FROM "{exported}"
), pairs AS (
  SELECT coalesce(items.entity, changes.entity) AS entity, item_date, own, id, without_item, row_date, path, isdeleted,
    CASE WHEN backfilled THEN NULL ELSE at END AS touched,
    coalesce(at <= {as_of}, false) AS counts,
    coalesce(at <= {as_of} AND place = 1, false) AS newest,
    {equal} AS equal,
    {equal_but_redacted} AS equal_but_redacted,
    {differing} AS differing
  FROM items FULL JOIN changes ON items.entity = changes.entity
), entities AS (
  SELECT entity, count(item_date) > 0 AS in_table, bool_or(counts) AS has_rows,
    bool_or(newest AND isdeleted) AS newest_deleted,
    bool_or(newest AND NOT isdeleted AND equal) AS newest_equal,
    bool_or(newest AND NOT isdeleted AND equal_but_redacted) AS newest_redacted,
    bool_or(counts AND NOT isdeleted AND equal_but_redacted) AS any_equal,
    max(touched) AS touched, min(CASE WHEN counts THEN touched END) AS first_change, max(own) AS own,
    coalesce(max(item_date), max(CASE WHEN newest THEN row_date END)) AS date,
    max(CASE WHEN newest THEN differing END) AS differing, max(CASE WHEN newest THEN path END) AS path,
    count(CASE WHEN counts THEN 1 END) AS row_count, count(DISTINCT CASE WHEN counts THEN id END) AS change_count,
    count(CASE WHEN counts AND without_item THEN 1 END) AS without_item
  FROM pairs GROUP BY entity
), classes AS (
  SELECT *, CASE
    WHEN in_table AND newest_equal THEN 'same'
    WHEN NOT in_table AND NOT has_rows THEN NULL
    WHEN NOT in_table AND newest_deleted THEN 'redacted_deletion'
    WHEN touched > {grace_start} OR (own > {own_grace_start} AND own <= {own_last}) THEN 'in_flight'
    WHEN NOT in_table THEN 'extra'
    WHEN newest_deleted THEN 'deleted_here'
    WHEN newest_redacted THEN 'erased'
    WHEN any_equal THEN 'present_not_newest'
    WHEN has_rows THEN 'stale'
    WHEN own < ({began}) THEN 'before_pipeline'
    ELSE 'missing' END AS class
  FROM entities
), lines AS (
  SELECT class, date, row_count, change_count, without_item, first_change,
    CASE WHEN class = 'missing' THEN own END AS own,
    CASE WHEN class IN ({listed}) AND without_item = 0 THEN entity END AS item,
    CASE WHEN class = 'stale' THEN differing END AS differing, CASE WHEN class = 'stale' THEN path END AS path
  FROM classes WHERE class IS NOT NULL
)
SELECT class, date, item, count(*) AS entities, sum(row_count) AS row_count, sum(change_count) AS change_count,
  sum(without_item) AS without_item, min(first_change) AS first_change, own, differing, path
FROM lines GROUP BY class, date, item, own, differing, path
ORDER BY class, date, item"""


def comparison_sql(record_type: RecordType, exported: str, window: Window, began: str = _NO_TIME) -> str:
    """Return the SQL for a record type. Its items are in the table `exported`; its rows are Compared.

    `began` is SQL for the time of the lake's first change that no backfill made. An item without a row that is older
    than this is `before_pipeline`. Without `began` it is `missing`, and the caller compares `own` itself.
    """
    compared = {one.name.lower(): one for one in record_type.row.fields if one.name.lower() not in _NOT_COMPARED}
    last = window.until + window.grace
    return _SQL.format(
        table=record_type.name.lower(),
        exported=exported,
        entity=ENTITY,
        newest_first=NEWEST_FIRST,
        backfilled=BACKFILLED,
        row_columns=", ".join(f'"{name}" AS r_{name}' for name in compared),
        item_columns=", ".join(f'"{name}" AS i_{name}' for name in compared),
        own=_own_time(record_type),
        equal=" AND ".join(_same(f"i_{name}", f"r_{name}") for name in compared),
        equal_but_redacted=" AND ".join(
            _same_or_redacted(field, f"i_{name}", f"r_{name}") for name, field in compared.items()
        ),
        differing=" || ".join(
            f"CASE WHEN {_same(f'i_{name}', f'r_{name}')} THEN '' ELSE '{name} ' END" for name in compared
        ),
        as_of=window.as_of,
        last=last,
        grace_start=window.as_of - window.grace,
        own_grace_start=_time(window.as_of - window.grace),
        own_last=_time(last),
        began=began,
        listed=", ".join(f"'{one}'" for one in LISTED),
    )


def began_sql(names: list[str]) -> str:
    """Return the SQL for the time of the first change in these tables that no backfill made."""
    changes = " UNION ALL ".join(
        f'SELECT min(CASE WHEN {BACKFILLED} THEN NULL ELSE change.at END) AS at FROM "{name}"'  # noqa: S608  as above
        for name in names
    )
    return f"SELECT min(at) AS at FROM ({changes}) AS firsts"  # noqa: S608


def _same(item: str, row: str) -> str:
    return f"{item} IS NOT DISTINCT FROM {row}"


def _same_or_redacted(field: Field, item: str, row: str) -> str:
    """Return SQL that compares a field's values, of which the row's may be redacted, at any depth of records.

    No schema has personal data in a list or a map: glue/compliance.py refuses it.
    """
    if field.pii:
        return f"({_same(item, row)} OR coalesce({row} = '{REDACTED}', false))"
    if isinstance(field.type, Record) and any(one.pii for one in fields(field.type)):
        within = [
            _same_or_redacted(one, f'{item}."{one.name.lower()}"', f'{row}."{one.name.lower()}"')
            for one in field.type.fields
        ]
        return f"(({item} IS NULL) = ({row} IS NULL) AND {' AND '.join(within)})"
    return _same(item, row)


def _own_time(record_type: RecordType) -> str:
    """Return SQL for the newest of an item's own times: those in its `date`, without that of a deletion."""
    dates = next((one.type for one in record_type.row.fields if one.name == "date"), None)
    times = dates.fields if isinstance(dates, Record) else ()
    names = [
        one.name for one in times if one.type is Scalar.TIMESTAMP and ("date", one.name) != record_type.deletion_time
    ]
    if not names:
        return _NO_TIME
    own = [f'"date".{name.lower()}' for name in names]
    known = ", ".join(f"coalesce({time}, {_time(0)})" for time in own)
    return f"nullif(greatest({known}), {_time(0)})" if len(own) > 1 else own[0]


def _time(micros: int) -> str:
    return f"TIMESTAMP '{of_micros(micros)}'"
