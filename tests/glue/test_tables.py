"""The generated Glue tables, their DDL and the data dictionary."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import fastavro
import pytest
from botocore.validate import ParamValidator

from glue import hive
from glue.build import PROJECT, build, drift, generated
from glue.columns import columns
from glue.ddl import create_table
from glue.dictionary import data_dictionary
from glue.model import SchemaError, fields
from glue.schema import load
from glue.tables import (
    avro_literal,
    avro_table,
    errors_table,
    parquet_table,
    read_table_inputs,
    table_inputs,
    with_bucket,
)
from tests.invented import TIME, gift, group, member, optional, record_type

ALL = {
    f"{name}-{file_format}": table
    for name, formats in read_table_inputs().items()
    for file_format, table in formats.items()
}
DATA = {name: table for name, table in ALL.items() if not name.startswith("errors")}
THING = gift(
    member("firstName", optional("string"), pii=True),
    member("when", optional({"type": "int", "logicalType": "date"})),
    member("kinds", optional({"type": "array", "items": ["null", {"type": "enum", "name": "K", "symbols": ["A"]}]})),
    member(
        "links",
        optional({"type": "map", "values": {"type": "array", "items": ["null", group("Link", member("theUrl"))]}}),
    ),
    member("count", "int"),
    member("price", "double"),
)


def test_the_committed_files_are_those_the_schemas_make() -> None:
    assert drift() == {}


def test_a_column_is_a_field_in_lower_case_with_its_type_and_doc() -> None:
    found = {column["Name"]: (column["Type"], column["Comment"]) for column in columns(record_type(THING))}

    assert found["firstname"] == ("string", "the firstName")
    assert found["when"] == ("date", "the when")
    assert found["kinds"] == ("array<string>", "the kinds")
    assert found["links"] == ("map<string,array<struct<theurl:string>>>", "the links")
    assert found["count"] == ("int", "the count")
    assert found["price"] == ("double", "the price")
    assert found["madeat"] == ("timestamp", "the madeAt")
    assert found["reference"] == ("struct<id:string,timestamp:timestamp>", "the reference")
    assert found["isdeleted"] == ("boolean", "the isDeleted")


@pytest.mark.parametrize("doc", ["x" * 256, "é" * 128, "two\nlines"], ids=["256 characters", "256 bytes", "two lines"])
def test_a_doc_that_glue_would_not_take_as_a_comment_is_refused(doc: str) -> None:
    with pytest.raises(SchemaError, match=r"^gift\.x: the doc"):
        columns(record_type(gift(member("x", doc=doc))))


def test_a_doc_of_255_bytes_is_a_comment() -> None:
    assert columns(record_type(gift(member("x", doc="x" * 255))))


@pytest.mark.parametrize("table", ALL.values(), ids=ALL)
def test_glue_takes_every_table_as_a_table_input(table: dict[str, Any]) -> None:
    glue = botocore.session.get_session().get_service_model("glue")
    shape = glue.operation_model("CreateTable").input_shape

    report = ParamValidator().validate({"DatabaseName": "d", "TableInput": with_bucket(table, "b")}, shape)

    assert report.generate_report() == ""


@pytest.mark.parametrize("table", ALL.values(), ids=ALL)
def test_every_column_is_a_hive_type_in_lower_case(table: dict[str, Any]) -> None:
    for column in table["StorageDescriptor"]["Columns"]:
        assert str(hive.parse(column["Type"])) == column["Type"] == column["Type"].lower()
        assert column["Name"] == column["Name"].lower()


@pytest.mark.parametrize("table", ALL.values(), ids=ALL)
def test_partitions_are_projected_so_that_nobody_repairs_them(table: dict[str, Any]) -> None:
    parameters = table["Parameters"]

    assert [key["Name"] for key in table["PartitionKeys"]] == ["partition_date"]
    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.partition_date.type"] == "date"
    assert parameters["projection.partition_date.format"] == "yyyy-MM-dd"
    assert parameters["projection.partition_date.interval"] == "1"
    assert parameters["projection.partition_date.interval.unit"] == "DAYS"
    location = table["StorageDescriptor"]["Location"]
    assert parameters["storage.location.template"] == f"{location}partition_date=${{partition_date}}/"


@pytest.mark.parametrize(
    ("name", "dates"),
    [
        ("demand", "2015-01-01,2039-12-31"),
        ("notification", "2015-01-01,2039-12-31"),
        ("event", "2000-01-01,2039-12-31"),
        ("sale", "1900-01-01,2039-12-31"),
    ],
)
def test_a_table_covers_the_dates_of_br_19(name: str, dates: str) -> None:
    for file_format in ("parquet", "avro"):
        assert DATA[f"{name}-{file_format}"]["Parameters"]["projection.partition_date.range"] == dates


def test_the_errors_table_covers_every_day_a_record_can_arrive() -> None:
    assert errors_table()["Parameters"]["projection.partition_date.range"] == "1970-01-01,NOW+1DAYS"


def test_the_parquet_and_the_avro_table_have_the_same_columns() -> None:
    thing = record_type(THING)

    parquet, avro = parquet_table(thing)["StorageDescriptor"], avro_table(thing)["StorageDescriptor"]

    assert parquet["Columns"] == avro["Columns"]
    assert parquet["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert avro["SerdeInfo"]["SerializationLibrary"].endswith("AvroSerDe")
    assert (parquet["Location"], avro["Location"]) == (
        "s3://${bucket}/data-pipeline/parquet/gift/",
        "s3://${bucket}/data-pipeline/avro/gift/",
    )


def test_the_avro_literal_is_the_schema_in_camel_case_without_the_domains_facts() -> None:
    literal = json.loads(avro_literal(record_type(THING)))

    names = [field["name"] for field in literal["fields"]]
    assert names == [field["name"] for field in THING["fields"]]
    assert set(literal) == {"type", "name", "namespace", "doc", "fields"}
    keys = {key for field in literal["fields"] for key in field}
    assert keys == {"name", "type", "doc", "default"}


@pytest.mark.parametrize("name", load())
def test_an_avro_file_is_written_and_read_by_the_literal(name: str) -> None:
    literal = json.loads(ALL[f"{name}-avro"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"])
    file = io.BytesIO()

    fastavro.writer(file, fastavro.parse_schema(literal), [])

    file.seek(0)
    written = fastavro.reader(file).writer_schema
    assert isinstance(written, dict)
    assert [field["name"] for field in written["fields"]] == [field["name"] for field in literal["fields"]]


def test_the_bucket_takes_the_place_of_its_name_only() -> None:
    table = with_bucket(errors_table(), "b")

    assert table["StorageDescriptor"]["Location"] == "s3://b/data-pipeline/errors/records/"
    assert table["Parameters"]["storage.location.template"].endswith("/partition_date=${partition_date}/")


@pytest.mark.parametrize("name", ["errors", "Errors"])
def test_a_record_type_may_not_take_the_errors_tables_name(name: str) -> None:
    thing = record_type(gift(name=name))

    with pytest.raises(SchemaError, match="already"):
        table_inputs({name: thing})


def test_a_record_type_may_not_take_the_name_of_anothers_current_table() -> None:
    types = {name: record_type(gift(name=name)) for name in ("gift", "gift_current")}

    with pytest.raises(SchemaError, match="gift_current: there is a table gift_current already"):
        table_inputs(types)


def test_all_that_glue_would_refuse_is_reported_at_once() -> None:
    long = member("x", doc="x" * 256)

    with pytest.raises(SchemaError) as refused:
        table_inputs({"gift": record_type(gift(long, member("y", doc="a\nb"))), "Gift": record_type(gift(long))})

    assert [line.partition(" the doc")[0] for line in str(refused.value).splitlines()] == [
        "gift.x:",
        "gift.y:",
        "Gift: there is a table gift already (Glue's names are lower case)",
        "gift.x:",
    ]


def test_ddl_names_every_column_partition_class_and_property() -> None:
    table = with_bucket(avro_table(record_type(THING)), "b")

    text = create_table(table, "d")

    assert text.startswith("CREATE EXTERNAL TABLE IF NOT EXISTS `d`.`gift` (")
    assert "  `links` map<string,array<struct<`theurl`:string>>> COMMENT 'the links'" in text
    assert "PARTITIONED BY (\n  `partition_date` string COMMENT" in text
    assert "LOCATION 's3://b/data-pipeline/avro/gift/'" in text
    classes = (table["StorageDescriptor"]["InputFormat"], table["StorageDescriptor"]["OutputFormat"])
    assert f"STORED AS INPUTFORMAT '{classes[0]}'\nOUTPUTFORMAT '{classes[1]}'" in text
    for name, value in table["Parameters"].items():
        assert name == "EXTERNAL" or f"'{name}' = '{value}'" in text


def test_ddl_escapes_quotes_and_backslashes() -> None:
    thing = record_type(gift(member("x", doc=r"""a fan's "own" \ mark""")))

    comment = re.search(r"`x` string COMMENT (.*)", create_table(parquet_table(thing)))
    literal = re.search(r"'avro.schema.literal' = '(.*)'\n", create_table(avro_table(thing)))

    assert comment
    assert comment[1] == r"""'a fan\'s "own" \\ mark'"""
    assert literal
    assert re.sub(r"\\(.)", r"\1", literal[1]) == avro_literal(thing)


@pytest.mark.parametrize("name", load())
def test_the_dictionary_has_every_field_at_every_depth(name: str) -> None:
    thing = load()[name]

    text = data_dictionary({name: thing})

    assert text.count("\n| `") == len(list(fields(thing.row))) + len(errors_table()["StorageDescriptor"]["Columns"])


def test_the_dictionary_writes_paths_as_sql_does() -> None:
    thing = record_type(gift(*THING["fields"], member("end", optional(group("End", member("at", TIME))))))

    text = data_dictionary({"gift": thing})

    assert "| `firstname` | string | yes | yes | the firstName |" in text
    assert "| `kinds` | array of string: A | yes |  | the kinds |" in text
    assert "| `links['key'][n].theurl` | string |  |  | the theUrl |" in text
    assert '| `"end".at` | timestamp |  |  | the at |' in text
    assert "2015-01-01 to 2039-12-31" in text
    assert "`deletedat`, else `madeat`" in text


def test_a_new_record_type_is_one_schema_and_one_generated_file(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "gift.avsc").write_text(json.dumps(gift()))

    written = build(schemas, tmp_path)

    assert {str(path) for path in written} == {
        "glue/tables/gift.json",
        "glue/tables/errors.json",
        "glue/athena/merges.json",
        "glue/athena/views.json",
        "glue/athena/deletions.sql",
        "glue/athena/personal-data-of-deleted.sql",
        "glue/athena/rows-without-item.sql",
        "docs/data-dictionary.md",
    }
    assert read_table_inputs(tmp_path / "glue" / "tables")["gift"]["parquet"] == parquet_table(record_type(gift()))
    assert build(schemas, tmp_path) == {}


def test_a_file_changed_by_hand_gone_or_left_over_is_drift(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "gift.avsc").write_text(json.dumps(gift()))
    build(schemas, tmp_path)
    (tmp_path / "glue/tables/gift.json").write_text("{}")
    (tmp_path / "glue/tables/errors.json").unlink()
    (tmp_path / "glue/tables/old.json").write_text("{}")

    found = drift(schemas, tmp_path)

    assert {str(path): how for path, how in found.items()} == {
        "glue/tables/errors.json": "missing",
        "glue/tables/gift.json": "different",
        "glue/tables/old.json": "stale",
    }
    assert build(schemas, tmp_path) == found
    assert drift(schemas, tmp_path) == {}


def test_generated_files_are_the_same_in_every_process() -> None:
    code = "import json; from glue.build import generated; print(json.dumps([*generated().values()]))"

    made = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=True).stdout

    assert json.loads(made) == [*generated().values()]
