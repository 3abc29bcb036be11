"""Turns JSON documents into the rows of an Iceberg table: one document a record, columns by exact name.

Rows of the usual forms go through msgspec and Arrow all at once: times as whole microseconds, dates and decimals as
text. Any other row is read value by value (`iceberg_values`), which takes ten times as long: one with values of types
that have no usual form (float, time, uuid, binary), and every row of a table with required members inside structs. A
row that cannot be read becomes a failure; the others do not notice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Optional, TypedDict

import msgspec
import pyarrow as pa
from pyiceberg import types
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema

from firehose.local.behaviour import Behaviour, ExtraKeys, IcebergTimes
from firehose.local.conversion.converter import ConversionFailure, Converted
from firehose.local.conversion.documents import NESTING_LEVELS, documents
from firehose.local.conversion.iceberg_values import BAD_DATA, TYPE_MISMATCH, read_members, reader
from firehose.local.conversion.row_error import RowError

# A group of rows that does not convert is halved until it is this small; then each of its rows is read alone.
_LEAST_BATCH = 16

_NEVER = Annotated[str, msgspec.Meta(pattern="(?!)")]

_INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_LONG = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

# The types of usual forms, by the type of a column. Arrow reads dates from text, and refuses those that do not exist.
_USUAL: Mapping[type, Any] = {
    types.BooleanType: bool,
    types.IntegerType: _INT,
    types.LongType: _LONG,
    types.DoubleType: float,
    types.StringType: str,
    types.DateType: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d\Z")],
    types.TimestampType: _LONG,
    types.TimestamptzType: _LONG,
}

_NOT_USUAL = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class IcebergRows:
    """Converts the rows of one table as its schema stands."""

    def __init__(self, schema: Schema, behaviour: Behaviour) -> None:
        self._target: pa.Schema = schema_to_pyarrow(schema, include_field_ids=True)
        self._struct = pa.struct([field.with_type(_as_read(field.type)) for field in self._target])
        self._refuses_extra = behaviour.iceberg_extra_keys is ExtraKeys.REFUSED
        texts = behaviour.iceberg_times is IcebergTimes.DOCUMENTED
        self._fields = [
            (each.name, each.required, reader(each.field_type, texts_as_times=texts)) for each in schema.fields
        ]
        self._required = [each.name for each in schema.fields if each.required]
        usual = _NEVER if self._refuses_extra or _has_required_inside(schema) else _usual_struct(schema.as_struct())
        self._decoder = msgspec.json.Decoder(usual)

    def convert(self, records: Sequence[bytes]) -> Converted:
        r"""Return the rows of these records, and the records that failed.

        [b'{"id":"x"}', b"oops"] -> a batch of one row, owners [0],
            failures [ConversionFailure(1, "ICEBERG_BAD_DATA", "Encountered malformed JSON.")]
        """
        rows = [self._usual(record) for record in records]
        places = [place for place, row in enumerate(rows) if row is not None]
        unusual = set(range(len(records))).difference(places).union(self._misfits(places, rows))
        failures = []
        for place in sorted(unusual):
            try:
                rows[place] = self._read(records[place])
            except RowError as error:
                rows[place] = None
                failures.append(ConversionFailure(place, error.code, error.message))
        owners = [place for place, row in enumerate(rows) if row is not None]
        return Converted(self._build([rows[place] for place in owners]), owners, failures)

    def _usual(self, record: bytes) -> Any:
        try:
            return self._decoder.decode(record)
        except _NOT_USUAL:
            return None

    def _misfits(self, places: Sequence[int], rows: Sequence[Any]) -> Iterator[int]:
        """Yield the places of small groups of rows in which one does not fit: a date that does not exist."""
        try:
            self._check(self._build([rows[place] for place in places]))
        except (pa.ArrowException, ValueError, OverflowError):
            if len(places) <= _LEAST_BATCH:
                yield from places
                return
            middle = len(places) // 2
            yield from self._misfits(places[:middle], rows)
            yield from self._misfits(places[middle:], rows)

    def _check(self, rows: pa.RecordBatch) -> None:
        if any(rows.column(name).null_count for name in self._required):
            raise ValueError

    def _build(self, rows: Sequence[Any]) -> pa.RecordBatch:
        batch = pa.RecordBatch.from_struct_array(pa.array(rows, self._struct))
        return pa.RecordBatch.from_arrays(
            [_cast(column, field.type) for column, field in zip(batch.columns, self._target, strict=True)],
            schema=self._target,
        )

    def _read(self, record: bytes) -> dict[str, Any]:
        try:
            found = documents(record)
        except RowError as error:
            raise RowError(BAD_DATA, error.message) from None
        except RecursionError:
            raise RowError(BAD_DATA, f"nested deeper than {NESTING_LEVELS} levels") from None
        if len(found) > 1:
            raise RowError(BAD_DATA, f"expected one JSON document, got {len(found)}")
        if self._refuses_extra and found[0].keys() - {name for name, _, _ in self._fields}:
            raise RowError(TYPE_MISMATCH, "the record has a key that is not a column of the table")
        return read_members(found[0], self._fields, "")


def _usual_struct(kind: types.StructType) -> Any:
    return TypedDict("Row", {each.name: _usual_type(each.field_type) for each in kind.fields}, total=False)  # type: ignore[operator]


def _usual_type(kind: types.IcebergType) -> Any:
    match kind:
        case types.StructType():
            found = _usual_struct(kind)
        case types.ListType():
            found = list[_usual_type(kind.element_type)]  # type: ignore[misc]
        case types.MapType():
            # A map's keys are text in JSON.
            key = str if isinstance(kind.key_type, types.StringType) else _NEVER
            found = dict[key, _usual_type(kind.value_type)]  # type: ignore[misc, valid-type]
        case types.DecimalType():
            # Arrow reads no more digits than there is room for: past that it makes another number, silently.
            fraction = rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
            before = f"[0-9]{{1,{kind.precision - kind.scale}}}" if kind.precision > kind.scale else "0"
            found = Annotated[str, msgspec.Meta(pattern=rf"^-?{before}{fraction}\Z")]
        case _:
            found = _USUAL.get(type(kind), _NEVER)
    return Optional[found]  # noqa: UP045 - types made at run time


def _has_required_inside(schema: Schema) -> bool:
    """Return whether a list, map or struct has members that must be there; keys of maps always are."""
    inside = [each.field_type for each in schema.fields]
    for kind in inside:  # grows on the way
        match kind:
            case types.StructType():
                if any(each.required for each in kind.fields):
                    return True
                inside.extend(each.field_type for each in kind.fields)
            case types.ListType():
                if kind.element_required:
                    return True
                inside.append(kind.element_type)
            case types.MapType():
                if kind.value_required:
                    return True
                inside.append(kind.value_type)
    return False


def _as_read(kind: pa.DataType) -> pa.DataType:
    """Return the type that rows are built in: dates and decimals are text, and uuids bytes."""
    if pa.types.is_date(kind) or pa.types.is_decimal(kind):
        return pa.string()
    if isinstance(kind, pa.UuidType):
        return pa.binary(16)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_read(field.type)) for field in kind])
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_as_read(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(_as_read(kind.key_type), kind.item_field.with_type(_as_read(kind.item_type)))
    return kind


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return values of the type `_as_read(kind)` as those of `kind`.

    Arrow's own cast of a struct fails: below a null there are empty texts, and they are not dates.
    """
    if values.type == kind:
        return values
    if pa.types.is_struct(kind):
        children = [_cast(child, field.type) for child, field in zip(values.flatten(), kind, strict=True)]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=values.is_null())
    if pa.types.is_large_list(kind):
        elements = _cast(values.values, kind.value_type)
        return pa.LargeListArray.from_arrays(values.offsets, elements, type=kind, mask=values.is_null())
    if pa.types.is_map(kind):
        keys, items = _cast(values.keys, kind.key_type), _cast(values.items, kind.item_type)
        return pa.MapArray.from_arrays(values.offsets, keys, items, type=kind, mask=values.is_null())
    return values.cast(kind)
