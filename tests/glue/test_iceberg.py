"""Iceberg schemas from the record types: the Parquet table's columns and partition_date, all optional, docs kept."""

from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema

from glue import arrow
from glue.evolution import breaking as breaking_types
from glue.iceberg import breaking, current, history, properties, schema
from glue.model import fields, pii_names
from glue.schema import load
from glue.tables import parquet_table
from tests.invented import gift, group, member, optional, record_type

TYPES = load()
EVERY_TYPE = pytest.mark.parametrize("name", TYPES)


def array(items: Any) -> Any:
    return {"type": "array", "items": ["null", items]}


@EVERY_TYPE
def test_columns_are_those_of_the_parquet_table_and_the_partition_date(name: str) -> None:
    parquet = arrow.schema(parquet_table(TYPES[name]))

    made = pa.schema([plain(field) for field in schema_to_pyarrow(schema(TYPES[name]))])

    assert made == pa.schema(
        [*(pa.field(one.name, arrow.in_micros(one.type)) for one in parquet), pa.field("partition_date", pa.string())]
    )


def plain(field: "pa.Field[Any]") -> "pa.Field[Any]":
    """A field without metadata, its text as Arrow's string."""
    return pa.field(field.name, plain_type(field.type))


def plain_type(kind: Any) -> Any:
    if pa.types.is_struct(kind):
        return pa.struct([plain(one) for one in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(pa.field("element", plain_type(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), pa.field("value", plain_type(kind.item_type)))
    return pa.string() if pa.types.is_large_string(kind) else kind


@EVERY_TYPE
def test_every_column_is_optional_at_every_depth(name: str) -> None:
    made = schema(TYPES[name])

    required = [path for path in made.column_names if made.find_field(path).required and not path.endswith(".key")]
    assert required == []


@EVERY_TYPE
def test_every_column_has_the_doc_of_its_field(name: str) -> None:
    made = schema(TYPES[name])

    docs = {field.doc for field in fields(TYPES[name].row) if field.doc}
    assert docs <= {made.find_field(path).doc for path in made.column_names}


@EVERY_TYPE
def test_a_table_has_a_partition_for_each_partition_date(name: str) -> None:
    made = history(TYPES[name])

    (partition,) = made.spec.fields

    assert (partition.name, str(partition.transform)) == ("partition_date", "identity")
    assert made.schema.find_column_name(partition.source_id) == "partition_date"


@EVERY_TYPE
def test_a_current_table_has_the_columns_of_the_history_and_the_entity_of_whose_buckets_a_statement_may_write_all(
    name: str,
) -> None:
    made, columns = current(TYPES[name]), history(TYPES[name]).schema.column_names

    (partition,) = made.spec.fields

    assert (made.name, made.schema.column_names) == (f"{name}_current", [*columns, "entity"])
    assert (partition.name, str(partition.transform)) == ("entity_bucket", "bucket[16]")
    assert made.schema.find_column_name(partition.source_id) == "entity"
    assert made.properties == history(TYPES[name]).properties


@EVERY_TYPE
def test_metadata_hold_no_bounds_of_personal_columns_and_are_cleaned_up(name: str) -> None:
    set_ = properties(TYPES[name])

    personal = {field.name.lower() for field in TYPES[name].row.fields if field.name in pii_names({name: TYPES[name]})}
    assert {key.rpartition(".")[2] for key, value in set_.items() if value == "none"} == personal
    assert set_["write.metadata.delete-after-commit.enabled"] == "true"
    assert set_["history.expire.max-snapshot-age-ms"] == str(5 * 86_400_000)


@EVERY_TYPE
def test_no_property_changes_how_other_writers_commit(name: str) -> None:
    assert [key for key in properties(TYPES[name]) if key.startswith("commit.")] == []


def test_a_personal_field_deep_in_a_record_has_no_bounds_either() -> None:
    guest = group("Guest", member("email", "string", pii=True), member("seat"))
    made = record_type(
        gift(
            member("guests", optional(array(guest))),
            member("host", optional(group("Host", member("phone", "string", pii=True)))),
        )
    )

    set_ = properties(made)

    assert {key for key, value in set_.items() if value == "none"} == {
        "write.metadata.metrics.column.guests.element.email",
        "write.metadata.metrics.column.host.phone",
    }
    assert all(
        schema(made).find_field(key.removeprefix("write.metadata.metrics.column.")) for key in set_ if "column" in key
    )


ALLOWED = {
    "a field added": gift(member("count", optional("int")), member("note", optional("string"))),
    "an int widened": gift(member("count", optional("long"))),
    "nothing": gift(member("count", optional("int"))),
}
REFUSED = {
    "a field removed": (gift(), "gift.count: removed"),
    "another type": (gift(member("count", optional("string"))), "gift.count: int made string"),
    "a member removed": (
        gift(
            member("count", optional("int")), member("box", optional(group("Box", member("height", optional("int")))))
        ),
        "gift.box.width: removed",
    ),
}
OLD = gift(
    member("count", optional("int")),
    member("box", optional(group("Box", member("width", optional("int")), member("height", optional("int"))))),
)


@pytest.mark.parametrize("newer", ALLOWED.values(), ids=ALLOWED)
def test_what_breaks_no_reader_is_allowed(newer: dict[str, Any]) -> None:
    box = next(field for field in OLD["fields"] if field["name"] == "box")
    newer = gift(*newer["fields"], box)
    old, new = record_type(OLD), record_type(newer)

    assert breaking("gift", schema(old), schema(new)) == []
    assert breaking_types({"gift": old}, {"gift": new}) == []


@pytest.mark.parametrize(("newer", "why"), REFUSED.values(), ids=REFUSED)
def test_what_breaks_a_reader_is_refused_as_dmd_glue_check_refuses_it(newer: dict[str, Any], why: str) -> None:
    old, new = record_type(OLD), record_type(newer)

    refused = [str(one) for one in breaking("gift", schema(old), schema(new))]

    assert any(one.startswith(why) for one in refused), refused
    assert {one.partition(":")[0] for one in refused} == {
        str(one).partition(":")[0] for one in breaking_types({"gift": old}, {"gift": new})
    }


def test_a_wider_type_within_a_list_or_a_map_is_seen() -> None:
    def tables(kind: Any) -> Schema:
        return schema(record_type(gift(member("sizes", optional(array(kind))))))

    assert breaking("gift", tables("int"), tables("long")) == []
    (refused,) = breaking("gift", tables("long"), tables("int"))
    assert refused.path == "gift.sizes[]"
