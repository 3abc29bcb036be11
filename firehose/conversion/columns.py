"""Exactly typed rows to Arrow columns: the fast path of record format conversion.

A row is decoded by msgspec into a type made from the table's columns, and the decoded rows are turned into columns a
level at a time: 2.7 to 3.5 us a row of a sale or demand, 50 of an event. pyarrow.json takes 1.13 times that and knows
no maps; `pa.array` over plain dicts takes 0.9 times that, but overlooks unknown names, reads no times, and says of no
row that it is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import accumulate, chain
from typing import Annotated, Any, Optional, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from glue import hive
from glue.arrow import arrow_type

# The values of one column in, nulls as None; the column out.
_Build: TypeAlias = Callable[[Sequence[Any]], pa.Array]

# The whole days that 64 bits of nanoseconds hold. INT96 holds more, but readers count in those, and Firehose itself
# wraps silently past them.
FIRST_DAY, DAY_AFTER_LAST = "1677-09-22", "2262-04-11"

_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

# As Hive's: keys are primitive. Those whose JSON text is not the value itself are left out.
_MAP_KEYS = (hive.Char, hive.Varchar)

# Times stay text: Arrow parses a column of them in half the time that it takes over datetime objects. It would also
# read dates and hours alone as times, which Firehose does not; 19 characters are up to the second.
_TIME_TEXT = Annotated[str, msgspec.Meta(min_length=19, max_length=23)]

_astuple = msgspec.structs.astuple


class NotExactError(Exception):
    """Some row of these is not exactly typed; the slow path will say which."""


class UnsupportedColumnError(ValueError):
    """A column whose type OpenXJsonSerDe, or this data plane, cannot make."""


class RowType:
    """The rows of one table: `decode` one, `build` the columns of many.

    decode(b'{"id":"x","qty":3}') -> a struct; build([it]) -> a RecordBatch of one row

    `decode` raises msgspec.DecodeError or UnicodeDecodeError, and `build` NotExactError, for rows that are not exactly
    typed: names in another case or unknown, numbers as text, times other than `yyyy-MM-dd HH:mm:ss[.SSS]`.
    """

    def __init__(self, columns: Mapping[str, hive.HiveType]) -> None:
        for name, kind in columns.items():
            refuse_unsupported(kind, name)
        root = hive.Struct(tuple(columns.items()))
        self.columns = dict(columns)
        self.struct: Any = _struct_type(root)
        self.schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(self.struct).decode
        self._builds = [_build(kind) for kind in columns.values()]

    def build(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """One column per column of the table, in its order."""
        values: Any = list(zip(*map(_astuple, rows), strict=True)) or [()] * len(self._builds)
        try:
            arrays = [build(column) for build, column in zip(self._builds, values, strict=True)]
        except (pa.ArrowException, InvalidOperation, OverflowError, UnicodeEncodeError, ValueError):
            raise NotExactError from None
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def refuse_unsupported(kind: hive.HiveType, path: str) -> None:
    """Refuses what OpenXJsonSerDe does (`binary`), and map keys that are neither text nor integer.

    Raises:
        UnsupportedColumnError: with the column's path.
    """
    match kind:
        case hive.Primitive("binary"):
            raise UnsupportedColumnError(f"{path}: OpenXJsonSerDe takes no binary (DataFormatConversion.InvalidSchema)")
        case hive.Array(element):
            refuse_unsupported(element, f"{path}[]")
        case hive.Map(key, value):
            if not isinstance(key, _MAP_KEYS) and str(key) not in ("string", *_INTEGER_BITS):
                raise UnsupportedColumnError(f"{path}: maps are carried out with text and integer keys only")
            refuse_unsupported(value, f"{path}[*]")
        case hive.Struct(fields):
            for name, field in fields:
                refuse_unsupported(field, f"{path}.{name}")


def _row_type(kind: hive.HiveType) -> Any:
    match kind:
        case hive.Decimal():
            return msgspec.Raw  # its text, null included; as a float it would lose digits
        case hive.Array(element):
            return Optional[list[_row_type(element)]]  # type: ignore[misc]  # noqa: UP045
        case hive.Map(key, value):
            return Optional[dict[_map_key(key), _row_type(value)]]  # type: ignore[misc]  # noqa: UP045
        case hive.Struct():
            return Optional[_struct_type(kind)]  # noqa: UP045
        case hive.Char(length) | hive.Varchar(length):
            return Annotated[str, msgspec.Meta(max_length=length)] | None
        case hive.Primitive(name):
            return _primitive_type(name) | None


def _map_key(kind: hive.HiveType) -> Any:
    return _primitive_type(kind.name) if isinstance(kind, hive.Primitive) else str


def _primitive_type(name: str) -> Any:
    if name in _INTEGER_BITS:
        half = 1 << (_INTEGER_BITS[name] - 1)
        return Annotated[int, msgspec.Meta(ge=-half, le=half - 1)]
    return {"boolean": bool, "float": float, "double": float, "timestamp": _TIME_TEXT}.get(name, str)


def _struct_type(kind: hive.Struct) -> Any:
    # The attributes are numbered, because a field may be called `class` or `__init__`; eq=False leaves comparison with
    # None to identity; gc=False, because rows hold no cycles and the collector would look at each of them.
    fields = [(f"f{place}", _row_type(field), None) for place, (_, field) in enumerate(kind.fields)]
    names = {f"f{place}": name.lower() for place, (name, _) in enumerate(kind.fields)}
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, eq=False, gc=False)


def _build(kind: hive.HiveType) -> _Build:
    exact = arrow_type(kind)
    build_some = _build_some(kind)

    def build(values: Sequence[Any]) -> pa.Array:
        # Most columns of most batches of events hold nothing, whole structs with all below them.
        return pa.nulls(len(values), exact) if values.count(None) == len(values) else build_some(values)

    return build


def _build_some(kind: hive.HiveType) -> _Build:
    match kind:
        case hive.Array(element):
            return _build_lists(element)
        case hive.Map(key, value):
            return _build_maps(key, value)
        case hive.Struct():
            return _build_structs(kind)
        case hive.Decimal():
            return _build_decimals(arrow_type(kind))
        case _:
            return _build_primitives(kind)


def _build_primitives(kind: hive.HiveType) -> _Build:
    exact = arrow_type(kind)
    if pa.types.is_timestamp(exact):
        return _build_timestamps
    if pa.types.is_date(exact):
        return lambda values: pa.array(values, pa.string()).cast(exact)
    if pa.types.is_float32(exact):
        return _build_floats
    return lambda values: pa.array(values, exact)


def _build_structs(kind: hive.Struct) -> _Build:
    builds = [_build(field) for _, field in kind.fields]
    fields = list(arrow_type(kind))
    absent = (None,) * len(builds)

    def build(values: Sequence[Any]) -> pa.Array:
        if all(values):  # a struct is true, null is not
            columns: Any = zip(*map(_astuple, values), strict=True)
            mask = None
        else:
            columns = zip(*[absent if value is None else _astuple(value) for value in values], strict=True)
            mask = _nulls(values)
        columns = list(columns) or [()] * len(builds)
        arrays = [build(column) for build, column in zip(builds, columns, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=mask)

    return build


def _build_lists(element: hive.HiveType) -> _Build:
    build_elements = _build(element)
    exact = arrow_type(hive.Array(element))

    def build(values: Sequence[Any]) -> pa.Array:
        mask = None
        if None in values:
            mask = _nulls(values)
            values = [value or () for value in values]
        elements = build_elements(list(chain.from_iterable(values)))
        return pa.ListArray.from_arrays(_offsets(values), elements, type=exact, mask=mask)

    return build


def _build_maps(key: hive.HiveType, value: hive.HiveType) -> _Build:
    key_type = arrow_type(key)
    build_values = _build(value)
    exact = arrow_type(hive.Map(key, value))
    text = pa.types.is_string(key_type)

    def build(values: Sequence[Any]) -> pa.Array:
        mask = None
        if None in values:
            mask = _nulls(values)
            values = [value or {} for value in values]
        keys = list(chain.from_iterable(values))
        if text and any(key != key.lower() for key in keys):
            raise NotExactError  # Firehose lower-cases them
        items = build_values(list(chain.from_iterable([value.values() for value in values])))
        return pa.MapArray.from_arrays(_offsets(values), pa.array(keys, key_type), items, type=exact, mask=mask)

    return build


def _build_decimals(exact: pa.DataType) -> _Build:
    def build(values: Sequence[Any]) -> pa.Array:
        # Not by Arrow's cast from text, which is four times as fast and wraps silently: it makes another number of
        # 12345678901234567890123456789012345678 in a decimal(38,10).
        numbers = [
            None if value is None or (text := bytes(value)) == b"null" else Decimal(text.decode()) for value in values
        ]
        return pa.array(numbers, exact)

    return build


def _build_floats(values: Sequence[Any]) -> pa.Array:
    floats = pa.array(values, pa.float32())
    if pc.any(pc.is_inf(floats)).as_py():
        raise NotExactError  # JSON has no infinity, so this was a number past 3.4e38
    return floats


def _build_timestamps(values: Sequence[Any]) -> pa.Array:
    texts = pa.array(values, pa.string())
    bounds = pc.min_max(texts)
    if bounds["min"].as_py() < FIRST_DAY or bounds["max"].as_py() >= DAY_AFTER_LAST:
        raise NotExactError
    return texts.cast(pa.timestamp("ms"))


def _nulls(values: Sequence[Any]) -> pa.Array:
    return pa.array([value is None for value in values], pa.bool_())


def _offsets(values: Sequence[Any]) -> pa.Array:
    return pa.array([0, *accumulate(map(len, values))], pa.int32())
