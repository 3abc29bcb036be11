r"""Avro object containers of one record type: rows become data by compiled functions, fastavro writes the files.

fastavro looks for the branch of a union by validating the value against each, and so every nested record again at every
level: 46 us a demand. Told the branches, (branch, value), and with plain longs for times it still takes 14, and making
such data of a row 4 more: some 30 values of a demand, each looked up by name and told apart by its type at run time.
Here that is done once, when the function of a record type is compiled, as row builders are (transform/row.py): 4 us
in all. The data are the bytes that fastavro makes of the row, which tests/test_avro_mode.py holds; header, blocks and
codec of the files are its own work.

Avro data are made as text of which each character is a byte (Latin-1), because joining texts is what Python does best:

    def encode_demand(r):
        return ''.join((
            _P[len(v0)] + v0 if (v0 := r.fanId).isascii() else _text(v0),
            '\x00' if (v0 := r.artistId) is None else '\x02' + (_P[len(v0)] + v0 if v0.isascii() else _text(v0)),
            _millis(r.requestedDateTime),
            ...
        ))
"""

import io
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from typing import Any

from fastavro.write import Writer

from glue.model import Array, Enumeration, Field, Map, Record, RecordType, Scalar, Type
from glue.tables import avro_literal
from transform import times
from transform.attributes import member
from transform.row import Row

MARKER_BYTES = 16  # the sync marker between blocks (Avro specification, "Object container files")

# Of zlib, its own default: 1 would save 3 us a demand, a tenth of all, and make files a sixth larger for good.
LEVEL = 6


class AvroFiles:
    """Writes the containers of one record type; their schema is the literal of its Avro table.

    `codec` is `deflate` or `null`. `encode` makes a row's datum.
    """

    def __init__(self, record_type: RecordType, codec: str) -> None:
        self.encode: Callable[[Row], str] = _Encoders(record_type.row).function
        self._file = io.BytesIO()
        schema = json.loads(avro_literal(record_type))
        # One writer makes the blocks of all files: a new one would cost each as much as 5 records.
        self._writer = Writer(self._file, schema, codec, sync_marker=bytes(MARKER_BYTES), compression_level=LEVEL)
        self._header = self._taken()

    def container(self, data: Iterable[str], marker: bytes) -> bytes:
        """One object container file of one block: the same data and marker give the same bytes."""
        self._writer.write_block(_Block(list(data)))
        return b"".join((self._header, marker, self._taken(), marker))

    def _taken(self) -> bytes:
        """What the writer has written since the last time, without its sync marker: each file has one of its own."""
        written = self._file.getvalue()[:-MARKER_BYTES]
        self._file.seek(0)
        self._file.truncate()
        return written


class _Block:
    """Data in the form in which fastavro hands them from a reader to a writer."""

    def __init__(self, data: list[str]) -> None:
        self.num_records = len(data)
        self.bytes_ = io.BytesIO("".join(data).encode("latin-1"))


class _Encoders:
    """Compiles the function that makes the datum of a row; one for each record in it."""

    def __init__(self, record: Record) -> None:
        self._functions: dict[str, Any] = {
            "_P": LENGTHS,
            "_text": text,
            "_items": items,
            "_long": long,
            "_int": lru_cache(maxsize=8192)(long),
            "_double": double,
            "_millis": lru_cache(maxsize=8192)(lambda time: long(times.epoch_millis(time))),
            "_days": lru_cache(maxsize=8192)(lambda day: long(times.epoch_days(day))),
        }
        self.function: Callable[[Row], str] = self._functions[self._record(record)]

    def _record(self, record: Record) -> str:
        name = f"encode_{record.name}"
        if name not in self._functions:
            values = "\n".join(f"        {self._field(field)}," for field in record.fields)
            source = f"def {name}(r):\n    return ''.join((\n{values}\n    ))\n"
            exec(compile(source, f"<{name}>", "exec"), self._functions)  # noqa: S102 - text of ours, names checked
        return name

    def _field(self, field: Field) -> str:
        attribute = f"r.{member(field.name)}"
        return self._optional(field.type, attribute, 0) if field.optional else self._value(field.type, attribute, 0)

    def _optional(self, kind: Type, value: str, depth: int) -> str:
        """The expression for ["null", T]: the number of the branch, 0 or 1, and the value."""
        v = f"v{depth}"
        return f"'\\x00' if ({v} := {value}) is None else '\\x02' + ({self._value(kind, v, depth)})"

    def _value(self, kind: Type, value: str, depth: int) -> str:
        """The expression for a value; `depth` tells the variables of a list apart from those of a list in it."""
        x = f"x{depth}"
        match kind:
            case Record():
                return f"{self._record(kind)}({value})"
            case Array():
                return f"_items([{self._optional(kind.items, x, depth + 1)} for {x} in {value}])"
            case Map():
                key = self._value(Scalar.STRING, f"k{x}", depth + 1)
                return (
                    f"_items([({key}) + ({self._value(kind.values, x, depth + 1)}) for k{x}, {x} in {value}.items()])"
                )
            case Enumeration():
                self._functions[f"E_{kind.name}"] = {symbol: long(at) for at, symbol in enumerate(kind.symbols)}
                return f"E_{kind.name}[{value}]"
            case Scalar.STRING:
                return f"_P[len(s{depth})] + s{depth} if (s{depth} := {value}).isascii() else _text(s{depth})"
            case Scalar.BOOLEAN:
                return f"'\\x01' if {value} else '\\x00'"
            case _:
                return f"{_FUNCTIONS[kind]}({value})"


_FUNCTIONS = {
    Scalar.TIMESTAMP: "_millis",
    Scalar.DATE: "_days",
    Scalar.INT: "_int",
    Scalar.LONG: "_long",
    Scalar.DOUBLE: "_double",
}


# Avro specification, "Binary encoding".


def long(number: int) -> str:
    r"""An int or a long: zig-zag, then seven bits a byte, the lowest first. -1 -> "\x01", 64 -> "\x80\x01"."""
    rest = (number << 1) ^ (number >> 63)
    parts = []
    while rest > 0x7F:
        parts.append(chr(rest & 0x7F | 0x80))
        rest >>= 7
    return "".join(parts) + chr(rest)


class _Lengths(dict[int, str]):
    """Lengths as longs, made when first asked for."""

    def __missing__(self, length: int) -> str:
        made = long(length)
        if length < 10_000:
            self[length] = made
        return made


LENGTHS = _Lengths()


def text(value: str) -> str:
    r"""A string: the length of its UTF-8 bytes, and they. "é" -> "\x04\xc3\xa9"."""
    in_bytes = value.encode().decode("latin-1")
    return LENGTHS[len(in_bytes)] + in_bytes


def items(encoded: list[str]) -> str:
    """An array, or a map, whose items are keys and values: how many, they, and none."""
    return f"{LENGTHS[len(encoded)]}{''.join(encoded)}\x00" if encoded else "\x00"


_DOUBLE = Struct("<d").pack


def double(value: float) -> str:
    """A double: its eight bytes, the lowest first."""
    return _DOUBLE(value).decode("latin-1")
