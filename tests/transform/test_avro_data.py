"""The rows in Avro containers are those of Parquet mode, by the schema of their table."""

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.schema import load
from glue.tables import read_table_inputs
from tests.avro_containers import archived, avro, containers, lines, records
from tests.given import CHANGED_MS, Bucket, Function, change, change_of, environment, event, row_of, s
from tests.invented import gift, group, member, optional
from transform.function import build


def as_row(value: Any) -> Any:
    """A record read from Avro in the form of Parquet mode's rows: lower-case names, times as text."""
    if isinstance(value, dict):
        return {name.lower(): as_row(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_row(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return value.isoformat() if isinstance(value, date) else value


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def in_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def test_the_rows_are_those_of_parquet_mode_to_the_field() -> None:
    parquet, in_avro = Function(), avro()

    rows, found = [], []
    for start in range(0, 2_000, 500):
        batch = lines()[start : start + 500]
        rows += [row_of(result) for result in parquet(*batch)["records"] if result["result"] == "Ok"]
        in_avro(*batch)
        found += archived(in_avro.bucket)
        in_avro.bucket.objects.clear()

    assert len(found) == len(rows) == 1_980
    assert in_order([as_row(record) for record in found]) == in_order([without_nulls(row) for row in rows])


@pytest.mark.parametrize("record_type", ["demand", "event", "notification", "sale"])
def test_the_schema_in_a_file_is_the_one_its_table_is_read_by(record_type: str) -> None:
    function = avro()

    function(change(record_type))

    (body,) = containers(function.bucket).values()
    literal = read_table_inputs()[record_type]["avro"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    header = fastavro.reader(io.BytesIO(body)).metadata
    assert json.loads(header["avro.schema"]) == json.loads(literal["avro.schema.literal"])
    assert header["avro.codec"] == "deflate"


def test_the_codec_is_null_by_choice() -> None:
    bucket = Bucket()
    handler = build(environment("demand", claims=True) | {"FORMAT": "avro", "AVRO_CODEC": "null"}, bucket)

    handler(event(change()), None)

    (body,) = containers(bucket).values()
    assert fastavro.reader(io.BytesIO(body)).metadata["avro.codec"] == "null"
    assert records(body)[0]["fanId"] == "f1"


def test_a_deletion_is_scrubbed_and_marked() -> None:
    function = avro()

    function(change("demand", "REMOVE", email=s("SECRET"), phoneNumber=s("SECRET")))

    (record,) = archived(function.bucket)
    assert (record["email"], record["phoneNumber"], record["isDeleted"]) == ("[redacted]", "[redacted]", True)
    assert record["date"]["deleted"] == datetime.fromtimestamp(CHANGED_MS / 1000, UTC)


TIME = {"type": "long", "logicalType": "timestamp-millis"}


AGAIN = group("Again", member("at", optional(TIME)))


EVERYTHING = gift(
    member("words", {"type": "array", "items": optional("string")}),
    member("rows", optional({"type": "array", "items": optional({"type": "array", "items": optional("long")})})),
    member("by", {"type": "map", "values": {"type": "array", "items": optional("double")}}),
    member("size", optional({"type": "enum", "name": "Size", "symbols": ["S", "M", "L"]})),
    member("day", {"type": "int", "logicalType": "date"}),
    member("inner", group("Inner", member("count", "int"), member("again", optional(AGAIN)))),
    member("others", optional({"type": "array", "items": optional("Again")})),
    member("inner_count", optional("boolean")),
)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


longs = st.integers(-(2**63), 2**63 - 1).map(lambda number: {"N": str(number)})


doubles = st.floats(-1e300, 1e300).map(lambda number: {"N": repr(number)})


moments = st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31))


times = st.one_of(
    moments.map(lambda time: s(time.isoformat())),
    moments.map(lambda time: s(f"{time.isoformat(timespec='milliseconds')}Z")),
)


null = st.just({"NULL": True})


again = st.fixed_dictionaries({}, optional={"at": times | null}).map(lambda entries: {"M": entries})


everything = st.fixed_dictionaries(
    {
        "type": st.just(s("gift")),
        "id": texts.map(s),
        "madeAt": st.just(s("2025-02-03T04:05:06.789Z")),
        "words": st.lists(texts.map(s) | null, max_size=3).map(lambda items: {"L": items}),
        "by": st.dictionaries(
            st.sampled_from("abc"), st.lists(doubles | null, max_size=2).map(lambda items: {"L": items}), max_size=2
        ).map(lambda entries: {"M": entries}),
        "day": st.dates(date(1800, 1, 1), date(2199, 12, 31)).map(lambda day: s(day.isoformat())),
        "inner": st.fixed_dictionaries(
            {"count": st.integers(-(2**31), 2**31 - 1).map(lambda number: {"N": str(number)})},
            optional={"again": again | null},
        ).map(lambda entries: {"M": entries}),
    },
    optional={
        "rows": st.lists(st.lists(longs | null, max_size=2).map(lambda items: {"L": items}) | null, max_size=2).map(
            lambda items: {"L": items}
        ),
        "size": st.sampled_from("SML").map(s) | null,
        "others": st.lists(again | null, max_size=2).map(lambda items: {"L": items}),
        "inner_count": st.booleans().map(lambda truth: {"BOOL": truth}),
    },
)


@pytest.fixture(scope="module")
def gifts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Function, Function]:
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "gift.avsc").write_text(json.dumps(EVERYTHING))
    assert list(load(folder)) == ["gift"]
    return Function("gift", schemas=folder), avro(types="gift", schemas=folder)


@given(items=st.lists(everything, min_size=1, max_size=3))
def test_any_row_of_any_schema_is_in_avro_what_it_is_in_parquet(
    gifts: tuple[Function, Function], items: list[Any]
) -> None:
    parquet, in_avro = gifts
    in_avro.bucket.objects.clear()

    rows = [row_of(result) for result in parquet(*map(change_of, items))["records"]]
    in_avro(*map(change_of, items))

    assert [as_row(record) for record in archived(in_avro.bucket)] == [without_nulls(row) for row in rows]
    (body,) = containers(in_avro.bucket).values()
    (block,) = fastavro.block_reader(io.BytesIO(body))
    data: Any = block
    assert data.bytes_.getvalue() == b"".join(map(by_fastavro, records(body)))


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u20ac", "\U0001f3ab"])
def test_a_text_may_have_any_length(letter: str) -> None:
    texts = [letter * length for length in (0, 1, 31, 32, 63, 64, 85, 86, 127, 128, 255, 256, 8191, 8192)]
    function = avro()

    function(*[change("sale", id=s(text or "-"), name=s(text)) for text in texts])

    assert [(record["id"], record["name"]) for record in archived(function.bucket)] == [(t or "-", t) for t in texts]


DAYS = ("1799-12-31", "1800-01-01", "2199-12-31", "2200-01-01", "2024-02-29", "2023-02-29", "2024-W01-1", "0000-01-01")


days, clocks = st.sampled_from(DAYS), st.sampled_from(["00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:60"])


near_times = st.one_of(
    st.builds("{}T{}.{:03}Z".format, days, clocks, st.integers(0, 999)),
    st.builds(
        "{}{}{}{}{}".format,
        days,
        st.sampled_from("T t"),
        clocks,
        st.sampled_from(["", ".", ".1", ".12", ".999", ".9999", ".\u0661\u0662\u0663", ",999"]),
        st.sampled_from(["", "Z", "z", "+00:00", "-00:01", "+2359", "+24:00"]),
    ),
)


@given(texts=st.lists(near_times, min_size=20, max_size=20))
def test_a_time_is_read_as_in_parquet_mode(sales: tuple[Function, Function], texts: list[str]) -> None:
    parquet, in_avro = sales
    in_avro.bucket.objects.clear()
    changes = [change("sale", saleEndDateTime=s(text)) for text in texts]

    rows = [row_of(result) for result in parquet(*changes)["records"] if result["result"] == "Ok"]
    in_avro(*changes)

    assert [as_row(record)["saleenddatetime"] for record in archived(in_avro.bucket)] == [
        row["saleenddatetime"] for row in rows
    ]


@pytest.fixture(scope="module")
def sales() -> tuple[Function, Function]:
    return Function("sale"), avro(types="sale")


def by_fastavro(record: dict[str, Any]) -> bytes:
    """What fastavro itself makes of a record."""
    file = io.BytesIO()
    fastavro.schemaless_writer(file, EVERYTHING, record)
    return file.getvalue()
