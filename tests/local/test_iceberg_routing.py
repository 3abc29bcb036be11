"""The Iceberg table of a record: by the function, by a query, by the stream's only table."""

import json
from typing import Any

import pytest

from firehose.local.config.iceberg_destination import TableName
from firehose.local.conversion.row_error import RowError
from firehose.local.delivery.iceberg_routing import IcebergRouting
from firehose.local.processors.stage import Processed
from firehose.local.testing import LocalFirehose
from tests.iceberg_streams import FAILED, ids, make_table, routed
from tests.stream_requests import asking, iceberg, only_table


def otf(database: Any = None, table: Any = None, **more: Any) -> dict[str, Any]:
    given = {"destinationDatabaseName": database, "destinationTableName": table, **more}
    return {name: it for name, it in given.items() if it is not None}


def routing(function: Any, query: dict[str, str] | None = None, only: TableName | None = None) -> Any:
    """Where a record goes, or the code of its failure."""
    processed = Processed(ok=[(0, b"{}", function)], query_keys={} if query is None else {0: query})
    [found] = IcebergRouting(only).evaluate(processed)
    return found.code if isinstance(found, RowError) else found


def test_the_function_goes_before_the_query_and_the_query_before_the_only_table() -> None:
    only = TableName("only", "table")

    assert routing(None, None, only) == ("only", "table")
    assert routing(None, otf("q", "t"), only) == ("q", "t")
    assert routing(otf("f", "t"), otf("q", "u"), only) == ("f", "t")
    assert routing(otf(table="t"), otf(database="q"), None) == ("q", "t")
    assert routing(otf(table="t"), None, only) == ("only", "t")


@pytest.mark.parametrize(
    "function",
    [
        None,
        {},
        otf("db"),
        otf(table="t"),
        otf("", "t"),
        otf("db", "or-ders"),
        otf("db", 1),
        [],
        "db.t",
        otf("db", "t" * 256),
    ],
)
def test_a_record_without_a_usable_table_fails(function: Any) -> None:
    assert routing(function) == "Iceberg.InvalidTableName"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("update", "Iceberg.UniqueKeysNotFound"),
        ("delete", "Iceberg.UniqueKeysNotFound"),
        ("upsert", "Iceberg.InvalidOperation"),
        (1, "Iceberg.InvalidOperation"),
        ([], "Iceberg.InvalidOperation"),
    ],
)
def test_an_operation_other_than_insert_fails_its_record(operation: Any, code: str) -> None:
    assert routing(otf("db", "t", operation=operation)) == code
    assert routing(otf("db", "t", operation="insert")) == ("db", "t")


@pytest.mark.slow
def test_a_query_routes_records_without_a_function(firehose: LocalFirehose) -> None:
    for name in ("db.orders", "db.sales"):
        make_table(firehose.catalog, name)
    query = '{destinationDatabaseName: "db", destinationTableName: .kind}'
    stream = firehose.create(iceberg(asking(query)))

    for name, kind in (("a", "orders"), ("b", "sales"), ("c", None)):
        stream.put({"id": name, "kind": kind})
    stream.flush()

    assert (ids(stream.rows("db.orders")), ids(stream.rows("db.sales"))) == (["a"], ["b"])
    assert [error["errorCode"] for error in stream.errors(FAILED)] == ["Iceberg.InvalidTableName"]


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"operation": "insert"}, {"operation": None}, {"other": {"deep": [1]}}])
def test_a_functions_otf_metadata_routes_whatever_else_it_holds(firehose: LocalFirehose, more: dict[str, Any]) -> None:
    """Replies of plain text are not serialised, others are: both ways lead to the table."""
    stream = routed(firehose, "db.orders")

    stream.put({"row": {"id": "a"}, "to": "db.orders", "otf": more})
    stream.flush()

    assert ids(stream.rows("db.orders")) == ["a"]


@pytest.mark.slow
def test_partition_keys_of_the_function_route_nothing(firehose: LocalFirehose) -> None:
    def handler(event: Any, _: object) -> Any:
        keys = {"partitionKeys": {"destinationDatabaseName": "db", "destinationTableName": "orders"}}
        answers = [{"recordId": each["recordId"], "result": "Ok", "data": each["data"], "metadata": keys}
                   for each in event["records"]]  # fmt: skip
        return {"records": answers}

    stream = routed(firehose, "db.orders", handler=handler)
    stream.put({"id": "a"})
    stream.flush()

    assert [error["errorCode"] for error in stream.errors(FAILED)] == ["Iceberg.InvalidTableName"]


@pytest.mark.slow
def test_the_only_table_needs_neither(firehose: LocalFirehose) -> None:
    make_table(firehose.catalog)
    stream = firehose.create(iceberg(DestinationTableConfigurationList=only_table()))

    stream.put(json.dumps({"id": "a"}))
    stream.flush()

    assert ids(stream.rows("db.orders")) == ["a"]
