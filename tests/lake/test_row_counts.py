"""Rows of Parquet files are counted by their footers, and the count is Arrow's."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.query.row_counts import RowCounter, read_footer

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=4) | st.sampled_from(
    ["a\0\x16", "\0\x16\x02", "\0\x16\0"]
)


def written(names: list[str], rows: int, **options: Any) -> bytes:
    """Return a file of so many rows, with a list and a struct in its columns."""
    kinds = [pa.int64(), pa.list_(pa.string()), pa.struct([("x\0\x16", pa.int32())])]
    columns = {name: pa.nulls(rows, kinds[place % 3]) for place, name in enumerate(names)}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def counted(files: list[bytes]) -> list[int]:
    counter = RowCounter()
    return [counter.rows(read_footer(io.BytesIO(file), len(file))) for file in files]


@given(
    st.lists(
        st.tuples(
            st.lists(NAMES, unique=True, min_size=1, max_size=5),
            st.sampled_from([0, 1, 63, 64, 65, 8191, 8192, 20_000]),
            st.sampled_from([1_000, 100_000]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.randoms(),
)
def test_files_have_the_rows_that_arrow_counts(shapes: list[tuple[list[str], int, int]], order: Any) -> None:
    files = [
        written(names, rows + more, row_group_size=size)
        for names, rows, size in shapes
        for more in (0, 1)  # so that footers begin alike
    ]
    order.shuffle(files)

    assert counted(files) == [pq.read_metadata(io.BytesIO(file)).num_rows for file in files]


def test_arrow_reads_one_footer_of_those_that_begin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    files, parsed = [written(["id", "tags"], rows) for rows in (3, 200, 100_000)], []
    read = pq.read_metadata

    def noted(file: Any) -> Any:
        parsed.append(file)
        return read(file)

    monkeypatch.setattr(pq, "read_metadata", noted)

    assert counted(files) == [3, 200, 100_000]
    assert len(parsed) == 1


def test_a_footer_that_is_longer_than_what_is_read_at_first_is_read_whole() -> None:
    file = written([f"column {place:0>100}" for place in range(1_000)], 7)

    assert counted([file, file]) == [7, 7]


@pytest.mark.parametrize(
    "damage", [lambda file: file[:-1], lambda file: file[:-8] + b"\xff\xff\xff\x7fPAR1", lambda _: b""]
)
def test_a_file_without_its_end_is_left_to_arrow_which_refuses_it(damage: Any) -> None:
    file = written(["id"], 3)

    with pytest.raises(pa.ArrowInvalid):
        counted([file, damage(file)])
