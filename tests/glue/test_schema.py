"""What glue/schema.py takes for a schema of ours, and how it refuses all else."""

import copy
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.layout import Format
from glue.model import SchemaError, fields
from glue.schema import SCHEMAS, load, read_record_type
from tests.invented import TIME, gift, group, member, optional, record_type, without

OURS = sorted(SCHEMAS.glob("*.avsc"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_schema_is_valid_avro(path: Path) -> None:
    assert fastavro.parse_schema(json.loads(path.read_text("utf-8")))


def test_the_four_record_types_are_there() -> None:
    assert list(load()) == ["demand", "event", "notification", "sale"]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_field_has_a_doc(path: Path) -> None:
    assert all(field.doc for field in fields(load()[path.stem].row))


def test_a_named_type_may_be_used_again_by_its_name() -> None:
    moment = group("Moment", member("at", TIME))

    found = record_type(gift(member("start", optional(moment)), member("end", optional("Moment"))))

    assert found.row.field("end").type == found.row.field("start").type


BAD_FIELDS = [
    pytest.param(member("x", "text"), "gift.x", id="unknown type"),
    pytest.param(member("x", "bytes"), "gift.x", id="bytes"),
    pytest.param(member("x", "float"), "gift.x", id="float"),
    pytest.param(member("x", {"type": "fixed", "name": "F", "size": 4}), "gift.x", id="fixed"),
    pytest.param(member("x", {"type": "long", "logicalType": "timestamp-micros"}), "gift.x", id="micros"),
    pytest.param(member("x", {"type": "bytes", "logicalType": "decimal"}), "gift.x", id="decimal"),
    pytest.param(member("x", {"type": "long", "logicalType": {}}), "gift.x", id="logical type of another shape"),
    pytest.param(member("x", ["string", "null"]), "gift.x", id="null second"),
    pytest.param(member("x", ["null", "int", "string"]), "gift.x", id="union of three"),
    pytest.param(member("x", ["null", ["null", "int"]]), "gift.x", id="union in a union"),
    pytest.param(member("x", {"type": "array", "items": ["null", "text"]}), "gift.x[]", id="items"),
    pytest.param(member("x", {"type": "array", "items": "string"}), "gift.x[]", id="items that may not be null"),
    pytest.param(member("__init__"), "gift", id="a name of Python's own"),
    pytest.param(member("x", {"type": "map", "values": ["null", "string"]}), "gift.x[*]", id="null in a map"),
    pytest.param(
        member("x", {"type": "array", "items": ["null", "int"], "default": []}), "gift.x", id="unknown attribute"
    ),
    pytest.param(member("x", group("G")), "gift.x", id="no fields"),
    pytest.param(member("x", group("G", member("y", "text"))), "gift.x.y", id="deep"),
    pytest.param(member("x", group("G", member("y"), member("Y"))), "gift.x.Y", id="names that fold together"),
    pytest.param(member("x", group("gift", member("y"))), "gift.x", id="name of the record in use"),
    pytest.param(member("x", group("G", member("y", group("G", member("z"))))), "gift.x.y", id="name of an outer type"),
    pytest.param(member("x", group("string", member("y"))), "gift.x", id="Avro's own name"),
    pytest.param(member("x", {"type": "enum", "name": "E", "symbols": []}), "gift.x", id="no symbols"),
    pytest.param(member("x", {"type": "enum", "name": "E", "symbols": ["a", "a"]}), "gift.x", id="a symbol twice"),
    pytest.param(member("x", {"type": "enum", "name": "E", "symbols": ["a-b"]}), "gift.x", id="symbol is no name"),
    pytest.param(member("x", {"type": "enum", "name": "E", "symbols": [{}]}), "gift.x", id="symbol is no text"),
    pytest.param(member("x", optional("string"), default="y"), "gift.x", id="default other than null"),
    pytest.param(member("x", default=None), "gift.x", id="default of a required field"),
    pytest.param(member("x", doc=""), "gift.x", id="empty doc"),
    pytest.param(member("x", doc=7), "gift.x", id="doc is no text"),
    pytest.param(member("x", optional("int"), pii=True), "gift.x", id="number as personal data"),
    pytest.param(member("x", pii="false"), "gift.x", id="pii is no boolean"),
    pytest.param(member("x", PII=True), "gift.x", id="misspelt mark"),
    pytest.param(member("x", derived=True), "gift.x", id="unknown derived field"),
    pytest.param(member("x", group("G", member("change", derived=True))), "gift.x.change", id="derived inside"),
    pytest.param(member("isDeleted", "string", derived=True), "gift.isDeleted", id="isDeleted is no boolean"),
    pytest.param(member("partition_date"), "gift.partition_date", id="the partition column"),
    pytest.param(member("Entity"), "gift.Entity", id="the key of a current table"),
    pytest.param(member("MADEAT"), "gift.MADEAT", id="column that folds together"),
    pytest.param(member("a.b"), "gift", id="a dot in a name"),
    pytest.param(member("é"), "gift", id="not ASCII"),
]


@pytest.mark.parametrize(("field", "path"), BAD_FIELDS)
def test_a_field_we_do_not_carry_out_is_refused_with_its_path(field: dict[str, Any], path: str) -> None:
    with pytest.raises(SchemaError) as refused:
        record_type(gift(field))

    assert str(refused.value).startswith(f"{path}: ")


BAD_FACTS = [
    pytest.param(gift(deletionTime="deleted"), "gift.deletionTime", id="no such deletion time"),
    pytest.param(gift(deletionTime="id"), "gift.deletionTime", id="deletion time is no time"),
    pytest.param(gift(deletionTime=None), "gift.deletionTime", id="no deletion time"),
    pytest.param(gift(partitionDate=None), "gift.partitionDate", id="no partition date"),
    pytest.param(
        gift(partitionDate={"sources": ["deletedAt"], "from": "2015-01-01", "to": "2039-12-31"}),
        "gift.partitionDate.sources",
        id="a partition date that may be absent",
    ),
    pytest.param(
        gift(partitionDate={"sources": ["madeAt"], "from": "20150101", "to": "2039-12-31"}),
        "gift.partitionDate.from",
        id="a date in another form",
    ),
    pytest.param(
        gift(partitionDate={"sources": ["madeAt"], "from": "2015-01-01", "to": "2015-02-30"}),
        "gift.partitionDate.to",
        id="no day",
    ),
    pytest.param(
        gift(partitionDate={"sources": ["madeAt"], "from": "2015-01-02", "to": "2015-01-01"}),
        "gift.partitionDate",
        id="an empty range",
    ),
    pytest.param(without(gift(), "change"), "gift", id="no change"),
    pytest.param(without(gift(), "isDeleted"), "gift", id="no isDeleted"),
    pytest.param(without(gift(), "reference"), "gift", id="no reference"),
    pytest.param(gift(namespace="a b"), "gift.namespace", id="namespace is no name"),
    pytest.param(gift(doc=7), "gift", id="doc is no text"),
    pytest.param(gift(partitiondate={}), "gift", id="misspelt fact"),
    pytest.param(gift(type="error"), "gift", id="not a record"),
]


@pytest.mark.parametrize(("schema", "path"), BAD_FACTS)
def test_a_fact_that_does_not_hold_is_refused_with_its_path(schema: dict[str, Any], path: str) -> None:
    with pytest.raises(SchemaError) as refused:
        record_type(schema)

    assert str(refused.value).startswith(f"{path}: ")


def test_a_deletion_time_in_an_optional_record_that_needs_more_is_refused() -> None:
    dates = group("Dates", member("made", TIME), member("gone", optional(TIME)))
    schema = gift(member("dates", optional(dates)), deletionTime="dates.gone")

    with pytest.raises(SchemaError, match=r"^gift\.deletionTime: dates is optional"):
        record_type(schema)


def test_a_reference_of_a_part_that_may_be_absent_is_refused() -> None:
    schema = gift(member("code", optional("string")))
    next(field for field in schema["fields"] if field["name"] == "reference")["idParts"] = ["id", "code"]

    with pytest.raises(SchemaError, match=r"^gift\.reference\.idParts: "):
        record_type(schema)


@pytest.mark.parametrize("name", Format)
def test_a_type_of_a_modes_name_is_refused_as_two_delivery_streams_would_be_called_so(name: Format) -> None:
    with pytest.raises(SchemaError, match=rf"^{name}: is the name of a mode"):
        record_type(gift(name=str(name)))


def test_a_schema_named_other_than_its_file_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^present: "):
        read_record_type("present", json.dumps(gift()).encode())


def test_a_folder_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"no \.avsc file"):
        load(tmp_path)


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b'{"a":1} x', b"[" * 100_000], ids=repr)
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(SchemaError, match=r"^gift: "):
        read_record_type("gift", text)


def test_a_schema_nested_without_end_is_refused() -> None:
    arrays = '{"type": "array", "items": ["null", ' * 5_000 + '"string"' + "]}" * 5_000
    text = json.dumps(gift(member("x", "HERE"))).replace('"HERE"', arrays)

    with pytest.raises(SchemaError, match="nested too deep"):
        read_record_type("gift", text.encode())


@given(JSON)
def test_any_json_is_refused_or_a_record_type(schema: object) -> None:
    assert_loads_or_is_refused(schema)


@given(st.data())
def test_a_schema_damaged_anywhere_is_refused_or_valid_avro(data: st.DataObject) -> None:
    schema = gift(member("x", optional(group("G", member("y", {"type": "map", "values": "int"})))))
    places = list(_places(schema))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON | st.sampled_from(["record", "null", "string", "gift", "G", "array"]))

    assert_loads_or_is_refused(schema)


def assert_loads_or_is_refused(schema: object) -> None:
    try:
        found = read_record_type("gift", json.dumps(schema).encode())
    except SchemaError:
        return
    assert fastavro.parse_schema(copy.deepcopy(dict(found.avro)))


def _places(schema: Any) -> Any:
    """Every (container, key) of a schema."""
    pairs = schema.items() if isinstance(schema, dict) else enumerate(schema)
    for key, value in list(pairs):
        yield schema, key
        if isinstance(value, dict | list):
            yield from _places(value)
