"""MERGE statements of current tables, run by DuckDB: the newest row of each entity, in whatever order changes come."""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue import arrow
from glue.merge import changed_sql, merge_sql
from glue.tables import current_input, parquet_table
from tests.invented import gift, record_type

GIFT = record_type(gift())
HISTORY = pa.schema([*arrow.schema(parquet_table(GIFT)), ("partition_date", pa.string())])
CURRENT = arrow.schema(current_input(parquet_table(GIFT)))


class Change(NamedTuple):
    """A change, as what tells its entity and its order; the rest of its row follows from them."""

    item: str | None
    reference: str | None
    at: int
    sequence: str | None
    id: str | None
    deleted: bool

    @property
    def entity(self) -> str:
        return self.item or self.reference or ""

    @property
    def order(self) -> tuple[int, str, str]:
        return self.at, self.sequence or "", self.id or ""

    @property
    def row(self) -> dict[str, Any]:
        change = {"atmicros": self.at, "sequence": self.sequence, "id": self.id, "item": self.item}
        # equal order is equal content: two rows of one change
        return {
            "id": "[redacted]" if self.deleted else f"{self.entity} {self.order}",
            "isdeleted": self.deleted,
            "reference": {"id": self.reference},
            "change": change,
            "partition_date": f"2025-01-0{1 + self.at % 9}",
        }


CHANGES = st.builds(
    Change,
    item=st.sampled_from(["i", "j", None]),
    reference=st.sampled_from(["i", "r", None]),
    at=st.integers(1, 4),
    sequence=st.sampled_from([None, "1", "2"]),
    id=st.sampled_from([None, "a", "b"]),
    deleted=st.just(False),
).map(lambda one: one._replace(deleted=(one.at, one.sequence) == (3, "1")))

# What comes into the history, and the MERGE that follows: since a time, or (None) of everything.
STEPS = st.lists(st.tuples(st.lists(CHANGES, max_size=6), st.none() | st.integers(1, 5)), max_size=5)


class Tables:
    """A history and a current table, both empty."""

    def __init__(self) -> None:
        self.connection = _connection()
        self.connection.execute("DELETE FROM gift; DELETE FROM gift_current")

    def append(self, changes: Iterable[Change]) -> None:
        self.connection.from_arrow(pa.Table.from_pylist([one.row for one in changes], HISTORY)).insert_into("gift")

    def merge(self, since: int | None) -> None:
        self.connection.execute(merge_sql(GIFT, text(since)))

    def changed(self, since: int | None) -> list[dict[str, Any]]:
        return self._rows(changed_sql(GIFT, text(since)))

    def current(self) -> dict[str, Any]:
        return by_entity(self._rows("FROM gift_current"))

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.connection.sql(sql).to_arrow_table().to_pylist()
        return rows


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    for name, schema in (("gift", HISTORY), ("gift_current", CURRENT)):
        connection.from_arrow(schema.empty_table()).create(name)
    return connection


def text(since: int | None) -> str | None:
    return None if since is None else str(since)


def by_entity(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What tells rows apart, by their entity, which each of them has alone."""
    found = {row["entity"]: (row["id"], row["isdeleted"], row["partition_date"], order_of(row)) for row in rows}
    assert len(found) == len(rows)
    return found


def order_of(row: dict[str, Any]) -> tuple[int, str, str]:
    return row["change"]["atmicros"], row["change"]["sequence"] or "", row["change"]["id"] or ""


def newest(changes: Iterable[Change]) -> dict[str, Change]:
    return {one.entity: one for one in sorted(changes, key=lambda one: one.order)}


def shown(changes: dict[str, Change]) -> dict[str, Any]:
    return by_entity([one.row | {"entity": entity} for entity, one in changes.items()])


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_a_merge_leaves_the_newest_row_of_each_entity_that_it_reads_and_a_local_run_writes_the_same_and_no_row_twice(
    steps: list[tuple[list[Change], int | None]],
) -> None:
    tables, history, expected = Tables(), list[Change](), dict[str, Change]()

    for arriving, since in [*steps, ([], None)]:
        tables.append(arriving)
        before, changed = tables.current(), tables.changed(since)
        tables.merge(since)

        history += arriving
        read = newest(one for one in history if since is None or one.at >= since)
        expected = newest([*expected.values(), *read.values()])
        written = by_entity(changed)
        assert tables.current() == before | written == shown(expected)
        assert {row["entity"] for row in changed if row["replaces"]} == set(before) & set(written)
        assert tables.changed(since) == []

    assert tables.current() == shown(newest(history))


BORN, CHANGED, REMOVED = (Change("i", "r", at, None, "a", deleted=at == 3) for at in (1, 2, 3))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([REMOVED, CHANGED, BORN], id="an older change comes after the deletion"),
        pytest.param([CHANGED, REMOVED, BORN, REMOVED], id="the deletion comes twice"),
    ],
)
def test_an_item_that_is_deleted_stays_as_the_redacted_row_of_its_deletion(changes: list[Change]) -> None:
    tables = Tables()

    for one in changes:
        tables.append([one])
        tables.merge(None)

    assert tables.current() == {"i": ("[redacted]", True, "2025-01-04", (3, "", "a"))}
