"""One Parquet file: what the serializer's settings do, and what the file looks like to its readers.

The levels of lists and maps and the root are Arrow's names, not those that Hive writes (`bag.array_element`, `map`,
`hive_schema`). Hive's own SerDe was seen to read them: it goes by the LIST and MAP annotations.
"""

import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firehose.conversion.parquet import parquet_file
from firehose.stream.conversion_settings import MIB, ParquetSettings
from glue.arrow import schema
from tests.firehose_streams import table

DEFAULTS = ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=False, writer_version="V1")


def written(rows: pa.Table, settings: ParquetSettings = DEFAULTS) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(parquet_file(rows, settings)))


def test_a_row_group_is_a_block_and_not_a_number_of_rows() -> None:
    rows = pa.table({"n": pa.array(range(1_000_000), pa.int64())})  # 8 MB

    assert written(rows).num_row_groups == 1
    small = ParquetSettings("SNAPPY", 2 * MIB, MIB, dictionary=False, writer_version="V1")
    assert written(rows, small).num_row_groups == 4


def test_a_file_without_rows_is_a_file() -> None:
    assert written(pa.table({"n": pa.array([], pa.int64())})).metadata.num_rows == 0


@pytest.mark.parametrize(("compression", "codec"), [("SNAPPY", "SNAPPY"), ("GZIP", "GZIP"), ("UNCOMPRESSED",) * 2])
def test_pages_are_compressed_as_asked(compression: str, codec: str) -> None:
    settings = ParquetSettings(compression, 256 * MIB, MIB, dictionary=False, writer_version="V1")

    assert written(pa.table({"n": [1]}), settings).metadata.row_group(0).column(0).compression == codec


@pytest.mark.parametrize("dictionary", [False, True])
def test_there_is_a_dictionary_only_when_asked(dictionary: bool) -> None:
    settings = ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=dictionary, writer_version="V1")

    column = written(pa.table({"n": ["a"] * 9}), settings).metadata.row_group(0).column(0)

    assert column.has_dictionary_page is dictionary


def test_lists_and_maps_have_three_levels_under_arrows_names() -> None:
    made = schema(table({"l": "array<struct<a:int>>", "m": "map<string,int>", "t": "tinyint", "d": "decimal(5,2)"}))

    file = written(pa.Table.from_pylist([{"l": [{"a": 1}, None], "m": [("k", None)]}], made))

    columns = [file.schema.column(place) for place in range(len(file.schema))]
    assert [column.path for column in columns] == ["l.list.element.a", "m.key_value.key", "m.key_value.value", "t", "d"]
    assert [column.physical_type for column in columns[3:]] == ["INT32", "FIXED_LEN_BYTE_ARRAY"]
    assert file.read().to_pylist() == [{"l": [{"a": 1}, None], "m": [("k", None)], "t": None, "d": None}]


def test_another_reader_finds_times_before_1970(tmp_path: Path) -> None:
    times = pa.array([-2_208_968_999_877, -1, 0, 1_714_564_809_617, None], pa.timestamp("ms"))
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_file(pa.table({"t": times}), DEFAULTS))

    found = duckdb.connect().execute("SELECT epoch_ms(t) FROM read_parquet(?)", [str(path)]).fetchall()

    assert [each for (each,) in found] == [-2_208_968_999_877, -1, 0, 1_714_564_809_617, None]
