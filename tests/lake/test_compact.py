"""Compaction: the small files of a closed partition become few, with the same rows and the same physical schema."""

import gzip
import itertools
import json
import os
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firehose.lake.compact.avro_blocks import read_container
from firehose.lake.compact.limits import Limits, groups
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.objects import StoredObject
from tests.commands import SAMPLE, result_of
from tests.compacting import compact, counted, demand, fans, files, rows, rows_of, run
from tests.given import change, s

FORMATS = ["parquet", "avro"]
PIECES = [[demand("c"), demand("b", "2025-01-02")], [demand("a")], [demand("b"), demand("a", "2025-01-02")]]


def pieces_of_sample(folder: Path, count: int) -> list[Path]:
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)
    paths = [folder / f"sample-{number}.jsonl" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(b"".join(lines[number::count]))
    return paths


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_partition_becomes_one_file_with_the_same_rows(tmp_path: Path, file_format: str) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES, file_format=file_format)
    before = counted(lake)

    counts = compact(lake)

    assert counted(lake) == before
    assert [path.name[:10] for path in files(lake)] == ["compacted-", "compacted-"]
    assert counts == {
        "partitions": 2,
        "files_before": 5,
        "files_after": 2,
        "bytes_before": counts["bytes_before"],
        "bytes_after": sum(path.stat().st_size for path in files(lake)),
        "rows": 5,
        "duplicates_dropped": 0,
        "undone": [],
    }
    assert compact(lake)["partitions"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_row_of_every_type_of_the_sample_is_there_once(tmp_path: Path, file_format: str) -> None:
    lake = tmp_path / "lake"
    for path in pieces_of_sample(tmp_path, 8):
        result_of("run", str(path), "--lake", str(lake), "--format", file_format)
    types = ["demand", "event", "notification", "sale"]
    before = {name: counted(lake, name) for name in types}

    compact(lake, "--processes", "2")

    assert {name: counted(lake, name) for name in types} == before
    assert all(len(list(path.parent.iterdir())) == 1 for name in types for path in files(lake, name))


def footer(path: Path) -> tuple[Any, list[str]]:
    parquet = pq.ParquetFile(path)
    columns = [parquet.metadata.row_group(0).column(at).path_in_schema for at in range(parquet.metadata.num_columns)]
    return parquet.schema, columns


def test_a_merged_parquet_file_has_the_physical_schema_of_firehoses(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *([change("event", id=s(name))] for name in "ab"))
    (one, _) = files(lake, "event")
    schema, columns = footer(one)
    assert "INT96" in str(schema).upper()

    compact(lake)

    (merged,) = files(lake, "event")
    assert footer(merged)[0].equals(schema)
    assert str(footer(merged)[0]).replace("\n", "").partition(">")[2] == str(schema).replace("\n", "").partition(">")[2]
    assert footer(merged)[1] == columns
    assert pq.ParquetFile(merged).metadata.metadata is None


def test_a_merged_parquet_file_is_sorted_and_has_what_readers_skip_by(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *([demand(fan, eventId=s(event))] for event, fan in ("2b", "1b", "2a", "1a")))

    compact(lake)

    (path,) = files(lake)
    assert [(row["eventid"], row["fanid"]) for row in rows(lake)] == [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")]
    metadata = pq.ParquetFile(path).metadata.row_group(0)
    column = next(one for at in range(metadata.num_columns) if (one := metadata.column(at)).path_in_schema == "eventid")
    assert "PLAIN_DICTIONARY" in column.encodings
    assert (column.statistics.min, column.statistics.max) == ("1", "2")
    assert column.has_column_index
    assert column.has_offset_index


def test_blocks_of_containers_are_copied_as_they_are(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES, file_format="avro")
    before = blocks(lake)

    compact(lake)

    assert blocks(lake) == before


def blocks(lake: Path) -> list[bytes]:
    """The blocks of all containers, as they are in the files, in order of their bytes."""
    bodies = [path.read_bytes() for path in files(lake)]
    return sorted(bytes(block) for body in bodies for block in read_container(body).blocks)


def test_containers_of_two_schemas_become_two(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")], [demand("c")], [demand("d")], file_format="avro")
    for path in files(lake)[:2]:
        with path.open("rb") as file:
            reader = fastavro.reader(file)
            schema: Any = reader.writer_schema
            old = list(reader)
        schema["fields"] = [one for one in schema["fields"] if one["name"] != "artistName"]
        with path.open("wb") as file:
            fastavro.writer(file, schema, old)
    before = counted(lake)

    compact(lake)

    assert len(files(lake)) == 2
    assert counted(lake) == before


def test_a_file_that_has_no_other_of_its_schema_stays(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")], file_format="avro")
    with_other_metadata = files(lake)[0]
    with with_other_metadata.open("rb") as file:
        reader = fastavro.reader(file)
        schema, old = reader.writer_schema, list(reader)
    with with_other_metadata.open("wb") as file:
        fastavro.writer(file, schema, old, "null")

    assert compact(lake)["partitions"] == 0

    assert with_other_metadata in files(lake)


def test_columns_that_an_older_file_lacks_are_null_at_any_depth(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")])
    path = files(lake)[0]
    table = pq.read_table(path, partitioning=None).drop_columns(["artistname"])
    old = table.column("date").combine_chunks()
    date = pa.StructArray.from_arrays([old.field("requested")], ["requested"])
    pq.write_table(
        table.set_column(table.schema.get_field_index("date"), "date", date), path, use_deprecated_int96_timestamps=True
    )

    assert compact(lake)["files_after"] == 1

    assert fans(lake) == ["a", "b"]
    assert all(row["artistname"] is None and row["date"]["notified"] is None for row in rows(lake))
    assert all(row["date"]["requested"] is not None for row in rows(lake))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (b"PAR1 oops", "is not a Parquet file, or it is damaged"),
        (None, "has columns that the schemas here do not: later; use newer ones"),
    ],
)
def test_a_file_that_would_lose_something_stays_and_the_others_are_merged(
    tmp_path: Path, damage: bytes | None, sentence: str
) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")], [demand("c")])
    path = files(lake)[0]
    if damage is None:
        table = pq.read_table(path, partitioning=None)
        pq.write_table(table.append_column("later", pa.array([1])), path, use_deprecated_int96_timestamps=True)
    else:
        path.write_bytes(damage)
    body = path.read_bytes()

    counts = compact(lake)

    assert path.read_bytes() == body
    assert len(files(lake)) == counts["files_after"] == 2
    (undone,) = counts["undone"]
    assert undone.startswith("parquet/demand/2025-01-01: data-pipeline/parquet/demand/")
    assert sentence in undone


@pytest.mark.parametrize("file_format", FORMATS)
def test_duplicates_are_dropped_on_request_and_the_last_stays(tmp_path: Path, file_format: str) -> None:
    """The same change in two files: its sequence is made of its line, so the rows differ in that alone."""
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b"), demand("a")], [demand("a", "2025-01-02")], file_format=file_format)
    partition = lake / f"data-pipeline/{file_format}/demand/partition_date=2025-01-01"
    twice = [row for path in sorted(partition.iterdir()) for row in rows_of(path) if "a" in row.values()]
    assert len({row["change"]["sequence"] for row in twice}) == len(twice) == 2

    assert compact(lake, "--drop-duplicates")["duplicates_dropped"] == 1

    assert fans(lake) == ["a", "a", "b"]
    (merged,) = partition.iterdir()
    (kept,) = (row for row in rows_of(merged) if "a" in row.values())
    assert kept == max(twice, key=lambda row: row["change"]["sequence"])


@pytest.mark.parametrize("file_format", FORMATS)
def test_without_the_request_duplicates_stay(tmp_path: Path, file_format: str) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b"), demand("a")], file_format=file_format)

    assert compact(lake)["duplicates_dropped"] == 0

    assert fans(lake) == ["a", "a", "b"]


def test_rows_of_one_id_that_differ_are_no_duplicates_and_those_without_an_id_never(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    other, without = demand("b"), demand("c")
    del without["eventID"]
    run(lake, tmp_path, [demand("a")], [other], [without], [{**without}, demand("d")])
    assert {row["change"]["id"] for row in rows(lake) if row["fanid"] == "c"} == {None}

    assert compact(lake, "--drop-duplicates")["duplicates_dropped"] == 0

    assert fans(lake) == ["a", "b", "c", "c", "d"]


def test_a_dry_run_says_what_would_be_and_writes_nothing(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES)
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}

    counts = compact(lake, "--dry-run")

    assert (counts["partitions"], counts["files_before"], counts["files_after"]) == (2, 5, 2)
    assert (counts["bytes_after"], counts["rows"]) == (None, None)
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*")} == before


def test_only_files_older_than_a_day_in_a_partition_with_eight_are_merged_unless_told_otherwise(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *([demand(f"{number}")] for number in range(9)))

    def compacted() -> Any:
        return json.loads(result_of("compact", "--lake", str(lake), "--json").stdout)

    assert compacted()["partitions"] == 0
    for path in files(lake)[:7]:
        os.utime(path, (1, 1))
    assert compacted()["partitions"] == 0
    os.utime(files(lake)[7], (1, 1))
    assert compacted()["files_after"] == 2
    assert len(fans(lake)) == 9


@pytest.mark.parametrize(("option", "value"), [("--type", "sale"), ("--format", "avro")])
def test_other_types_and_formats_are_left_alone_on_request(tmp_path: Path, option: str, value: str) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES)

    assert compact(lake, option, value)["partitions"] == 0

    assert len(files(lake)) == 5


def stored(size_bytes: int, written_ms: int = 0) -> StoredObject:
    return StoredObject(f"{next(NUMBERS):04}", size_bytes, "", written_ms)


NUMBERS = itertools.count()
TIME = StoreTime(1_000.0, None)
LIMITS = Limits(min_files=2, closed_seconds=100.0, small_bytes=10, target_bytes=20)


def sizes(objects: list[StoredObject], time: StoreTime = TIME, limits: Limits = LIMITS) -> list[list[int]]:
    return [[one.size_bytes for one in group] for group in groups(objects, limits, time)]


def test_what_is_too_much_for_one_file_is_cut_in_order_of_key() -> None:
    assert sizes([stored(size) for size in (9, 9, 9, 2, 9, 9, 5)]) == [[9, 9], [9, 2, 9], [9, 5]]


def test_a_last_file_alone_stays() -> None:
    assert sizes([stored(size) for size in (9, 9, 9)]) == [[9, 9]]


def test_large_files_stay_and_do_not_count() -> None:
    assert sizes([stored(10), stored(9)]) == []
    assert sizes([stored(10), stored(9), stored(9)]) == [[9, 9]]


def test_a_file_is_closed_when_it_is_old_enough_and_no_open_command_has_put_it() -> None:
    objects = [stored(1, 899_000), stored(2, 900_000), stored(3, 900_001)]
    assert sizes(objects) == [[1, 2]]
    assert sizes(objects, StoreTime(1_000.0, 899.5)) == []
    assert sizes(objects, StoreTime(1_000.0, 900.0)) == []
    assert sizes(objects, StoreTime(1_000.0, 900.001)) == [[1, 2]]


def test_a_merged_file_that_is_still_small_is_merged_again_with_others(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")])
    compact(lake)
    run(lake, tmp_path, [demand("c")])

    assert compact(lake)["rows"] == 3

    assert fans(lake) == ["a", "b", "c"]
    assert [len(rows_of(path)) for path in files(lake)] == [3]
