"""Iceberg mode: rows as Firehose's Iceberg destination takes them, each routed to the table of its type."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from glue.model import ArrayType, MapType, Record, Scalar, Type
from glue.schema import load
from tests.given import (
    CHANGED_MS,
    DATABASE,
    LIMIT_BYTES,
    Bucket,
    Function,
    change,
    change_of,
    environment,
    event,
    image,
    m,
    results,
    row_of,
    s,
)
from tests.invented import gift, member, optional
from transform.function import build
from transform.settings import ConfigurationError

SAMPLE = Path(__file__).parents[1] / "corpora" / "sample.jsonl.gz"
TYPES = load()


def iceberg(**settings: Any) -> Function:
    return Function(format="iceberg", **settings)


def test_a_row_names_the_table_of_its_type_and_is_inserted() -> None:
    (result,) = iceberg()(change("sale"))["records"]

    assert result["metadata"] == {
        "otfMetadata": {"destinationDatabaseName": DATABASE, "destinationTableName": "sale", "operation": "insert"}
    }


def test_one_function_serves_every_type() -> None:
    answered = iceberg()(*map(change, TYPES))["records"]

    tables = [result["metadata"]["otfMetadata"]["destinationTableName"] for result in answered]
    assert tables == list(TYPES)


def test_the_partition_date_is_a_column_of_the_row() -> None:
    late = change("demand", date=m(requested=s("2025-01-01T23:30:00-05:00")))

    assert iceberg().row(late)["partition_date"] == "2025-01-02"


def test_times_are_epoch_microseconds_at_every_depth_and_dates_are_text() -> None:
    row = iceberg().row(
        change(
            "event",
            date=m(firstSeen=s("2024-05-01T14:00:05.4289+02:00")),
            eventDate=m(start=m(localDate=s("2024-05-01"))),
        )
    )

    assert row["date"] == {"firstseen": 1_714_564_805_428_000}
    assert row["eventdate"] == {"start": {"localdate": "2024-05-01"}}
    assert row["change"]["at"] == row["change"]["atmicros"] == CHANGED_MS * 1000
    assert row["reference"]["timestamp"] == CHANGED_MS * 1000


def test_the_time_of_a_change_is_truncated_to_the_millisecond_and_beside_it_stands_exact() -> None:
    exact = change_of(image("sale"))
    exact["dynamodb"] |= {
        "ApproximateCreationDateTime": CHANGED_MS * 1000 + 999,
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
    }

    row = iceberg().row(exact)

    assert (row["change"]["at"], row["change"]["atmicros"]) == (CHANGED_MS * 1000, CHANGED_MS * 1000 + 999)


@pytest.mark.parametrize(("text", "micros"), [("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1000)])
def test_a_time_at_the_epoch_is_a_time_and_before_it_a_negative_number(text: str, micros: int) -> None:
    """0 is a number that Python takes for false."""
    function = iceberg()

    row = function.row(change("sale", saleStartDateTime=s(text)))

    assert row["salestartdatetime"] == micros
    assert row["reference"]["timestamp"] == micros
    assert row["partition_date"] == text[:10]


def test_a_time_that_cannot_be_read_fails_as_in_parquet_mode() -> None:
    bad = change("sale", saleStartDateTime=s("TBA"))

    assert iceberg().failure(bad)["error"] == Function().failure(bad)["error"]


def test_a_date_outside_the_tables_range_fails_as_in_parquet_mode() -> None:
    bad = change("event", date=m(firstSeen=s("1970-01-01T00:00:00Z")))

    assert iceberg().failure(bad)["error"] == Function().failure(bad)["error"]


def test_a_decimal_is_text_so_that_it_keeps_its_digits(tmp_path: Path) -> None:
    price = optional({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 2})
    (tmp_path / "gift.avsc").write_text(json.dumps(gift(member("price", price))))
    function = Function(types="gift", format="iceberg", schemas=tmp_path)

    row = function.row(
        change("gift", id=s("g1"), madeAt=s("2025-01-01T00:00:00Z"), price={"N": "123456789012345678901234.10"})
    )

    assert row["price"] == "123456789012345678901234.10"


@pytest.mark.slow
def test_rows_of_the_sample_are_those_of_parquet_mode_but_for_the_form_of_times() -> None:
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines()
    begun = event(*lines)

    parquet, rows = Function().reply(begun), iceberg().reply(begun)

    assert results(rows) == results(parquet)
    delivered = [pair for pair in zip(rows["records"], parquet["records"], strict=True) if pair[0]["result"] == "Ok"]
    assert len(delivered) > 1500
    for mine, others in delivered:
        row = row_of(mine)
        assert row.pop("partition_date") == others["metadata"]["partitionKeys"]["date"]
        assert in_text(row, TYPES[row["type"]].row) == row_of(others)


def in_text(value: Any, kind: Type) -> Any:
    """A value of Iceberg mode in the form of Parquet mode."""
    match kind:
        case Record():
            kinds = {field.name.lower(): field.type for field in kind.fields}
            return {name: in_text(inner, kinds[name]) for name, inner in value.items()}
        case ArrayType():
            return [inner and in_text(inner, kind.items) for inner in value]
        case MapType():
            return {name: in_text(inner, kind.values) for name, inner in value.items()}
        case Scalar.TIMESTAMP if value is not None:
            moment = datetime.fromtimestamp(value // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
            return f"{moment}.{value // 1000 % 1000:03}"
    return value


def test_a_reply_that_fits_to_its_last_byte_is_whole_and_its_tables_are_counted() -> None:
    def reply(name_length: int) -> dict[str, Any]:
        large = [change("sale", name=s("x" * length)) for length in [1_080_000, 1_080_000, 1_080_000, name_length]]
        return iceberg().reply(event(*large))

    least = len(json.dumps(reply(0)))
    # Base64 makes four characters of three bytes.
    fits = (LIMIT_BYTES - least) // 4 * 3

    assert results(reply(fits)) == ["Ok"] * 4
    assert 0 <= LIMIT_BYTES - len(json.dumps(reply(fits))) <= 4
    assert results(reply(fits + 6)) == ["Ok"] * 3 + ["ProcessingFailed"]


def test_a_function_without_a_database_is_refused_when_it_is_made() -> None:
    variables = environment("sale", claims=True) | {"FORMAT": "iceberg", "DATABASE": " "}

    with pytest.raises(ConfigurationError, match=r"^DATABASE is not set: "):
        build(variables, Bucket())
