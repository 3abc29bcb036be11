"""Reads JSON values into the values of Iceberg columns, type by type, in every form that AWS's documentation shows.

Source: Firehose guide, "Supported data types" of Apache Iceberg tables. Where it says nothing, the record fails rather
than get a value that nobody wrote. Experimental until it has been compared with AWS.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import InvalidOperation
from typing import Any, TypeAlias

from pyiceberg import types

from firehose.local.conversion.documents import kind_of, read_value
from firehose.local.conversion.iceberg_scalars import FORMS, Parse, scalar_parser
from firehose.local.conversion.row_error import RowError

BAD_DATA = "ICEBERG_BAD_DATA"
MISSING_COLUMN = "Iceberg.MissingColumnWithinRecord"
TYPE_MISMATCH = "Iceberg.SchemaTypeMismatch"
INVALID_VALUE = "Iceberg.InvalidColumnValue"

# Turns a value that is not null, with its path, into a column's, or raises RowError.
Read: TypeAlias = Callable[[Any, str], Any]


def reader(kind: types.IcebergType, *, texts_as_times: bool = True) -> Read:
    """Return the reader of a type; `texts_as_times` says whether timestamps are read from ISO text too.

    reader(LongType())(Number("12", True), "qty") -> 12
    reader(TimestampType())("2025-01-01T00:00:00Z", "at") -> 1735689600000000
    """
    match kind:
        case types.StructType():
            fields = [
                (each.name, each.required, reader(each.field_type, texts_as_times=texts_as_times))
                for each in kind.fields
            ]
            return lambda value, path: read_members(_nested(dict, value, path), fields, f"{path}.")
        case types.ListType():
            return _list(reader(kind.element_type, texts_as_times=texts_as_times), required=kind.element_required)
        case types.MapType():
            read_key = reader(kind.key_type, texts_as_times=texts_as_times)
            return _map(read_key, reader(kind.value_type, texts_as_times=texts_as_times), required=kind.value_required)
        case _:
            return _scalar(kind, scalar_parser(kind, texts_as_times=texts_as_times))


def read_members(value: Mapping[str, Any], fields: Sequence[tuple[str, bool, Read]], above: str) -> dict[str, Any]:
    """Return the values of a struct by name; names match exactly, and other members are skipped.

    `fields` are the name of each, whether it is required, and its reader; `above` is the path before a name.

    Raises:
        RowError: a required member is missing or null, or a value does not fit.
    """
    row = {}
    for name, required, read in fields:
        found = value.get(name)
        if found is not None:
            row[name] = read(found, above + name)
        elif required:
            raise RowError(MISSING_COLUMN, f"the required column {above + name} is missing or null")
    return row


def _list(read: Read, *, required: bool) -> Read:
    def read_list(value: Any, path: str) -> Any:
        elements = enumerate(_nested(list, value, path))
        return [_inner(each, read, f"{path}[{place}]", required=required) for place, each in elements]

    return read_list


def _map(read_key: Read, read: Read, *, required: bool) -> Read:
    def read_map(value: Any, path: str) -> Any:
        inner = f"{path}[*]"
        entries = _nested(dict, value, path).items()
        return {read_key(key, inner): _inner(each, read, inner, required=required) for key, each in entries}

    return read_map


def _inner(value: Any, read: Read, path: str, *, required: bool) -> Any:
    if value is not None:
        return read(value, path)
    if required:
        raise RowError(MISSING_COLUMN, f"the required value {path} is null")
    return None


def _nested(kind: type, value: Any, path: str) -> Any:
    """Return an object or array, which may also be written as JSON text."""
    found = read_value(value) if isinstance(value, str) else value
    if not isinstance(found, kind):
        raise _mismatch("an object" if kind is dict else "an array", value, path)
    return found


def _scalar(kind: types.IcebergType, parse: Parse) -> Read:
    forms = FORMS.get(type(kind), str(kind))

    def read(value: Any, path: str) -> Any:
        try:
            found = parse(value)
        except (ValueError, OverflowError, InvalidOperation):
            raise RowError(INVALID_VALUE, f"{path}: expected {kind} ({forms})") from None
        if found is None:
            raise _mismatch(f"{kind} ({forms})", value, path)
        return found

    return read


def _mismatch(expected: str, value: Any, path: str) -> RowError:
    return RowError(TYPE_MISMATCH, f"{path}: expected {expected}, got {kind_of(value)}")
