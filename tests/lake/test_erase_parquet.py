"""A redacted Parquet file is the file that it was, whoever wrote it: only the subjects' personal values are others."""

from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.erasure.parquet_chunks import ParquetParts
from firehose.lake.erasure.parquet_rows import ParquetRows
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.erasure.thrift_compact import read_struct, write_struct
from firehose.local.user_error import UserError
from glue.model import ArrayType, Field, PartitionDate, Record, RecordType, Scalar

NOW = 2**60
TIMES = [datetime(2025, 1, 1, 10, minute) for minute in range(6)]
CONTACT = pa.struct([("Email", pa.string()), ("kind", pa.string())])
SCHEMA = pa.schema(
    [
        ("fanid", pa.string()),
        ("PhoneNumber", pa.string()),
        ("contacts", pa.list_(CONTACT)),
        ("home", CONTACT),
        ("date", pa.struct([("requested", pa.timestamp("us"))])),
        ("tags", pa.list_(pa.string())),
        ("change", pa.struct([("atmicros", pa.int64())])),
    ],
    metadata={"writer": "another", "note": "kept"},
)


def field(name: str, kind: Any, *, pii: bool = False) -> Field:
    return Field(name, kind, optional=True, doc="", pii=pii)


def record_type() -> RecordType:
    """A type with personal fields in structs and lists, which none of ours has yet."""
    contact = Record("Contact", (field("email", Scalar.STRING, pii=True), field("kind", Scalar.STRING)))
    row = Record(
        "visit",
        (
            field("fanId", Scalar.STRING),
            field("phoneNumber", Scalar.STRING, pii=True),
            field("contacts", ArrayType(contact)),
            field("home", contact),
        ),
    )
    date = PartitionDate((), "2015-01-01", "2039-12-31")
    return RecordType("visit", "", row, date, None, (), (), None, ("fanId",), {})


def rows() -> list[dict[str, Any]]:
    return [
        {
            "fanid": fan,
            "PhoneNumber": None if number == 3 else f"+1555{number}",
            "contacts": [{"Email": f"{number}@x", "kind": "work"}, None, {"Email": None, "kind": "home"}],
            "home": None if number == 2 else {"Email": f"h{number}@x", "kind": "k"},
            "date": {"requested": TIMES[number]},
            "tags": ["t", None] if number % 2 else [],
            "change": {"atmicros": number},
        }
        for number, fan in enumerate(["a", "b", "a", "a", "c", "b"])
    ]


def parquet(**settings: Any) -> bytes:
    out = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows(), SCHEMA), out, **{"row_group_size": 2, **settings})
    return out.getvalue()


BODY = parquet()


def redacted(body: bytes, *subjects: str) -> bytes:
    made = ParquetRows(record_type()).redact(body, Subjects(dict.fromkeys(subjects, NOW))).body
    assert made is not None
    return made


def expected(*subjects: str) -> list[dict[str, Any]]:
    wanted = rows()
    for row in wanted:
        if row["fanid"] in subjects:
            row["PhoneNumber"] = row["PhoneNumber"] and "[redacted]"
            for one in [*row["contacts"], row["home"]]:
                if one is not None:
                    one["Email"] = one["Email"] and "[redacted]"
    return wanted


FORMS: dict[str, dict[str, Any]] = {
    "as PyArrow writes": {},
    "INT96": {"use_deprecated_int96_timestamps": True},
    "milliseconds": {"coerce_timestamps": "ms"},
    "gzip": {"compression": "gzip"},
    "zstd": {"compression": "zstd", "use_dictionary": False},
    "uncompressed": {"compression": "none"},
    "a codec for each column": {"compression": {"fanid": "gzip", "PhoneNumber": "zstd", "tags.list.element": "none"}},
    "version 1": {"version": "1.0", "store_schema": False},
    "pages of version 2": {"data_page_version": "2.0"},
    "Hive's names of lists": {"use_compliant_nested_type": False, "store_schema": False},
    "one row group": {"row_group_size": 100},
    "page indexes": {"write_page_index": True},
    "no statistics": {"write_statistics": False},
    "bloom filters": {"bloom_filter_options": {"fanid": True, "PhoneNumber": True}},
    "dictionary columns": {"use_dictionary": ["PhoneNumber"]},
    "checksums": {"write_page_checksum": True},
}


@pytest.mark.parametrize("settings", FORMS.values(), ids=FORMS)
def test_rows_of_subjects_are_redacted_and_all_other_values_stay(settings: dict[str, Any]) -> None:
    made = redacted(parquet(**settings), "a", "x")

    assert pq.read_table(BytesIO(made), page_checksum_verification=True).to_pylist() == expected("a")
    assert b"+15550" not in made
    assert b"h0@x" not in made


@pytest.mark.parametrize("settings", FORMS.values(), ids=FORMS)
def test_the_physical_schema_the_metadata_and_the_layout_stay(settings: dict[str, Any]) -> None:
    body = parquet(**settings)

    made = redacted(body, "a")

    before, after = (pq.ParquetFile(BytesIO(one)) for one in (body, made))
    assert after.schema.equals(before.schema)
    assert after.metadata.metadata == before.metadata.metadata
    assert after.metadata.created_by == before.metadata.created_by
    for group in range(before.num_row_groups):
        for leaf in range(before.metadata.num_columns):
            one, other = (file.metadata.row_group(group).column(leaf) for file in (before, after))
            assert (other.path_in_schema, other.physical_type, other.compression, other.num_values) == (
                one.path_in_schema,
                one.physical_type,
                one.compression,
                one.num_values,
            )
            assert other.has_offset_index == one.has_offset_index
            assert other.is_stats_set == one.is_stats_set
    before_root, after_root = map(footer, (body, made))
    assert {number: part for number, part in after_root.items() if number != 4} == {
        number: part for number, part in before_root.items() if number != 4
    }


def footer(body: bytes) -> Any:
    return read_struct(body, len(body) - 8 - int.from_bytes(body[-8:-4], "little"))[0]


def test_chunks_of_other_columns_are_the_same_bytes() -> None:
    body = parquet()
    made = redacted(body, "c")

    for group in range(3):
        for leaf in range(pq.read_metadata(BytesIO(body)).num_columns):
            before, after = (pages(one, group, leaf) for one in (body, made))
            is_changed = group == 2 and leaf in {1, 2, 4}
            assert (after != before) == is_changed, (group, leaf)


def pages(body: bytes, group: int, leaf: int) -> bytes:
    column = pq.read_metadata(BytesIO(body)).row_group(group).column(leaf)
    begin = column.dictionary_page_offset or column.data_page_offset
    return body[begin : begin + column.total_compressed_size]


@pytest.mark.parametrize("settings", FORMS.values(), ids=FORMS)
def test_a_file_in_which_nothing_is_replaced_is_written_as_it_was(settings: dict[str, Any]) -> None:
    body = parquet(**settings)

    made = ParquetParts(body).with_chunks({})

    assert pq.read_table(BytesIO(made)).equals(pq.read_table(BytesIO(body)))
    assert ParquetParts(made).with_chunks({}) == made
    assert redacted_again(redacted(body, "a")) is None


def redacted_again(body: bytes) -> bytes | None:
    return ParquetRows(record_type()).redact(body, Subjects({"a": NOW})).body


def test_other_programs_use_the_page_indexes_of_a_redacted_file(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    file.write_bytes(redacted(parquet(write_page_index=True, bloom_filter_options={"fanid": True}), "a"))

    for condition, count in (("PhoneNumber = '[redacted]'", 2), ("fanid = 'b'", 2), ("PhoneNumber = '+15550'", 0)):
        found = duckdb.connect().execute(f"SELECT count(*) FROM '{file}' WHERE {condition}").fetchall()  # noqa: S608
        assert found == [(count,)]


def test_rows_that_were_sorted_by_a_redacted_column_are_no_more() -> None:
    sorting = [pq.SortingColumn(1), pq.SortingColumn(0)]

    made = redacted(parquet(sorting_columns=sorting), "c")

    kept = [pq.read_metadata(BytesIO(made)).row_group(group).sorting_columns for group in range(3)]
    assert [len(one) for one in kept] == [2, 2, 0]


def test_only_changes_up_to_the_erasure_are_redacted() -> None:
    made = ParquetRows(record_type()).redact(parquet(), Subjects({"a": 1}))

    assert made.found.rows == 1
    assert made.body is not None
    phones = pq.read_table(BytesIO(made.body), columns=["PhoneNumber"])["PhoneNumber"].to_pylist()
    assert phones[:3] == ["[redacted]", "+15551", "+15552"]


@pytest.mark.parametrize("cut", [1, 9, 40, 400])
def test_a_damaged_file_is_refused(cut: int) -> None:
    with pytest.raises(UserError, match="damaged"):
        ParquetRows(record_type()).redact(parquet()[:-cut], Subjects({"a": NOW}))


@given(st.binary(min_size=1, max_size=8), st.integers(0, 10**6))
def test_whatever_bytes_a_file_has_no_other_error_is_raised(noise: bytes, place: int) -> None:
    body = bytearray(BODY)
    place %= len(body) - len(noise)
    body[place : place + len(noise)] = noise

    with suppress(UserError):
        ParquetRows(record_type()).redact(bytes(body), Subjects({"a": NOW}))


_VALUES: Any = st.recursive(
    st.one_of(
        st.tuples(st.just(5), st.integers(-(2**31), 2**31 - 1)),
        st.tuples(st.just(6), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just(8), st.binary(max_size=40)),
        st.tuples(st.sampled_from([1, 2]), st.just(True)),
        st.tuples(st.just(9), st.tuples(st.just(5), st.lists(st.integers(-9, 9), max_size=20))),
    ),
    lambda inner: st.tuples(st.just(12), st.dictionaries(st.integers(1, 300), inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(st.integers(1, 300), _VALUES, max_size=8))
def test_a_struct_is_written_as_it_is_read(struct: Any) -> None:
    written = write_struct(struct)

    assert read_struct(written) == (struct, len(written))
