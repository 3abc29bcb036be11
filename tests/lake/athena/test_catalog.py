"""SHOW, DESCRIBE, information_schema and the names of databases, as Athena prints them."""

from typing import Any

import pytest

from firehose.local.user_error import UserError
from tests.lake.athena.asking import DATABASE, rows

SALE = [
    "type",
    "id",
    "eventid",
    "name",
    "saletypes",
    "salestartdatetime",
    "salestartdate",
    "saleenddatetime",
    "date",
    "isdeleted",
    "reference",
    "change",
    "partition_date",
]
SALE_TABLE = {"table_catalog": "awsdatacatalog", "table_schema": DATABASE, "table_name": "sale"}
TABLES = ["demand", "errors", "event", "notification", "sale"]
VIEWS = ["latest_demand", "latest_event", "latest_notification", "latest_sale"]


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW TABLES",
        "show tables;",
        f"SHOW TABLES IN {DATABASE}",
        "SHOW TABLES FROM `prd3292_prod1_dmnd_pipeline`",
        "-- which ones?\nSHOW TABLES",
    ],
)
def test_tables_and_views_are_listed_once(sql: str) -> None:
    assert [name for (name,) in rows(sql)] == sorted([*TABLES, *VIEWS])


def test_a_pattern_has_stars_and_bars() -> None:
    assert rows("SHOW TABLES 'sale|dem*'") == [("demand",), ("sale",)]
    assert rows("SHOW TABLES LIKE 'x*'") == []
    assert rows("SHOW VIEWS LIKE '*sale'") == [("latest_sale",)]
    assert rows("SHOW DATABASES") == [(DATABASE,)]


@pytest.mark.parametrize("sql", ["SHOW COLUMNS IN sale", f"SHOW COLUMNS FROM sale IN {DATABASE}"])
def test_columns_are_listed_by_name(sql: str) -> None:
    assert [name for (name,) in rows(sql)][:12] == SALE[:12]


@pytest.mark.parametrize("sql", ["DESCRIBE sale", "DESC `sale`", f'DESCRIBE "{DATABASE}"."sale"'])
def test_describe_has_hives_types_and_comments_and_the_partition_again(sql: str) -> None:
    found = rows(sql)

    assert [name for name, _, _ in found[:13]] == SALE
    assert found[4] == ("saletypes", "array<string>", "kinds of the sale, for example PRESALE")
    assert found[8][1] == "struct<deleted:timestamp>"
    partition = ("partition_date", "string", "UTC date of the row, YYYY-MM-DD")
    assert found[12:] == [
        partition,
        ("", None, None),
        ("# Partition Information", None, None),
        ("# col_name", "data_type", "comment"),
        partition,
    ]


def test_create_table_is_the_statement_that_makes_it() -> None:
    lines = [line for (line,) in rows("SHOW CREATE TABLE sale")]

    assert lines[0] == f"CREATE EXTERNAL TABLE `{DATABASE}`.`sale` ("
    assert "  `saletypes` array<string> COMMENT 'kinds of the sale, for example PRESALE'," in lines
    assert rows("SHOW CREATE VIEW latest_sale")[0] == ("CREATE VIEW latest_sale AS",)


def test_information_schema_has_trinos_types() -> None:
    names = rows(f"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{DATABASE}'")
    columns = rows(
        "SELECT column_name, data_type FROM awsdatacatalog.information_schema.columns "
        "WHERE table_name = 'sale' AND ordinal_position BETWEEN 5 AND 9 ORDER BY ordinal_position"
    )

    assert sorted(names) == sorted([*((one, "BASE TABLE") for one in TABLES), *((one, "VIEW") for one in VIEWS)])
    assert columns == [
        ("saletypes", "array(varchar)"),
        ("salestartdatetime", "timestamp(3)"),
        ("salestartdate", "date"),
        ("saleenddatetime", "timestamp(3)"),
        ("date", "row(deleted timestamp(3))"),
    ]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("schemata", {"catalog_name": "awsdatacatalog", "schema_name": DATABASE}),
        ("tables WHERE tables.table_name = 'sale'", {**SALE_TABLE, "table_type": "BASE TABLE"}),
        (
            "columns WHERE table_name = 'sale' AND columns.column_name = 'saletypes'",
            {
                **SALE_TABLE,
                "column_name": "saletypes",
                "ordinal_position": 5,
                "column_default": None,
                "is_nullable": "YES",
                "data_type": "array(varchar)",
                "comment": "kinds of the sale, for example PRESALE",
                "extra_info": None,
            },
        ),
    ],
    ids=["schemata", "tables", "columns"],
)
def test_a_table_of_information_schema_has_trinos_columns(table: str, row: dict[str, Any]) -> None:
    assert rows(f"SELECT * FROM information_schema.{table}") == [tuple(row.values())]
    assert rows(f"SELECT {', '.join(row)} FROM information_schema.{table}") == [tuple(row.values())]


def test_a_column_without_a_comment_has_none_and_a_partition_says_that_it_is_one() -> None:
    sql = "SELECT comment, extra_info FROM information_schema.columns WHERE table_name = "

    assert rows(f"{sql}'latest_sale' AND column_name = 'name'") == [(None, None)]
    assert [one for (_, one) in rows(f"{sql}'sale'")] == [None] * 12 + ["partition key"]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DESCRIBE salee", "TABLE_NOT_FOUND: table 'salee' does not exist; did you mean sale?"),
        ("SHOW TABLES IN other", "SCHEMA_NOT_FOUND: database 'other' not found"),
        ("SHOW FUNCTIONS", "not supported here: SHOW FUNCTIONS"),
        ("SHOW PARTITIONS latest_sale", "is a view and has no partitions"),
        ("SELECT * FROM other.sale", "SCHEMA_NOT_FOUND: database 'other' not found"),
        ("SELECT * FROM hive.other.sale", "CATALOG_NOT_FOUND: catalog 'hive' not found"),
        ("SELECT * FROM information_schema.roles", "information_schema.roles"),
    ],
)
def test_what_is_not_there_is_said_by_name(sql: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        rows(sql)

    assert says in str(refused.value)
