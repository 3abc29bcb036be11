"""One Parquet file: what the serializer's settings do, and what the file looks like to its readers."""

import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from firehose.local.config.conversion_settings import MIB, ParquetSettings
from firehose.local.conversion.parquet import parquet_file
from tests.converting import convert
from tests.parquet_pages import pages

DEFAULTS = ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=False, writer_version="V1")


def written(rows: pa.Table, **settings: Any) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(parquet_file(rows, replace(DEFAULTS, **settings))))


def pages_of(rows: pa.Table, **settings: Any) -> list[str]:
    """The pages of the first column chunk."""
    file = parquet_file(rows, replace(DEFAULTS, **settings))
    chunk = pq.ParquetFile(io.BytesIO(file)).metadata.row_group(0).column(0)
    first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return list(pages(file, first, first + chunk.total_compressed_size))


def numbers(rows: int) -> pa.Table:
    return pa.table({"n": pa.array(range(rows), pa.int64())})


def test_a_row_group_is_a_block_and_not_a_number_of_rows() -> None:
    rows = numbers(1_000_000)  # 8 MB

    assert written(rows).num_row_groups == 1
    assert written(rows, block_bytes=2 * MIB).num_row_groups == 4


def test_a_page_is_as_large_as_asked() -> None:
    rows = numbers(262_144)  # 2 MiB

    assert len(pages_of(rows, compression="UNCOMPRESSED")) == 2
    assert len(pages_of(rows, compression="UNCOMPRESSED", page_bytes=64 * 1024)) == 32


@pytest.mark.parametrize(("version", "page"), [("V1", "data"), ("V2", "data v2")])
def test_pages_are_of_the_writers_version(version: str, page: str) -> None:
    assert pages_of(numbers(3), writer_version=version) == [page]


@pytest.mark.parametrize(("version", "encoding"), [("V1", "PLAIN_DICTIONARY"), ("V2", "RLE_DICTIONARY")])
def test_a_dictionary_has_the_encoding_of_the_writers_version(version: str, encoding: str) -> None:
    column = written(numbers(3), writer_version=version, dictionary=True).metadata.row_group(0).column(0)

    assert encoding in column.encodings


def test_a_file_without_rows_is_a_file() -> None:
    assert written(pa.table({"n": pa.array([], pa.int64())})).metadata.num_rows == 0


@pytest.mark.parametrize("compression", ["SNAPPY", "GZIP", "UNCOMPRESSED"])
def test_pages_are_compressed_as_asked(compression: str) -> None:
    column = written(numbers(1), compression=compression).metadata.row_group(0).column(0)

    assert column.compression == compression


@pytest.mark.parametrize(("dictionary", "expected"), [(False, ["data"]), (True, ["dictionary", "data"])])
def test_there_is_a_dictionary_only_when_asked(dictionary: bool, expected: list[str]) -> None:
    rows = pa.table({"n": ["a"] * 9})

    assert pages_of(rows, dictionary=dictionary) == expected


TIMES = pa.array([-2_208_968_999_876_543_211, -1, 0, 1_714_564_809_617_000_001, None], pa.timestamp("ns"))


def test_times_are_int96_to_the_nanosecond() -> None:
    file = written(pa.table({"t": TIMES}))

    assert file.schema.column(0).physical_type == "INT96"
    assert file.read().column("t").combine_chunks().equals(TIMES)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_times_are_int64_microseconds_where_a_reader_needs_that(version: str) -> None:
    file = written(pa.table({"t": TIMES}), int64_timestamps=True, writer_version=version)

    assert file.schema.column(0).physical_type == "INT64"
    assert file.read().column("t").type == pa.timestamp("us")
    assert file.read().column("t").to_pylist() == TIMES.cast(pa.timestamp("us"), safe=False).to_pylist()


@pytest.mark.parametrize("int64", [False, True])
def test_another_reader_finds_times_before_1970(tmp_path: Path, int64: bool) -> None:
    path = tmp_path / "a.parquet"
    times = pa.array([-2_208_968_999_877, -1, 0, 1_714_564_809_617, None], pa.timestamp("ms"))
    path.write_bytes(parquet_file(pa.table({"t": times}), replace(DEFAULTS, int64_timestamps=int64)))

    found = duckdb.connect().execute("SELECT epoch_ms(t) FROM read_parquet(?)", [str(path)]).fetchall()

    assert [each for (each,) in found] == [-2_208_968_999_877, -1, 0, 1_714_564_809_617, None]


COLUMNS = {
    "flag": "boolean",
    "t": "tinyint",
    "s": "smallint",
    "i": "int",
    "b": "bigint",
    "f": "float",
    "d": "double",
    "c": "decimal(5,2)",
    "large": "decimal(38,10)",
    "name": "string",
    "mark": "char(2)",
    "code": "varchar(2)",
    "day": "date",
    "at": "timestamp",
}


def test_columns_are_what_hive_writes_of_their_types() -> None:
    schema = written(pa.Table.from_batches([convert(COLUMNS).rows])).schema
    found = [schema.column(place) for place in range(len(schema))]

    assert [(column.name, column.physical_type, column.converted_type or "") for column in found] == [
        ("flag", "BOOLEAN", "NONE"),
        ("t", "INT32", "INT_8"),
        ("s", "INT32", "INT_16"),
        ("i", "INT32", "NONE"),
        ("b", "INT64", "NONE"),
        ("f", "FLOAT", "NONE"),
        ("d", "DOUBLE", "NONE"),
        ("c", "FIXED_LEN_BYTE_ARRAY", "DECIMAL"),
        ("large", "FIXED_LEN_BYTE_ARRAY", "DECIMAL"),
        ("name", "BYTE_ARRAY", "UTF8"),
        ("mark", "BYTE_ARRAY", "UTF8"),
        ("code", "BYTE_ARRAY", "UTF8"),
        ("day", "INT32", "DATE"),
        ("at", "INT96", "NONE"),
    ]
    assert [column.length for column in found if column.name in ("c", "large")] == [3, 16]
    assert {column.max_definition_level for column in found} == {1}
