"""Which changes of the schemas are refused: those that break a reader, or the rows that lie there."""

import io
import json
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_one

from glue.evolution import BreakingChange, breaking
from glue.schema import load
from glue.tables import avro_literal
from tests.invented import TIME, gift, group, member, optional, record_type

ENUM = {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}
LATER = {"sources": ["madeAt"], "from": "2015-01-02", "to": "2039-12-31"}
SHORTER = {"sources": ["madeAt"], "from": "2015-01-01", "to": "2039-12-30"}
WIDER = {"sources": ["madeAt"], "from": "2010-01-01", "to": "2049-12-31"}
OTHER_SOURCE = {"sources": ["change.at"], "from": "2015-01-01", "to": "2039-12-31"}


def between(older: dict[str, Any], newer: dict[str, Any]) -> list[BreakingChange]:
    return breaking({"gift": record_type(older)}, {"gift": record_type(newer)})


def x(kind: Any, **further: Any) -> dict[str, Any]:
    """The schema with a field x."""
    return gift(member("x", kind, **further))


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": ["null", items]}


def map_(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": values}


def referring(**attributes: Any) -> dict[str, Any]:
    """The schema with other attributes on reference."""
    schema = x("string")
    next(field for field in schema["fields"] if field["name"] == "reference").update(attributes)
    return schema


REFUSED = [
    pytest.param(x("string"), gift(), "gift.x", "removed", id="field removed"),
    pytest.param(x("string"), gift(member("X")), "gift.x", "removed", id="field renamed by case"),
    pytest.param(gift(), x("string"), "gift.x", "without a default", id="required field added"),
    pytest.param(x(optional("string")), x("string"), "gift.x", "made required", id="made required"),
    pytest.param(x("long"), x("int"), "gift.x", "long made int", id="narrowed"),
    pytest.param(x("int"), x("double"), "gift.x", "int made double", id="int to double"),
    pytest.param(x("string"), x(ENUM), "gift.x", "string made enum", id="string to enum"),
    pytest.param(x(ENUM), x("string"), "gift.x", "enum made string", id="enum to string"),
    pytest.param(x(TIME), x("long"), "gift.x", "timestamp-millis made long", id="time to number"),
    pytest.param(x("string"), x(array("string")), "gift.x", "string made array", id="made a list"),
    pytest.param(x(ENUM), x(ENUM | {"symbols": ["A"]}), "gift.x", "symbol B removed", id="symbol removed"),
    pytest.param(x(ENUM), x(ENUM | {"name": "Sort"}), "gift.x", "renamed from Kind to Sort", id="enum renamed"),
    pytest.param(
        x(group("G", member("y"))), x(group("H", member("y"))), "gift.x", "renamed from G to H", id="struct renamed"
    ),
    pytest.param(x(array("long")), x(array("int")), "gift.x[]", "long made int", id="items narrowed"),
    pytest.param(x(map_("long")), x(map_("int")), "gift.x[*]", "long made int", id="values narrowed"),
    pytest.param(
        x(map_(array(group("G", member("y"), member("z"))))),
        x(map_(array(group("G", member("y"))))),
        "gift.x[*][].z",
        "removed",
        id="deep field removed",
    ),
    pytest.param(
        x(group("G", member("y"))),
        x(group("G", member("y"), member("z"))),
        "gift.x.z",
        "without a default",
        id="deep required field added",
    ),
    pytest.param(x("string", pii=True), x("string"), "gift.x", "personal data", id="mark removed"),
    pytest.param(gift(), gift(partitionDate=LATER), "gift.partition_date", "narrowed", id="range starts later"),
    pytest.param(gift(), gift(partitionDate=SHORTER), "gift.partition_date", "narrowed", id="range ends earlier"),
    pytest.param(gift(), gift(partitionDate=OTHER_SOURCE), "gift.partition_date.sources", "other dates", id="source"),
    pytest.param(gift(), gift(deletionTime="madeAt"), "gift.deletion_time", "elsewhere", id="deletion time"),
    pytest.param(gift(), gift(namespace="other"), "gift.namespace", "full names", id="namespace"),
    pytest.param(x("string"), referring(idParts=["id", "x"]), "gift.reference_id", "another reference.id", id="id"),
    pytest.param(
        x("string"), referring(timestampSources=["madeAt"]), "gift.reference_timestamp", "compare", id="timestamp"
    ),
]


@pytest.mark.parametrize(("older", "newer", "path", "why"), REFUSED)
def test_a_breaking_change_is_refused_by_path_and_reason(
    older: dict[str, Any], newer: dict[str, Any], path: str, why: str
) -> None:
    found = between(older, newer)

    assert any(refusal.path == path and why in refusal.why for refusal in found), found


ALLOWED = [
    pytest.param(gift(), x(optional("string")), id="optional field added"),
    pytest.param(
        x(group("G", member("y"))), x(group("G", member("y"), member("z", optional("int")))), id="deep optional field"
    ),
    pytest.param(x("int"), x("long"), id="int to long"),
    pytest.param(x("string"), x(optional("string")), id="made optional"),
    pytest.param(x(ENUM), x(ENUM | {"symbols": ["C", "B", "A"]}), id="symbol added"),
    pytest.param(x("string"), x("string", pii=True), id="marked as personal data"),
    pytest.param(x("string"), x("string", doc="another"), id="another doc"),
    pytest.param(gift(), gift(partitionDate=WIDER), id="range widened"),
    pytest.param(gift(), gift() | {"fields": gift()["fields"][::-1]}, id="order of fields"),
]


@pytest.mark.parametrize(("older", "newer"), ALLOWED)
def test_a_change_that_every_reader_bears_is_not_refused(older: dict[str, Any], newer: dict[str, Any]) -> None:
    assert between(older, newer) == []


@pytest.mark.parametrize(("older", "newer"), ALLOWED)
def test_what_is_not_refused_reads_avro_files_written_before(older: dict[str, Any], newer: dict[str, Any]) -> None:
    written, read = (fastavro.parse_schema(json.loads(avro_literal(record_type(one)))) for one in (older, newer))
    times = {"madeAt": 0, "deletedAt": None, "reference": {"id": "r", "timestamp": 0}}
    change = {"id": None, "name": "INSERT", "at": 0, "atMicros": 0, "sequence": None, "expired": False}
    row = generate_one(written) | times | {"change": change}
    file = io.BytesIO()
    fastavro.schemaless_writer(file, written, row)
    file.seek(0)

    found = fastavro.schemaless_reader(file, written, read)

    assert isinstance(found, dict)
    assert found.keys() == {field["name"] for field in newer["fields"]}


def test_a_record_type_removed_is_refused_and_one_added_is_not() -> None:
    one = {"gift": record_type(gift())}

    assert [refusal.path for refusal in breaking(one, {})] == ["gift"]
    assert breaking({}, one) == []


def test_system_read_from_another_field_is_refused() -> None:
    parts = group("System", member("id"), member("databaseId"), member("memberId"))
    names = [member("x", optional("string")), member("y", optional("string"))]
    older = gift(*names, member("system", optional(parts), derived=True, parsedFrom="x"))
    newer = gift(*names, member("system", optional(parts), derived=True, parsedFrom="y"))

    assert [refusal.path for refusal in between(older, newer)] == ["gift.system_source"]


def test_a_field_no_longer_derived_is_refused() -> None:
    parts = group("System", member("id"), member("databaseId"), member("memberId"))
    names = member("x", optional("string"))
    older = gift(names, member("system", optional(parts), derived=True, parsedFrom="x"))
    newer = gift(names, member("system", optional(parts)))

    assert BreakingChange("gift.system", "no longer derived: old rows have another meaning than new ones") in between(
        older, newer
    )


def test_the_schemas_do_not_break_themselves() -> None:
    assert breaking(load(), load()) == []
