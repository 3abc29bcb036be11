"""Put the rows of merged files in order, and drop those that were delivered twice."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from firehose.lake.compact.duplicates import duplicate_places

# By what analysts group, then by entity and time.
_ORDER = (("eventid",), ("reference", "id"), ("change", "atmicros"), ("change", "sequence"))


def change_ids(rows: pa.Table) -> list[str | None]:
    """Return the `change.id` of each row."""
    ids: list[str | None] = _column(rows, ("change", "id")).to_pylist()
    return ids


def without_duplicates(rows: pa.Table) -> pa.Table:
    """Return the rows without those that duplicate_places() drops."""
    dropped = duplicate_places(change_ids(rows), lambda places: rows.take(pa.array(places, pa.int64())).to_pylist())
    if not dropped:
        return rows
    return rows.filter(pa.array([place not in dropped for place in range(rows.num_rows)]))


def in_order(rows: pa.Table) -> pa.Table:
    """Return the rows in the order in which queries read least."""
    keys = pa.table({".".join(path): _column(rows, path) for path in _ORDER if path[0] in rows.column_names})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]))


def _column(rows: pa.Table, path: tuple[str, ...]) -> Any:
    column = rows.column(path[0])
    return pc.struct_field(column, list(path[1:])) if len(path) > 1 else column
