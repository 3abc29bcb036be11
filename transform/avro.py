r"""Avro object containers of one record type. Generated functions encode the rows; fastavro writes the files.

fastavro itself takes 41 us to encode a demand, more than all the rest of the function. It finds the branch of a union
by validating the value against each branch, so a nested record is validated again at every level. Given the branches,
(branch, value), and plain longs for times, it still takes 14 us, and preparing such data another 4: some 30 values,
each looked up by name and distinguished by its type. Here both are done once, when the encoder of a record type is
generated, as row builders are (transform/row.py). It takes 4 us.

The encoded data are the same bytes that fastavro makes of the row; tests hold them equal. The headers and blocks of the
files are written by fastavro.

    def encode_demand(r):
        r0 = r.date
        return ''.join((
            LENGTHS[n0] if (n0 := len(s0 := r.fanId if r.fanId.isascii() else utf8(r.fanId))) < SHORT else long(n0),
            s0,
            '\x00' if (v0 := r.system) is None else '\x02' + encode_System(v0),
            r0.requested[DATE:],
            ...
        ))
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from fastavro.write import Writer
from zlib_ng import zlib_ng

from glue.model import ArrayType, DecimalType, Enumeration, MapType, Record, RecordType, Scalar, Type
from glue.tables import avro_literal
from transform import avro_binary
from transform.attributes import member
from transform.avro_binary import FALSE, NULL, PRESENT, TRUE
from transform.row import Row

MARKER_BYTES = 16  # the sync marker between blocks (Avro specification, "Object container files")


class AvroFiles:
    """Writes the containers of one record type. Their schema is the `avro.schema.literal` of its Glue table.

    `codec` is `deflate` or `null`. `encode` encodes one row.
    """

    def __init__(self, record_type: RecordType, codec: str) -> None:
        self.encode: Callable[[Row], str] = _Encoders(record_type.row).function
        self._compress = _deflate if codec == "deflate" else bytes
        schema = json.loads(avro_literal(record_type))
        self._file = io.BytesIO()
        # One writer makes the header of all files, another the blocks: a writer per file would cost as much as 5 rows.
        # The second has no codec, because fastavro would deflate with zlib; its header is not used.
        Writer(self._file, schema, codec, sync_marker=bytes(MARKER_BYTES))
        self._header = self._taken()
        self._writer = Writer(self._file, schema, "null", sync_marker=bytes(MARKER_BYTES))
        self._taken()

    def container(self, data: Sequence[str], marker: bytes) -> bytes:
        """An object container file of one block. The same data and marker give the same bytes."""
        self._writer.write_block(_Block(len(data), self._compress("".join(data).encode("latin-1"))))
        return b"".join((self._header, marker, self._taken(), marker))

    def _taken(self) -> bytes:
        """The bytes written since the last call, without the sync marker at their end."""
        written = self._file.getvalue()[:-MARKER_BYTES]
        self._file.seek(0)
        self._file.truncate()
        return written


class _Block:
    """Encoded rows in the form in which fastavro passes a block from a reader to a writer."""

    def __init__(self, records: int, data: bytes) -> None:
        self.num_records = records
        self.bytes_ = io.BytesIO(data)


def _deflate(data: bytes) -> bytes:
    """Compress as Avro's codec deflate: raw deflate (RFC 1951), at zlib's default level, 6.

    zlib-ng takes half the time of zlib, and its demands are 3 % smaller. Level 2 would save 1.5 us of a demand's 5, but
    make all files a tenth larger.
    """
    compressor = zlib_ng.compressobj(wbits=-zlib_ng.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


_FUNCTIONS: dict[Type, str] = {
    Scalar.DATE: "days",
    Scalar.INT: "integer",
    Scalar.LONG: "long",
    Scalar.DOUBLE: "double",
}


class _Encoders:
    """Generates the encoder of a row, and one for each nested record that is optional, or in a list or map.

    The fields of a required nested record are encoded within the outer record's encoder, which saves a call.
    """

    def __init__(self, record: Record) -> None:
        self._names = dict(vars(avro_binary))  # the generated code calls these by name
        self.function: Callable[[Row], str] = self._names[self._record(record)]

    def _record(self, record: Record) -> str:
        name = f"encode_{record.name}"
        if name not in self._names:
            inner: list[str] = []
            values = [f"        {value}," for value in self._fields(record, "r", inner)]
            source = "\n".join((f"def {name}(r):", *inner, "    return ''.join((", *values, "    ))"))
            exec(compile(source, f"<{name}>", "exec"), self._names)  # noqa: S102 - our own text; its names were checked
        return name

    def _fields(self, record: Record, row: str, inner: list[str]) -> Iterator[str]:
        """The expressions for the fields of the record `row`. Adds to `inner` the assignments of its nested records."""
        for field in record.fields:
            value = f"{row}.{member(field.name)}"
            if field.optional:
                yield from self._optional(field.type, value, 0)
            elif isinstance(field.type, Record):
                name = f"r{len(inner)}"
                inner.append(f"    {name} = {value}")
                yield from self._fields(field.type, name, inner)
            else:
                yield from self._value(field.type, value, 0)

    def _optional(self, kind: Type, value: str, depth: int) -> tuple[str, ...]:
        """The expressions for ["null", T]: the index of the branch and the value."""
        if isinstance(kind, Enumeration):
            return (f"{self._symbols(kind, optional=True)}[{value}]",)
        v = f"v{depth}"
        null = f"{NULL!r} if ({v} := {value}) is None else "
        if kind is Scalar.STRING:
            length, text = _string(v, depth, "PRESENT_LENGTHS", f"{PRESENT!r} + ")
            return null + length, f"'' if {v} is None else {text}"
        return (f"{null}{PRESENT!r} + {_added(self._value(kind, v, depth))}",)

    def _value(self, kind: Type, value: str, depth: int) -> tuple[str, ...]:
        """The expressions for a value. `depth` keeps the variables of a list apart from those of a list within it."""
        x = f"x{depth}"
        match kind:
            case Record():
                return (f"{self._record(kind)}({value})",)
            case ArrayType():
                return (f"items([{_added(self._optional(kind.items, x, depth + 1))} for {x} in {value}])",)
            case MapType():
                entry = _added((*_string(f"k{x}", depth + 1), *self._value(kind.values, x, depth + 1)))
                return (f"items([{entry} for k{x}, {x} in {value}.items()])",)
            case Enumeration():
                return (f"{self._symbols(kind, optional=False)}[{value}]",)
            case Scalar.STRING:
                return _string(value, depth)
            case Scalar.TIMESTAMP:
                return (f"{value}[DATE:]",)
            case Scalar.BOOLEAN:
                return (f"{TRUE!r} if {value} else {FALSE!r}",)
            case _:
                return (f"{'decimal' if isinstance(kind, DecimalType) else _FUNCTIONS[kind]}({value})",)

    def _symbols(self, kind: Enumeration, *, optional: bool) -> str:
        """The name of the table from an enumeration's symbols, and None where it is optional, to their encoding."""
        name, branch = (f"O_{kind.name}", PRESENT) if optional else (f"E_{kind.name}", "")
        numbers: dict[str | None, str] = {None: NULL} if optional else {}
        self._names[name] = numbers | {symbol: branch + avro_binary.long(at) for at, symbol in enumerate(kind.symbols)}
        return name


def _string(value: str, depth: int, lengths: str = "LENGTHS", branch: str = "") -> tuple[str, str]:
    """The expressions for a text: its length and the text. They are two because joining costs less than adding."""
    s, n = f"s{depth}", f"n{depth}"
    length = f"len({s} := {value} if {value}.isascii() else utf8({value}))"
    return f"{lengths}[{n}] if ({n} := {length}) < SHORT else {branch}long({n})", s


def _added(expressions: Iterable[str]) -> str:
    return " + ".join(f"({expression})" for expression in expressions)
