"""What a target must be like before its sources are deleted, and how a container is split into blocks."""

import io
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.compact.avro_blocks import read_container, write_container
from firehose.lake.compact.avro_merger import AvroMerger
from firehose.lake.compact.merger import Merger
from firehose.lake.compact.parquet_merger import ParquetMerger
from firehose.local.user_error import UserError
from firehose.pipeline.streams import local_streams
from glue.layout import Format
from glue.schema import load
from glue.tables import avro_literal, parquet_table
from tests.compacting import demand, files, run

DEMAND = load()["demand"]


def merger_of(file_format: str) -> Merger:
    if file_format == "avro":
        return AvroMerger(avro_literal(DEMAND))
    (stream,) = local_streams({"demand": DEMAND}, Format.PARQUET)
    return ParquetMerger(stream.request, parquet_table(DEMAND))


def bodies(folder: Path, file_format: str, *names: str) -> list[bytes]:
    run(folder / "lake", folder, *([demand(name, eventId={"S": name})] for name in names), file_format=file_format)
    return [path.read_bytes() for path in files(folder / "lake")]


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
@pytest.mark.parametrize("drop_duplicates", [False, True])
def test_a_target_is_right_only_if_it_has_the_rows_of_its_sources(
    tmp_path: Path, file_format: str, *, drop_duplicates: bool
) -> None:
    merger = merger_of(file_format)
    found = bodies(tmp_path, file_format, "a", "b", "c")
    twice = [*found, found[0]]
    parts = [merger.part("x", body) for body in twice]

    merged = merger.merge(parts, drop_duplicates=drop_duplicates)

    assert merged.rows == 4 - drop_duplicates
    assert merged.duplicates_dropped == int(drop_duplicates)
    assert merged.is_right(merged.body)
    for wrong in (twice[:3] if not drop_duplicates else twice, found[:2], [*found[:2], found[1], found[1]]):
        other = merger.merge([merger.part("x", body) for body in wrong], drop_duplicates=False)
        assert not merged.is_right(other.body)
    with pytest.raises(UserError):
        merged.is_right(merged.body[: len(merged.body) // 2])


def test_a_target_with_another_value_in_one_column_is_wrong(tmp_path: Path) -> None:
    merger = merger_of("parquet")
    parts = [merger.part("x", body) for body in bodies(tmp_path, "parquet", "a", "b")]
    merged = merger.merge(parts, drop_duplicates=False)
    rows = pq.read_table(io.BytesIO(merged.body))
    changed = rows.set_column(rows.schema.get_field_index("eventid"), "eventid", pa.array(["a", "x"]))
    out = io.BytesIO()
    pq.write_table(changed, out, use_deprecated_int96_timestamps=True)

    assert not merged.is_right(out.getvalue())


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_damage_is_one_sentence_without_a_value(tmp_path: Path, file_format: str) -> None:
    merger = merger_of(file_format)
    (body,) = bodies(tmp_path, file_format, "SECRET")

    for size in range(0, len(body) - 1, 97):
        with pytest.raises(UserError, match=r"^key is not an? (Parquet file|Avro container), or it is damaged$"):
            merger.part("key", body[:size])


SCHEMA: Any = {"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]}


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300),
    st.integers(16, 400),
    st.sampled_from(["null", "deflate"]),
    st.dictionaries(st.text("ab", min_size=1), st.text(max_size=200), max_size=3),
)
def test_the_blocks_of_any_container_make_it_again(numbers: list[int], size: int, codec: str, more: Any) -> None:
    out = io.BytesIO()
    fastavro.writer(out, SCHEMA, [{"n": one} for one in numbers], codec, sync_interval=size, metadata=more)
    body = out.getvalue()

    container = read_container(body)

    assert write_container(container.header, container.marker, container.blocks) == body
    assert container.rows == len(numbers)
    other = write_container(container.header, bytes(16), [*container.blocks, *container.blocks])
    assert [row["n"] for row in fastavro.reader(io.BytesIO(other)) if isinstance(row, dict)] == numbers * 2


@given(st.binary(max_size=200))
def test_what_is_no_container_is_refused(body: bytes) -> None:
    for bad in (body, b"Obj\x01" + body):
        try:
            container = read_container(bad)
        except ValueError:
            continue
        assert write_container(container.header, container.marker, container.blocks) == bad
