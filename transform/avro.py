"""Avro object containers of one record type: rows as fastavro takes them, and the files it makes of them.

fastavro looks for the branch of a union by validating the value against each, and so every nested record again at every
level: 46 us a demand. A value that comes as (branch, value) is written straight away, so rows become such data by a
function compiled from the schema, as row builders are (transform/row.py). And it writes by a plain form of the schema,
in which times are longs, enums the numbers of their symbols and the fields of a required record its parent's: the
same bytes with less to look at. 15 us remain.

    def datum_demand(r):
        return {
            'fanId_1': r.fanId,
            'artistId_5': None if (v0 := r.artistId) is None else ('string', v0),
            'date_requested_13': _millis(r.date.requested),
            ...
        }
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import fastavro
from fastavro.write import Writer

from glue.model import Array, Enumeration, Field, FieldPath, Map, Record, RecordType, Scalar, Type
from glue.tables import avro_literal
from transform import times
from transform.attributes import member
from transform.row import Row

MARKER_BYTES = 16  # the sync marker between blocks (Avro specification, "Object container files")
LEVEL = 6

Datum = dict[str, Any]


class AvroFiles:
    """Writes the containers of one record type; their schema is the literal of its Avro table.

    `codec` is `deflate` or `null`.
    """

    def __init__(self, record_type: RecordType, codec: str) -> None:
        self.datum: Callable[[Row], Datum] = _Data(record_type.row).function
        self._codec = codec
        self._plain = fastavro.parse_schema(plain(record_type.row))
        self._header = _header(json.loads(avro_literal(record_type)), codec)
        self._open()

    def container(self, data: Iterable[Datum], marker: bytes) -> bytes:
        """One object container file of one block: the same data and marker give the same bytes.

        Raises what fastavro does for a datum that is not the schema's.
        """
        try:
            for datum in data:
                self._writer.write(datum)
            self._writer.flush()
            block = self._file.getvalue()[:-MARKER_BYTES]
        except BaseException:
            self._open()  # the writer holds half a datum
            raise
        self._file.seek(0)
        self._file.truncate()
        return b"".join((self._header, marker, block, marker))

    def _open(self) -> None:
        """One writer makes the blocks of all files: another for each would cost as much as 5 records.

        The header that it writes, with the plain schema, is thrown away: the file's says what the bytes mean.
        """
        self._file = io.BytesIO()
        self._writer = Writer(self._file, self._plain, self._codec, sync_interval=2**62, compression_level=LEVEL)
        self._file.seek(0)
        self._file.truncate()


def _header(schema: Any, codec: str) -> bytes:
    """A container's first bytes, up to the sync marker."""
    file = io.BytesIO()
    fastavro.writer(file, schema, [], codec, sync_marker=bytes(MARKER_BYTES))
    return file.getvalue()[:-MARKER_BYTES]


def plain(record: Record) -> dict[str, Any]:
    """The schema by which data are written: on the wire the same as the record type's own.

    timestamp-millis -> long, date -> int, an enum -> int, the fields of `date` -> `date_requested_13`, ...
    """
    defined: set[str] = set()

    def kind_of(kind: Type) -> Any:
        match kind:
            case Record():
                return record_of(kind)
            case Array():
                return {"type": "array", "items": ["null", kind_of(kind.items)]}
            case Map():
                return {"type": "map", "values": kind_of(kind.values)}
            case _:
                return branch(kind)

    def record_of(inner: Record) -> Any:
        if inner.name in defined:
            return inner.name
        defined.add(inner.name)
        return {"type": "record", "name": inner.name, "fields": [field_of(*one) for one in written(inner)]}

    def field_of(name: str, _: FieldPath, field: Field) -> dict[str, Any]:
        kind = kind_of(field.type)
        return {"name": name, "type": ["null", kind] if field.optional else kind}

    found: dict[str, Any] = record_of(record)
    return found


def written(record: Record) -> list[tuple[str, FieldPath, Field]]:
    """The fields of a record as a file has them, one after the other: a required record is its fields and no more.

    demand -> [("fanId_0", ("fanId",), ...), ("date_requested_1", ("date", "requested"), ...), ...]
    """
    return [(f"{'_'.join(path)}_{number}", path, field) for number, (path, field) in enumerate(_flat(record))]


def _flat(record: Record, *at: str) -> Iterator[tuple[FieldPath, Field]]:
    for field in record.fields:
        if isinstance(field.type, Record) and not field.optional:
            yield from _flat(field.type, *at, field.name)
        else:
            yield (*at, field.name), field


def branch(kind: Type) -> str:
    """What fastavro calls a type of a plain schema, to tell the branches of a union."""
    match kind:
        case Record():
            return kind.name
        case Array():
            return "array"
        case Map():
            return "map"
        case Enumeration() | Scalar.DATE:
            return "int"
        case Scalar.TIMESTAMP:
            return "long"
        case _:
            return str(kind)


class _Data:
    """Compiles the function that makes the datum of a row."""

    def __init__(self, record: Record) -> None:
        self._functions: dict[str, Any] = {"_millis": times.epoch_millis, "_days": times.epoch_days}
        self.function: Callable[[Row], Datum] = self._functions[self._record(record)]

    def _record(self, record: Record) -> str:
        """Compile the function for one record; its name."""
        name = f"datum_{record.name}"
        if name not in self._functions:
            fields = (f"        {key!r}: {self._field(path, field)}," for key, path, field in written(record))
            values = "\n".join(fields)
            source = f"def {name}(r):\n    return {{\n{values}\n    }}\n"
            exec(compile(source, f"<{name}>", "exec"), self._functions)  # noqa: S102 - text of ours, names checked
        return name

    def _field(self, path: FieldPath, field: Field) -> str:
        attribute = ".".join(("r", *map(member, path)))
        return self._optional(field.type, attribute, 0) if field.optional else self._value(field.type, attribute, 0)

    def _optional(self, kind: Type, value: str, depth: int) -> str:
        """The expression for what may be null: a pair of its branch and itself."""
        v = f"v{depth}"
        return f"None if ({v} := {value}) is None else ({branch(kind)!r}, {self._value(kind, v, depth)})"

    def _value(self, kind: Type, value: str, depth: int) -> str:
        """The expression for a value; `depth` tells the variables of a list apart from those of a list in it."""
        x = f"x{depth}"
        match kind:
            case Record():
                return f"{self._record(kind)}({value})"
            case Array():
                return f"[{self._optional(kind.items, x, depth + 1)} for {x} in {value}]"
            case Map():
                return f"{{k{x}: {self._value(kind.values, x, depth + 1)} for k{x}, {x} in {value}.items()}}"
            case Enumeration():
                self._functions[f"E_{kind.name}"] = {symbol: number for number, symbol in enumerate(kind.symbols)}
                return f"E_{kind.name}[{value}]"
            case Scalar.TIMESTAMP:
                return f"_millis({value})"
            case Scalar.DATE:
                return f"_days({value})"
            case _:
                return value
