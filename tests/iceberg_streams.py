"""Streams that deliver to Iceberg tables, and the catalogs of their tables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from firehose.local.iceberg_catalogs import folder_catalog
from firehose.local.testing import LocalFirehose, TestedStream
from tests.firehose_streams import answer, payload
from tests.stream_requests import calling, iceberg, only_table

COLUMNS = pa.schema([("id", pa.string()), ("qty", pa.int64())])
FAILED = "iceberg-failed/"


def make_table(catalog: Any, name: str = "db.orders", columns: pa.Schema = COLUMNS, **more: Any) -> Any:
    """A table of a catalog, with its namespace."""
    catalog.create_namespace_if_not_exists(name.partition(".")[0])
    return catalog.create_table(name, schema=columns, **more)


def catalog_in(folder: Path, *tables: str) -> Any:
    """A catalog in a folder with these tables."""
    catalog = folder_catalog(folder)
    for name in tables or ("db.orders",):
        make_table(catalog, name)
    return catalog


def one_table(firehose: LocalFirehose, columns: pa.Schema = COLUMNS, **members: Any) -> TestedStream:
    """A stream that is put to and delivers into the table db.orders."""
    if not firehose.catalog.table_exists("db.orders"):
        make_table(firehose.catalog, columns=columns)
    return firehose.create(iceberg(DestinationTableConfigurationList=only_table(), **members))


def routed(firehose: LocalFirehose, *tables: str, handler: Any = None, **members: Any) -> TestedStream:
    """A stream whose function says into which table each record goes."""
    for name in tables:
        make_table(firehose.catalog, name)
    members = {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}, **members}
    function = calling(BufferSizeInMBs="1", BufferIntervalInSeconds="0", NumberOfRetries="1")
    return firehose.create(iceberg(function, **members), handler=handler or route)


def route(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Answers each record with its row, for the table that it names: {"row": {...}, "to": "db.orders"}."""
    return {"records": [routed_answer(record, json.loads(payload(record))) for record in event["records"]]}


def routed_answer(record: Mapping[str, Any], line: Mapping[str, Any]) -> dict[str, Any]:
    if "result" in line:
        return answer(record, line["result"])
    database, _, table = line["to"].partition(".")
    otf = {"destinationDatabaseName": database, "destinationTableName": table, "operation": "insert"}
    answered = answer(record, "Ok", json.dumps(line["row"]).encode() + b"\n")
    return {**answered, "metadata": {"otfMetadata": otf | line.get("otf", {})}}


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """The ids of rows, sorted."""
    return sorted(row["id"] for row in rows)
