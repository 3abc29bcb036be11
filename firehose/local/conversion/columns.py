"""Turns exactly typed rows into Arrow columns: the fast path of record format conversion.

msgspec decodes a row into a type made from the table's columns, and the decoded rows become columns level by level.
That takes 2.7 to 3.5 us for a row of a sale or demand, 50 us for an event. Alternatives: pyarrow.json takes 1.13 times
as long and knows no maps; `pa.array` over plain dicts takes 0.9 times as long, but accepts unknown names, reads no
times, and cannot say which row is wrong.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import accumulate, chain
from typing import Annotated, Any, Optional, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from firehose.local.conversion.hive_footer import ARRAY_ELEMENT
from firehose.local.conversion.numbers import INTEGER_BITS
from glue import hive
from glue.arrow import arrow_type as glue_arrow_type

# Builds a column from its values, with nulls as None.
_Build: TypeAlias = Callable[[Sequence[Any]], pa.Array]

# Decoding raises these for a row that is not exactly typed.
NOT_EXACT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# A type that no value has: it leaves a column to the slow path.
_NEVER = Annotated[str, msgspec.Meta(pattern="(?!)")]
# Times stay text: Arrow parses a column of texts in half the time that datetime objects take. The least length, 19
# characters up to the second, keeps out dates and hours alone, which Arrow would read and Firehose does not.
_ANY_TIME = Annotated[str, msgspec.Meta(min_length=19, max_length=29)]
_SPACED_TIME = Annotated[str, msgspec.Meta(min_length=19, max_length=29, pattern=r"^.{10} ")]

_ESCAPED = re.compile(r'[\x00-\x1f"\\]')

_astuple = msgspec.structs.astuple


class ExactForm(msgspec.Struct, frozen=True):
    """The form of rows that a SerDe would leave as they are, and that therefore take the fast path.

    `json_key` returns the key that a field of this (lower-case) name is read from; `times` is the type of a timestamp.
    """

    json_key: Callable[[str], str]
    folds_map_keys: bool
    times: Any

    @classmethod
    def openx(cls, json_key: Callable[[str], str], *, folds: bool) -> "ExactForm":
        """Returns the form for OpenX: a time is `yyyy-MM-dd HH:mm:ss[.S]`, or the same with a T."""
        return cls(json_key, folds, _ANY_TIME)

    @classmethod
    def hive_json(cls, *, own_formats: bool) -> "ExactForm":
        """Returns the form for Hive's SerDe: a time is `yyyy-MM-dd HH:mm:ss[.S]`, unless the stream has formats."""
        return cls(str, folds_map_keys=False, times=_NEVER if own_formats else _SPACED_TIME)


class NotExactError(Exception):
    """Some row is not exactly typed; the slow path finds out which."""


@cache
def arrow_type(kind: hive.HiveType) -> pa.DataType:
    """Returns the Arrow type of a column: `glue.arrow`'s, except that timestamps are in ns, as INT96 holds them."""
    match kind:
        case hive.Primitive("timestamp"):
            return pa.timestamp("ns")
        case hive.Array(element):
            return pa.list_(pa.field(ARRAY_ELEMENT, arrow_type(element)))
        case hive.Map(key, value):
            return pa.map_(arrow_type(key), pa.field("value", arrow_type(value)))
        case hive.Struct(fields):
            return pa.struct([pa.field(name.lower(), arrow_type(field)) for name, field in fields])
        case _:
            return glue_arrow_type(kind)


class RowType:
    """The rows of one table: `decode` reads one, `build` makes columns of many.

    decode(b'{"id":"x","qty":3}') -> a struct; build([it]) -> a RecordBatch of one row

    `decode` raises msgspec.DecodeError or UnicodeDecodeError, and `build` NotExactError, for rows that are not exactly
    typed: names in another case or unknown, numbers as text, times other than `yyyy-MM-dd HH:mm:ss[.SSS]`.
    """

    def __init__(self, columns: Mapping[str, hive.HiveType], form: ExactForm) -> None:
        self.root = hive.Struct(tuple(columns.items()))
        # The classes of rows by struct type, for readers that make rows without decoding.
        self.structs: dict[hive.Struct, Any] = {}
        row = _Types(form, self.structs).decoded(self.root)
        self.schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(row).decode
        self._builds = [_Builds(form).of(kind) for kind in columns.values()]

    def build(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """Returns the rows as a batch with the table's columns, in its order."""
        values: Any = list(zip(*map(_astuple, rows), strict=True)) or [()] * len(self._builds)
        try:
            arrays = [build(column) for build, column in zip(self._builds, values, strict=True)]
        except (pa.ArrowException, InvalidOperation, OverflowError, UnicodeEncodeError, ValueError):
            raise NotExactError from None
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


class _Types:
    """Makes the msgspec types that exactly typed values decode into."""

    def __init__(self, form: ExactForm, structs: dict[hive.Struct, Any]) -> None:
        self._form = form
        self._structs = structs

    def decoded(self, kind: hive.Struct) -> Any:
        """Returns the type of a struct; `_NEVER` if msgspec cannot have fields of these keys."""
        keys = [self._form.json_key(name.lower()) for name, _ in kind.fields]
        # It cannot if two fields have one key, by ColumnToJsonKeyMappings, or if JSON escapes a character of a key.
        usable = len(set(keys)) == len(keys) and not any(_ESCAPED.search(key) for key in keys)
        if kind not in self._structs:
            self._structs[kind] = self._struct(kind, keys if usable else None)
        return self._structs[kind] if usable else _NEVER

    def _struct(self, kind: hive.Struct, keys: Sequence[str] | None) -> Any:
        # Attributes are numbered because a field may be called `class` or `__init__`. eq=False compares with None by
        # identity. gc=False because rows have no cycles, and the collector would look at each of them.
        fields = [(f"f{place}", self._type(field), None) for place, (_, field) in enumerate(kind.fields)]
        names = {f"f{place}": key for place, key in enumerate(keys or ())}
        return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, eq=False, gc=False)

    def _type(self, kind: hive.HiveType) -> Any:
        match kind:
            case hive.Decimal():
                return msgspec.Raw  # its text, `null` included: a float would lose digits
            # Optional, because `X | None` cannot be written of types made at run time.
            case hive.Array(element):
                return Optional[list[self._type(element)]]  # type: ignore[misc]  # noqa: UP045
            case hive.Map(key, value):
                return Optional[dict[_key_type(key), self._type(value)]]  # type: ignore[misc]  # noqa: UP045
            case hive.Struct():
                return Optional[self.decoded(kind)]  # noqa: UP045
            case hive.Varchar(length):
                return Annotated[str, msgspec.Meta(max_length=length)] | None
            case hive.Char(length):  # without padding, which Hive does not write
                return Annotated[str, msgspec.Meta(max_length=length, pattern=r"(?:^|[^ ])\Z")] | None
            case hive.Primitive("timestamp"):
                return self._form.times | None
            case hive.Primitive(name):
                return _primitive_type(name) | None


def _key_type(kind: hive.HiveType) -> Any:
    name = str(kind)
    return _primitive_type(name) if name in ("string", *INTEGER_BITS) else _NEVER


def _primitive_type(name: str) -> Any:
    if name in INTEGER_BITS:
        half = 1 << (INTEGER_BITS[name] - 1)
        return Annotated[int, msgspec.Meta(ge=-half, le=half - 1)]
    return {"boolean": bool, "float": float, "double": float}.get(name, str)


class _Builds:
    """Makes the builders of columns."""

    def __init__(self, form: ExactForm) -> None:
        self._form = form

    def of(self, kind: hive.HiveType) -> _Build:
        exact = arrow_type(kind)
        build_some = self._some(kind)

        def build(values: Sequence[Any]) -> pa.Array:
            # In most batches of events most columns are all null, whole structs included.
            return pa.nulls(len(values), exact) if values.count(None) == len(values) else build_some(values)

        return build

    def _some(self, kind: hive.HiveType) -> _Build:
        match kind:
            case hive.Array(element):
                return _lists(self.of(element), arrow_type(kind))
            case hive.Map(key, value):
                # Only text has a case to fold.
                folds = self._form.folds_map_keys and pa.types.is_string(arrow_type(key))
                return _maps(self.of(key), self.of(value), arrow_type(kind), folds=folds)
            case hive.Struct(fields):
                return _structs([self.of(field) for _, field in fields], arrow_type(kind))
            case _:
                return _primitives(kind)


def _primitives(kind: hive.HiveType) -> _Build:
    exact = arrow_type(kind)
    if isinstance(kind, hive.Decimal):
        return _decimals(exact)
    if pa.types.is_timestamp(exact):
        return _timestamps
    if pa.types.is_date(exact):
        return lambda values: pa.array(values, pa.string()).cast(exact)
    if pa.types.is_float32(exact):
        return _floats
    return lambda values: pa.array(values, exact)


def _structs(builds: Sequence[_Build], exact: pa.DataType) -> _Build:
    fields = list(exact)
    absent = (None,) * len(builds)

    def build(values: Sequence[Any]) -> pa.Array:
        if all(values):  # a struct is true, null is false
            columns: Any = zip(*map(_astuple, values), strict=True)
            mask = None
        else:
            columns = zip(*[absent if value is None else _astuple(value) for value in values], strict=True)
            mask = _nulls(values)
        columns = list(columns) or [()] * len(builds)
        arrays = [build(column) for build, column in zip(builds, columns, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=mask)

    return build


def _lists(build_elements: _Build, exact: pa.DataType) -> _Build:
    def build(values: Sequence[Any]) -> pa.Array:
        mask = None
        if None in values:
            mask = _nulls(values)
            values = [value or () for value in values]
        elements = build_elements(list(chain.from_iterable(values)))
        return pa.ListArray.from_arrays(_offsets(values), elements, type=exact, mask=mask)

    return build


def _maps(build_keys: _Build, build_values: _Build, exact: pa.DataType, *, folds: bool) -> _Build:
    def build(values: Sequence[Any]) -> pa.Array:
        mask = None
        if None in values:
            mask = _nulls(values)
            values = [value or {} for value in values]
        keys = list(chain.from_iterable(values))
        if folds and any(key != key.lower() for key in keys):
            raise NotExactError
        items = build_values(list(chain.from_iterable([value.values() for value in values])))
        return pa.MapArray.from_arrays(_offsets(values), build_keys(keys), items, type=exact, mask=mask)

    return build


def _decimals(exact: pa.DataType) -> _Build:
    def build(values: Sequence[Any]) -> pa.Array:
        # Arrow's cast from text would be four times as fast, but overflows silently: in a decimal(38,10) it turns
        # 12345678901234567890123456789012345678 into another number.
        return pa.array(list(map(_decimal, values)), exact)

    return build


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    text = bytes(value)
    return None if text == b"null" else Decimal(text.decode())


def _floats(values: Sequence[Any]) -> pa.Array:
    floats = pa.array(values, pa.float32())
    infinite = pc.sum(pc.is_inf(floats)).as_py()
    if infinite and infinite != sum(value in (float("inf"), float("-inf")) for value in values):
        raise NotExactError  # a number past 3.4e38
    return floats


def _timestamps(values: Sequence[Any]) -> pa.Array:
    exact = pa.timestamp("ns")
    numbers = [value if isinstance(value, int) else None for value in values]
    if numbers.count(None) == len(numbers):
        return pa.array(values, pa.string()).cast(exact)
    texts = [value if isinstance(value, str) else None for value in values]
    return pc.coalesce(pa.array(texts, pa.string()).cast(exact), pa.array(numbers, pa.int64()).cast(exact))


def _nulls(values: Sequence[Any]) -> pa.Array:
    return pa.array([value is None for value in values], pa.bool_())


def _offsets(values: Sequence[Any]) -> pa.Array:
    return pa.array([0, *accumulate(map(len, values))], pa.int32())
