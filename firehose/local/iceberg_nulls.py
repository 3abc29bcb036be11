"""Lists and maps that are null stay null in PyIceberg. This file loads PyIceberg: import it before tables are used.

PyIceberg 0.12 builds lists and maps of structs anew from their offsets when it reads and writes, and forgets which of
them are null: each becomes an empty one (pyiceberg/io/pyarrow.py, ArrowProjectionVisitor). Neither Firehose nor Athena
does so.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import ArrowProjectionVisitor

_list, _map = ArrowProjectionVisitor.list, ArrowProjectionVisitor.map


def keep_null_lists() -> None:
    """Have PyIceberg keep null lists and maps, in this process."""
    visitor: Any = ArrowProjectionVisitor
    visitor.list, visitor.map = _list_with_nulls, _map_with_nulls


def _list_with_nulls(visitor: Any, kind: Any, array: Any, values: Any) -> Any:
    found: Any = _list(visitor, kind, array, values)
    if found is None or found.null_count == array.null_count:
        return found
    return type(found).from_arrays(_offsets(found, array), found.values, type=found.type)


def _map_with_nulls(visitor: Any, kind: Any, array: Any, keys: Any, values: Any) -> Any:
    found: Any = _map(visitor, kind, array, keys, values)
    if found is None or found.null_count == array.null_count:
        return found
    return pa.MapArray.from_arrays(_offsets(found, array), found.keys, found.items, type=found.type)


def _offsets(found: Any, array: Any) -> Any:
    """Return the offsets of `found`, null where `array` is null; the last is the end of all."""
    starts = pa.concat_arrays([array.is_valid(), pa.array([True])])
    return pc.if_else(starts, found.offsets, pa.scalar(None, found.offsets.type))
