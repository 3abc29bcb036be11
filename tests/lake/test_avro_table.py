"""A table of Avro containers reads no more than a query needs, and no more at once than it must."""

import json
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from firehose.lake.objects import FolderLake
from firehose.lake.query import avro_container, avro_table
from firehose.lake.query.avro_container import ContainerReader
from firehose.lake.query.avro_table import AvroTable, read_ahead
from firehose.lake.query.sql import query
from tests.lakes import avro_schema, image_of_demand, write_avro

FAN = pa.schema([pa.field("fanid", pa.string()), pa.field("partition_date", pa.string())])


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "data-pipeline").mkdir()
    return tmp_path


def table_of(lake: FolderLake) -> AvroTable:
    containers = dict.fromkeys(lake.objects("data-pipeline/avro/"), "2025-01-01")
    literal = json.dumps(avro_schema("demand"))
    return AvroTable(containers, lake, literal, schema=FAN, on_error=lambda _: None)


def test_no_more_than_a_batch_of_rows_waits_at_once(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro_table, "BATCH_ROWS", 5)
    for day in range(1, 5):
        write_avro(lake, "demand", f"2025-01-0{day}", [image_of_demand("2025-01-01")] * 3)

    batches = table_of(FolderLake(lake)).scanner().to_batches()

    assert [batch.num_rows for batch in batches] == [6, 6]


def test_the_next_containers_are_read_meanwhile_and_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro_table, "READ_AHEAD", 2)
    begun: list[str] = []
    two_at_once = threading.Barrier(2, timeout=60)

    def read(key: str) -> bytes:
        begun.append(key)
        two_at_once.wait()
        return key.encode()

    bodies = read_ahead(["a", "b", "c", "d", "e", "f"], read)
    first, body = next(bodies)
    assert (first, body.result()) == ("a", b"a")
    assert set(begun) <= {"a", "b", "c"}

    assert [(key, body.result()) for key, body in bodies] == [(key, key.encode()) for key in "bcdef"]


@pytest.mark.parametrize(
    "where",
    [
        "partition_date >= '2025-01-01'",
        "partition_date BETWEEN '2025-01-01' AND '2025-12-31' AND NOT isdeleted",
        "partition_date = '2025-01-01' AND date.requested > TIMESTAMP '2020-01-01'",
        "partition_date IN ('2025-01-01', '2030-01-01')",
    ],
)
def test_days_that_a_query_excludes_are_not_read(lake: Path, where: str) -> None:
    write_avro(lake, "demand", "2024-12-31", [image_of_demand("2024-12-31")]).write_text("no container")
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])

    assert query(f"SELECT eventid FROM demand WHERE {where}", str(lake)).rows == [("e1",)]  # noqa: S608  of ours


def test_columns_that_a_query_does_not_use_are_not_decoded(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []

    def noted(literal: str, columns: list[str]) -> ContainerReader:
        asked.append(set(columns))
        return ContainerReader(literal, columns)

    monkeypatch.setattr(avro_container, "ContainerReader", noted)
    write_avro(lake, "demand", "2025-01-01", [image_of_demand("2025-01-01")])

    query("SELECT eventid FROM demand WHERE fanid = 'f1' AND partition_date > '2025'", str(lake))

    assert asked == [{"eventid", "fanid", "partition_date"}]
