"""Makes the statements that bring a type's current table up to date: MERGE for Athena, and its rows for a local run.

The history has a row for every change, in any order: Firehose keeps none, and replays and backfills bring old changes
late. The newest row of an entity is that of the largest `(change.atMicros, change.sequence)` (BR-21), then of the
largest `change.id`. A row of the current table is only replaced by a newer one, so a MERGE may read a change again, in
any order and any number of times. A deletion is a row like any other, redacted, with `isdeleted`: it stays, and so an
older change that comes late does not bring its entity back.
"""

from collections.abc import Mapping

from glue import views
from glue.columns import columns
from glue.layout import ENTITY_COLUMN, PARTITION, current_table
from glue.model import RecordType

SECONDS = "${seconds}"  # of a window, in the statements for Terraform

# Nulls count as the least, here as in the views. DynamoDB makes no change before 1970.
_ORDER = ("coalesce({}.atmicros, 0)", "coalesce({}.sequence, '')", "coalesce({}.id, '')")

# The rows that can tell neither their item nor their reference are one entity, as in the views.
_ENTITY = f"{views.ENTITY[:-1]}, '')"


def merge_sql(record_type: RecordType, since: str | None = None) -> str:
    """The MERGE of a record type, for Athena: of all of history, or of the changes since a time in microseconds.

    sale -> MERGE INTO "sale_current" AS t USING (SELECT ...) AS s ON t."entity" = s."entity" WHEN MATCHED AND ...

    Doing it again changes nothing.
    """
    shown = _columns(record_type)
    updates = ", ".join(f"{name} = s.{name}" for name in shown if name != _quoted(ENTITY_COLUMN))
    return (
        f"MERGE INTO {_quoted(_current(record_type))} AS t\n"  # noqa: S608  names are the schema's
        f"USING ({_newest(record_type, since)}) AS s\n"
        f"ON {_SAME}\n"
        f"WHEN MATCHED AND {_NEWER} THEN UPDATE SET {updates}\n"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(shown)}) VALUES ({', '.join(f's.{name}' for name in shown)})"
    )


def changed_sql(record_type: RecordType, since: str | None = None) -> str:
    """The rows that the same MERGE writes, each with `replaces`: whether the current table has a row of its entity.

    sale -> SELECT s."type", ..., t."entity" IS NOT NULL AS replaces FROM (SELECT ...) AS s LEFT JOIN "sale_current" ...
    """
    shown = ", ".join(f"s.{name}" for name in _columns(record_type))
    there = f't."{ENTITY_COLUMN}"'
    return (
        f"SELECT {shown}, {there} IS NOT NULL AS replaces\n"
        f"FROM ({_newest(record_type, since)}) AS s\n"
        f"LEFT JOIN {_quoted(_current(record_type))} AS t ON {_SAME}\n"
        f"WHERE {there} IS NULL OR ({_NEWER})"
    )


def seconds_ago(seconds: int | str) -> str:
    """The time so many seconds ago, in microseconds, as Athena computes it when the statement runs."""
    return f"CAST(to_unixtime(current_timestamp - INTERVAL '{seconds}' SECOND) * 1000000 AS bigint)"


def merge_statements(types: Mapping[str, RecordType]) -> dict[str, dict[str, str]]:
    """The statements of all types for Terraform: {"sale": {"full": "MERGE ...", "window": "MERGE ..."}, ...}.

    The length of the window is a variable, `${seconds}`.
    """
    return {
        name: {"full": merge_sql(one), "window": merge_sql(one, seconds_ago(SECONDS))} for name, one in types.items()
    }


def _newest(record_type: RecordType, since: str | None) -> str:
    """The newest row of each entity among the changes since a time."""
    order = ", ".join(f"{each.format('change')} DESC" for each in _ORDER)
    within = f" WHERE change.atmicros >= {since}" if since else ""
    return (
        f"SELECT {', '.join(_columns(record_type))} FROM (SELECT *, {_ENTITY} AS {_quoted(ENTITY_COLUMN)}, "  # noqa: S608
        f"row_number() OVER (PARTITION BY {_ENTITY} ORDER BY {order}) AS place "
        f"FROM {_quoted(record_type.name.lower())}{within}) AS changes WHERE place = 1"
    )


def _columns(record_type: RecordType) -> list[str]:
    return list(map(_quoted, [*(one["Name"] for one in columns(record_type)), PARTITION, ENTITY_COLUMN]))


def _current(record_type: RecordType) -> str:
    return current_table(record_type.name.lower())


def _quoted(name: str) -> str:
    return f'"{name}"'


_SAME = f't."{ENTITY_COLUMN}" = s."{ENTITY_COLUMN}"'


def _later(pairs: list[tuple[str, str]]) -> str:
    """The condition that the first of two orders is larger: [("a", "b"), ("c", "d")] -> a > b OR (a = b AND c > d)."""
    (one, other), *rest = pairs
    return f"{one} > {other}" + (f" OR ({one} = {other} AND ({_later(rest)}))" if rest else "")


_NEWER = f"({_later([(each.format('s.change'), each.format('t.change')) for each in _ORDER])})"
