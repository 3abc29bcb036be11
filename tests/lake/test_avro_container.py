"""Avro containers as rows: what was written is what is read, under lower-case names, and damage is noticed."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.query.avro_container import ContainerReader


def test_a_block_that_says_another_number_of_rows_is_damaged() -> None:
    literal = json.dumps({"type": "record", "name": "row", "fields": [{"name": "id", "type": "string"}]})
    header = b"Obj\x01\x02\x16avro.schema" + bytes([len(literal) * 2 % 128 + 128, len(literal) * 2 // 128])
    start = header + literal.encode() + b"\x00" + b"s" * 16
    reader = ContainerReader(literal, ["id"])

    assert list(reader.rows(io.BytesIO(start + b"\x02\x04\x02a" + b"s" * 16))) == [[{"id": "a"}]]
    another_row, no_string, less_than_none = b"\x02\x06\x02a\x00", b"\x04\x04\x02a", b"\x01\x06\x04\x02a"
    for block in (another_row, no_string, less_than_none):
        with pytest.raises((ValueError, EOFError)):
            list(reader.rows(io.BytesIO(start + block + b"s" * 16)))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
VALUES = st.fixed_dictionaries(
    {
        "id": st.text(),
        "n": st.none() | st.integers(-(2**31), 2**31 - 1),
        "isOn": st.booleans(),
        "tags": st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3),
        "byPlace": st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=2), st.floats()), max_size=3),
        "price": st.none() | st.decimals(-99999999, 99999999, places=2),
        "inner": st.none() | st.fixed_dictionaries({"innerAt": st.integers(-(2**40), 2**40)}),
    }
)
OPTIONAL_TAGS = ["null", {"type": "array", "items": ["null", "string"]}]
INNER = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "innerAt", "type": {"type": "long", "logicalType": "timestamp-micros"}}],
}
EVERY_KIND = {
    "type": "record",
    "name": "row",
    "namespace": "ours",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "n", "type": ["null", "int"], "default": None},
        {"name": "isOn", "type": "boolean"},
        {"name": "tags", "type": OPTIONAL_TAGS, "default": None},
        {"name": "byPlace", "type": {"type": "map", "values": {"type": "map", "values": "double"}}},
        {"name": "price", "type": ["null", PRICE], "default": None},
        {"name": "inner", "type": ["null", INNER], "default": None},
    ],
}


@given(st.lists(VALUES, max_size=5), st.sampled_from(["null", "deflate", "bzip2", "xz"]))
def test_what_fastavro_writes_is_what_is_read(values: list[dict[str, Any]], codec: str) -> None:
    file = io.BytesIO()
    fastavro.writer(file, EVERY_KIND, values, codec=codec)
    reader = ContainerReader(json.dumps(EVERY_KIND), ["id", "n", "ison", "tags", "byplace", "price", "inner"])

    found = [row for block in reader.rows(io.BytesIO(file.getvalue())) for row in block]

    assert repr([sorted(row.items()) for row in found]) == repr([sorted(as_read(value).items()) for value in values])


def as_read(row: dict[str, Any]) -> dict[str, Any]:
    """The row with Hive's names, and a time as a time."""
    inner = row["inner"] and {"innerat": EPOCH + timedelta(microseconds=row["inner"]["innerAt"])}
    return {name.lower(): value for name, value in row.items()} | {"inner": inner}
