"""Read and write Thrift's compact protocol without knowing the structs: what is not changed stays as it was.

    {1: (I32, 2), 3: (STRUCT, {1: (I64, 4)}), 5: (LIST, (BINARY, [b"a"]))}

A struct is its fields by number, each with its type. Parquet's footers are such structs, and writers put fields there
that PyArrow neither shows nor keeps.

Source: Apache Thrift, "Thrift Compact protocol encoding". Parquet has no maps, sets or UUIDs.
"""

from typing import Any, TypeAlias

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST = range(1, 10)
STRUCT = 12

# The type and the value of each field. A boolean's value is its type.
ThriftStruct: TypeAlias = dict[int, tuple[int, Any]]

_INTEGERS = frozenset({I16, I32, I64})
_BY_VARINT = _INTEGERS | {BINARY}
_BOOLEANS = frozenset({TRUE, FALSE})


def read_struct(body: bytes, at: int = 0) -> tuple[ThriftStruct, int]:
    """Return the struct at a place, and the place after it.

    Raises:
        ValueError, IndexError: the struct is missing or cut off.
    """
    # A footer of 30 columns has some 1,200 values: numbers and texts are read here, without a call for each.
    struct: ThriftStruct = {}
    number = 0
    while head := body[at]:
        at += 1
        kind, step = head & 15, head >> 4
        if step:
            number += step
        else:
            number, at = _read_integer(body, at)
        if kind in _BY_VARINT:
            value = body[at]
            at += 1
            if value >= 0x80:
                value, at = _read_varint(body, at - 1)
            if kind != BINARY:
                struct[number] = (kind, value >> 1 ^ -(value & 1))
            elif at + value <= len(body):
                struct[number] = (kind, body[at : at + value])
                at += value
            else:
                raise ValueError("a text is cut off")
        elif kind in _BOOLEANS:
            struct[number] = (kind, True)
        else:
            found, at = _read_value(body, at, kind)
            struct[number] = (kind, found)
    return struct, at + 1


def read_field(body: bytes, at: int, wanted: int) -> tuple[Any, int, int]:
    """Return the value of a field of the struct at a place, and where the value begins and ends.

    Raises:
        ValueError, IndexError: the struct or the field is missing, or cut off.
    """
    number = 0
    while head := body[at]:
        at += 1
        number += head >> 4
        if not head >> 4:
            number, at = _read_integer(body, at)
        begin, kind = at, head & 15
        if kind not in _BOOLEANS:
            value, at = _read_value(body, at, kind)
            if number == wanted:
                return value, begin, at
    raise ValueError(f"there is no field {wanted}")


def write_list(values: tuple[int, list[Any]]) -> bytes:
    """Return a list's bytes: the type of its values, and these."""
    out = bytearray()
    _write_value(out, LIST, values)
    return bytes(out)


def write_struct(struct: ThriftStruct) -> bytes:
    """Return a struct's bytes."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


def _read_value(body: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _read_integer(body, at)
    if kind == BINARY:
        size, at = _read_varint(body, at)
        if size > len(body) - at:
            raise ValueError("a text is cut off")
        return body[at : at + size], at + size
    if kind == STRUCT:
        return read_struct(body, at)
    if kind == LIST:
        return _read_list(body, at)
    if kind in _BOOLEANS or kind == BYTE:
        return body[at], at + 1
    if kind == DOUBLE:
        return body[at : at + 8], at + 8
    raise ValueError(f"no type of Parquet's: {kind}")


def _read_list(body: bytes, at: int) -> tuple[tuple[int, list[Any]], int]:
    kind, size = body[at] & 15, body[at] >> 4
    at += 1
    if size == 15:
        size, at = _read_varint(body, at)
    values = []
    for _ in range(size):
        value, at = _read_value(body, at, kind)
        values.append(value)
    return (kind, values), at


def _read_integer(body: bytes, at: int) -> tuple[int, int]:
    number, at = _read_varint(body, at)
    return number >> 1 ^ -(number & 1), at


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    byte = body[at]
    if byte < 0x80:  # nearly always
        return byte, at + 1
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("an integer is too long")


def _write_struct(out: bytearray, struct: ThriftStruct) -> None:
    before = 0
    for number, (kind, value) in sorted(struct.items()):
        step = number - before
        before = number
        if step < 16:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, number)
        if kind in _INTEGERS and -64 <= value < 64:  # as most are
            out.append(value << 1 if value >= 0 else ~(value << 1))
        elif kind not in _BOOLEANS:
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _write_integer(out, value)
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == STRUCT:
        _write_struct(out, value)
    elif kind == LIST:
        inner, values = value
        out.append(min(len(values), 15) << 4 | inner)
        if len(values) >= 15:
            _write_varint(out, len(values))
        for one in values:
            _write_value(out, inner, one)
    elif kind == DOUBLE:
        out += value
    else:
        out.append(value)


def _write_integer(out: bytearray, number: int) -> None:
    _write_varint(out, number << 1 if number >= 0 else ~(number << 1))


def _write_varint(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
