"""The Glue table of a stream, in each form that files have it in, and as the stream names it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from firehose.local.config.conversion_settings import TableReference
from firehose.local.config.members import RefusedSettingError, SettingError, UnsupportedSettingError
from firehose.local.config.table import read_table
from glue.arrow import columns

COLUMNS = [{"Name": "id", "Type": "string"}, {"Name": "venues", "Type": "ARRAY<struct<name:string>>"}]
TABLE_INPUT = {"Name": "order", "StorageDescriptor": {"Columns": COLUMNS}}
REFERENCE = TableReference("db", "order", "us-east-1", "LATEST", "", "arn:aws:iam::123456789012:role/own")
SCHEMA = "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration.SchemaConfiguration"


def of(*kinds: Any) -> dict[str, Any]:
    described = [{"Name": f"c{place}", "Type": kind} for place, kind in enumerate(kinds)]
    return {"Name": "order", "StorageDescriptor": {"Columns": described}}


@pytest.fixture
def glue() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("glue", region_name="us-east-1")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(TABLE_INPUT, id="a TableInput"),
        pytest.param({"DatabaseName": "db", "TableInput": TABLE_INPUT}, id="a CreateTable request"),
        pytest.param({"Table": {**TABLE_INPUT, "DatabaseName": "db", "VersionId": "2"}}, id="an answer of GetTable"),
        pytest.param({**TABLE_INPUT, "DatabaseName": "DB", "Name": "Order"}, id="a Table, in another case"),
    ],
)
def test_a_table_is_read_in_each_of_its_forms(document: Any) -> None:
    table = read_table(document, REFERENCE)

    assert list(columns(table)) == ["id", "venues"]


def test_the_table_that_glue_answers_is_the_one_that_was_made(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "db"})
    glue.create_table(DatabaseName="db", TableInput=TABLE_INPUT)

    table = read_table(glue.get_table(DatabaseName="db", Name="order"), REFERENCE)

    assert columns(table) == columns(TABLE_INPUT)


@pytest.mark.parametrize(
    ("document", "reference", "member"),
    [
        pytest.param(None, REFERENCE, "TableName", id="no table"),
        pytest.param({**TABLE_INPUT, "Name": "venue"}, REFERENCE, "TableName", id="another table"),
        pytest.param({**TABLE_INPUT, "DatabaseName": "other"}, REFERENCE, "DatabaseName", id="another database"),
        pytest.param({"DatabaseName": "other", "TableInput": TABLE_INPUT}, REFERENCE, "DatabaseName",
                     id="a table made in another database"),
        pytest.param({**TABLE_INPUT, "VersionId": "2"},
                     TableReference("db", "order", "us-east-1", "3", "", ""), "VersionId", id="another version"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_the_streams_is_not_found(document: Any, reference: TableReference, member: str) -> None:
    with pytest.raises(RefusedSettingError) as refused:
        read_table(document, reference)

    assert (refused.value.code, refused.value.path) == ("InvalidArgumentException", f"{SCHEMA}.{member}")
    assert "EntityNotFoundException" in refused.value.reason


@pytest.mark.parametrize("version", ["LATEST", "2"])
def test_a_version_that_is_the_streams_or_is_not_told_is_taken(version: str) -> None:
    reference = TableReference("db", "order", "us-east-1", version, "", "")

    assert read_table({**TABLE_INPUT, "VersionId": "2"}, reference)["Name"] == "order"
    assert read_table(TABLE_INPUT, reference)["Name"] == "order"


@pytest.mark.parametrize("document", [[], "order", {}, {"Table": None}, {"TableInput": []}, {"Name": 7}])
def test_what_is_no_table_is_refused(document: Any) -> None:
    with pytest.raises(RefusedSettingError, match=r"^Table: "):
        read_table(document)


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        pytest.param({"Name": "order"}, "StorageDescriptor.Columns", "columns", id="no columns"),
        pytest.param(of(), "StorageDescriptor.Columns", "columns", id="an empty list of columns"),
        pytest.param(of("int", None), "StorageDescriptor.Columns[1].Type", "c1", id="no type"),
        pytest.param(of(["int"]), "StorageDescriptor.Columns[0].Type", "c0", id="a type that is a list"),
        pytest.param({"Name": "order", "StorageDescriptor": {"Columns": [{"Type": "int"}]}},
                     "StorageDescriptor.Columns[0].Name", "name", id="a column without a name"),
        pytest.param({"Name": "order", "StorageDescriptor": {"Columns": [COLUMNS[0], {"Name": "ID", "Type": "int"}]}},
                     "StorageDescriptor.Columns[1].Name", "id", id="two columns of a name"),
    ],
)  # fmt: skip
def test_a_table_that_converts_nothing_is_refused_by_its_column(table: Any, path: str, said: str) -> None:
    with pytest.raises(UnsupportedSettingError) as refused:
        read_table(table)

    assert refused.value.path == path
    assert said in refused.value.reason


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        ("decimal(10, 2)", "write decimal(10,2)"),
        ("struct< a : string >", "write struct<a:string>"),
        ("array<\n  map<string, Int>\n>", "write array<map<string,int>>"),
        (" int", "write int"),
        ("int\t", "write int"),
        ("array<\u00a0int>", "write array<int>"),
        ("struct<first name:string>", "write the type without it"),
    ],
)
def test_a_type_with_white_space_is_refused_with_how_to_write_it(kind: str, instead: str) -> None:
    with pytest.raises(UnsupportedSettingError) as refused:
        read_table(of("int", kind), REFERENCE)

    assert refused.value.path == "StorageDescriptor.Columns[1].Type"
    assert refused.value.reason == f"AWS's Hive does not read white space in a type: {instead}"


@pytest.mark.parametrize("kind", ["set<string>", "uniontype<int>", "integer", "binary"])
def test_a_type_that_no_reader_takes_is_left_to_the_records_to_fail_by(kind: str) -> None:
    assert read_table(of("int", kind), REFERENCE)["Name"] == "order"


_ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Name", "Type", "Columns", "StorageDescriptor", "Table"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_ANY)
def test_no_document_breaks_the_reading(document: Any) -> None:
    with suppress(SettingError):
        assert read_table(document, REFERENCE)["Name"]
