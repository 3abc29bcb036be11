r"""Avro object containers of one record type: rows become data by compiled functions, fastavro writes the files.

fastavro looks for the branch of a union by validating the value against each, and so every nested record again at every
level: 46 us a demand. Told the branches, (branch, value), and with plain longs for times it still takes 14, and making
such data of a row 4 more: some 30 values of a demand, each looked up by name and told apart by its type at run time.
Here that is done once, when the function of a record type is compiled, as row builders are (transform/row.py): 3 us
in all. The data are the bytes that fastavro makes of the row, which tests/transform/test_avro_mode.py holds; header and
blocks of the files are its own work.

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

from glue.model import Array, Enumeration, Map, Record, RecordType, Scalar, Type
from glue.tables import avro_literal
from transform import avro_binary
from transform.attributes import member
from transform.avro_binary import FALSE, NULL, PRESENT, TRUE
from transform.row import Row

MARKER_BYTES = 16  # the sync marker between blocks (Avro specification, "Object container files")


class AvroFiles:
    """Writes the containers of one record type; their schema is the literal of its Avro table.

    `codec` is `deflate` or `null`. `encode` makes a row's datum.
    """

    def __init__(self, record_type: RecordType, codec: str) -> None:
        self.encode: Callable[[Row], str] = _Encoders(record_type.row).function
        self._compress = _deflate if codec == "deflate" else bytes
        schema = json.loads(avro_literal(record_type))
        self._file = io.BytesIO()
        # One writer makes the header of all files, one their blocks: a new one would cost each as much as 5 records.
        # The second has no codec, for fastavro's own is zlib, and its header is nobody's.
        Writer(self._file, schema, codec, sync_marker=bytes(MARKER_BYTES))
        self._header = self._taken()
        self._writer = Writer(self._file, schema, "null", sync_marker=bytes(MARKER_BYTES))
        self._taken()

    def container(self, data: Sequence[str], marker: bytes) -> bytes:
        """One object container file of one block: the same data and marker give the same bytes."""
        self._writer.write_block(_Block(len(data), self._compress("".join(data).encode("latin-1"))))
        return b"".join((self._header, marker, self._taken(), marker))

    def _taken(self) -> bytes:
        """What the writer has written since the last time, without its sync marker: each file has one of its own."""
        written = self._file.getvalue()[:-MARKER_BYTES]
        self._file.seek(0)
        self._file.truncate()
        return written


class _Block:
    """Data in the form in which fastavro hands them from a reader to a writer."""

    def __init__(self, records: int, data: bytes) -> None:
        self.num_records = records
        self.bytes_ = io.BytesIO(data)


def _deflate(data: bytes) -> bytes:
    """Raw deflate (RFC 1951), as Avro's codec is, at zlib's own default level, 6.

    zlib-ng takes half the time of zlib, and 3 % less room for demands. Level 2 would save 1.5 us of a demand's 5, and
    make files a tenth larger for good.
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
    """Compiles the function that makes the datum of a row; one for each record that is optional, or in a list or map.

    The fields of a required record stand among those of the record around it, which spares a call and a text.
    """

    def __init__(self, record: Record) -> None:
        self._names = dict(vars(avro_binary))  # all that the functions call by name is there
        self.function: Callable[[Row], str] = self._names[self._record(record)]

    def _record(self, record: Record) -> str:
        name = f"encode_{record.name}"
        if name not in self._names:
            inner: list[str] = []
            values = [f"        {value}," for value in self._fields(record, "r", inner)]
            source = "\n".join((f"def {name}(r):", *inner, "    return ''.join((", *values, "    ))"))
            exec(compile(source, f"<{name}>", "exec"), self._names)  # noqa: S102 - text of ours, names checked
        return name

    def _fields(self, record: Record, row: str, inner: list[str]) -> Iterator[str]:
        """The expressions for the fields of the record `row`; `inner` takes the lines that name the records in it."""
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
        """The expressions for ["null", T]: the number of the branch and the value."""
        if isinstance(kind, Enumeration):
            return (f"{self._symbols(kind, optional=True)}[{value}]",)
        v = f"v{depth}"
        null = f"{NULL!r} if ({v} := {value}) is None else "
        if kind is Scalar.STRING:
            length, text = _string(v, depth, "PRESENT_LENGTHS", f"{PRESENT!r} + ")
            return null + length, f"'' if {v} is None else {text}"
        return (f"{null}{PRESENT!r} + {_added(self._value(kind, v, depth))}",)

    def _value(self, kind: Type, value: str, depth: int) -> tuple[str, ...]:
        """The expressions for a value; `depth` tells the variables of a list apart from those of a list in it."""
        x = f"x{depth}"
        match kind:
            case Record():
                return (f"{self._record(kind)}({value})",)
            case Array():
                return (f"items([{_added(self._optional(kind.items, x, depth + 1))} for {x} in {value}])",)
            case Map():
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
                return (f"{_FUNCTIONS[kind]}({value})",)

    def _symbols(self, kind: Enumeration, *, optional: bool) -> str:
        """The name of what the symbols of an enumeration are encoded as, None among them where it is optional."""
        name, branch = (f"O_{kind.name}", PRESENT) if optional else (f"E_{kind.name}", "")
        numbers: dict[str | None, str] = {None: NULL} if optional else {}
        self._names[name] = numbers | {symbol: branch + avro_binary.long(at) for at, symbol in enumerate(kind.symbols)}
        return name


def _string(value: str, depth: int, lengths: str = "LENGTHS", branch: str = "") -> tuple[str, str]:
    """The expressions for a text: its length and itself, for to join them costs less than to add them before."""
    s, n = f"s{depth}", f"n{depth}"
    length = f"len({s} := {value} if {value}.isascii() else utf8({value}))"
    return f"{lengths}[{n}] if ({n} := {length}) < SHORT else {branch}long({n})", s


def _added(expressions: Iterable[str]) -> str:
    return " + ".join(f"({expression})" for expression in expressions)
