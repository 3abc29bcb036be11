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
    return _null_where(array, _list(visitor, kind, array, values))


def _map_with_nulls(visitor: Any, kind: Any, array: Any, keys: Any, values: Any) -> Any:
    return _null_where(array, _map(visitor, kind, array, keys, values))


def _null_where(array: Any, found: Any) -> Any:
    """Return `found` with nulls where `array` has them. Elements that a null list hides in Arrow go."""
    if found is None or found.null_count == array.null_count:
        return found
    # The cast brings back the field ids, which a kernel forgets.
    return pc.if_else(array.is_valid(), found, pa.scalar(None, found.type)).cast(found.type)
