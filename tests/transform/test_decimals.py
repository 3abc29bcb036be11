"""Money: decimals from DynamoDB's N to the row in both modes, exact or an error (BR-14)."""

import base64
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.arrow import schema as arrow_schema
from glue.ddl import create_table
from glue.dictionary import data_dictionary
from glue.evolution import breaking
from glue.tables import avro_table, parquet_table
from glue.views import latest
from tests.converting import HIVE, OPENX, rows
from tests.given import Bucket, Function, change_of, payload, results, row_of, s
from tests.invented import gift, group, member, optional, record_type
from transform.avro_binary import decimal as avro_decimal
from transform.numbers import decimal


def money(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


SCHEMA = gift(
    member("price", optional(money(10, 2))),
    member("fees", optional({"type": "array", "items": ["null", money(38, 10)]})),
    member("rates", optional({"type": "map", "values": money(5, 0)})),
    member("total", optional(group("Total", member("net", money(38, 38))))),
)
GIFT = record_type(SCHEMA)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "gift.avsc").write_text(json.dumps(SCHEMA))
    return folder


def item(**attributes: Any) -> dict[str, Any]:
    return change_of({"type": s("gift"), "id": s("g1"), "madeAt": s("2025-01-01T10:00:00Z")} | attributes)


def n(text: str) -> dict[str, str]:
    return {"N": text}


EVERY = item(
    price=n("12.5"),
    fees={"L": [n("1234567890123456789012345678.0123456789"), n("-1e-10"), {"NULL": True}]},
    rates={"M": {"Low": n("-99999"), "high": n("1E+2")}},
    total={"M": {"net": n("-0.12345678901234567890123456789012345678")}},
)
EXACT = {
    "price": Decimal("12.50"),
    "fees": [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.0000000001"), None],
    "rates": {"low": Decimal(-99999), "high": Decimal(100)},
    "total": {"net": Decimal("-0.12345678901234567890123456789012345678")},
}


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        *(("0", "0.00"), ("-0", "0.00"), ("0.000", "0.00"), ("0e99", "0.00"), ("12", "12.00"), ("12.3", "12.30")),
        *(("-12.34", "-12.34"), ("12.3400", "12.34"), ("001.50", "1.50"), ("1.5e1", "15.00"), ("1500E-3", "1.50")),
        *(
            ("99999999.99", "99999999.99"),
            ("-99999999.99", "-99999999.99"),
            ("1e7", "10000000.00"),
            ("1e+0001", "10.00"),
        ),
        ("0e99999999999999999999", "0.00"),
        (f"{'0' * 5000}1.5{'0' * 5000}", "1.50"),
        (f"1{'0' * 5000}e-5000", "1.00"),
    ],
)
def test_a_number_that_fits_is_exact(text: str, exact: str) -> None:
    found = decimal(text, 10, 2)

    assert str(found) == exact


@pytest.mark.parametrize(
    "text",
    [
        *("12.345", "0.001", "-0.001", "1e-3", "12.300000000000000000000000000000000000000000000001"),
        *("100000000", "99999999.995", "1e8", "-1e8", "1e99999999999999999999", "1e-99999999999999999999"),
        *("", " 1", "1 ", "1.", ".5", "+1", "--1", "1e", "1e1.5", "NaN", "Infinity", "1_000", "1,5", "0x1", "٣", "1\n"),
    ],
)
def test_a_number_that_does_not_fit_exactly_is_an_error_and_never_rounded(text: str, schemas: Path) -> None:
    document = Function("gift", schemas=schemas).failure(item(price=n(text)))

    assert document["error"] == {
        "code": "invalid",
        "message": 'price: expected a number of at most 10 digits, 2 of them behind the point: {"N": digits}',
        "path": "price",
    }


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(1, 38), st.data())
def test_a_decimal_is_the_number_or_nothing(number: Decimal, precision: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(0, precision))

    found = decimal(str(number).replace("E+", data.draw(st.sampled_from(["E+", "e", "E"]))), precision, scale)

    units = number.as_tuple()
    shift = int(units.exponent) + scale
    whole = shift >= 0 or not any(units.digits[shift:]) or not number
    fits = not number or number.adjusted() < precision - scale
    assert (found is not None) == (whole and fits)
    if found is not None:
        assert found == number
        assert found.as_tuple().exponent == -scale


def test_a_row_of_parquet_mode_holds_a_json_number_with_every_digit(schemas: Path) -> None:
    (result,) = Function("gift", schemas=schemas)(EVERY)["records"]

    text = base64.b64decode(result["data"]).decode()
    row = json.loads(text, parse_float=Decimal)
    assert '"price":12.50,' in text
    assert '"total":{"net":-0.12345678901234567890123456789012345678}' in text
    assert {name: row[name] for name in EXACT} == EXACT


@pytest.mark.parametrize("by", [OPENX, HIVE], ids=["OpenX", "Hive"])
def test_firehose_converts_the_row_to_the_very_decimals(by: Any, schemas: Path) -> None:
    (result,) = Function("gift", schemas=schemas)(EVERY)["records"]
    columns = {
        column["Name"]: column["Type"]
        for column in parquet_table(GIFT)["StorageDescriptor"]["Columns"]
        if column["Name"] in EXACT
    }

    (row,) = rows(columns, base64.b64decode(result["data"]), by=by)

    assert row["price"] == EXACT["price"]
    assert row["fees"] == EXACT["fees"]
    assert dict(row["rates"]) == EXACT["rates"]
    assert row["total"] == EXACT["total"]


def test_a_row_of_avro_mode_holds_the_same(schemas: Path) -> None:
    bucket = Bucket()
    function = Function("gift", format="avro", bucket=bucket, schemas=schemas)

    assert results(function(EVERY)) == ["Dropped"]

    (body,) = bucket.objects.values()
    (row,) = fastavro.reader(io.BytesIO(body))
    assert isinstance(row, dict)
    assert {name: row[name] for name in EXACT} == EXACT


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 38))
def test_a_decimal_in_avro_has_the_bytes_that_fastavro_writes(unscaled: int, scale: int) -> None:
    value = Decimal(f"{unscaled}e-{scale}")
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(money(38, scale)), value)

    assert avro_decimal(value).encode("latin-1") == written.getvalue()


def test_tables_ddl_views_and_the_dictionary_have_the_type() -> None:
    table = parquet_table(GIFT)

    kinds = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert kinds["price"] == "decimal(10,2)"
    assert kinds["fees"] == "array<decimal(38,10)>"
    assert kinds["rates"] == "map<string,decimal(5,0)>"
    assert kinds["total"] == "struct<net:decimal(38,38)>"
    assert arrow_schema(table).field("price").type == pa.decimal128(10, 2)
    literal = avro_table(GIFT)["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"]
    assert '{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}' in literal
    assert "`price` decimal(10,2) COMMENT" in create_table(table)
    assert "| `total.net` | decimal(38,38) |" in data_dictionary({"gift": GIFT})
    shown = {column["name"]: column["type"] for column in latest(GIFT)["View"]["columns"]}
    assert shown["total"] == 'row("net" decimal(38,38))'


@pytest.mark.parametrize("after", [money(12, 2), money(10, 3), "double", "string"])
def test_another_precision_or_scale_breaks_the_readers_of_a_table(after: Any) -> None:
    older, newer = gift(member("price", optional(money(10, 2)))), gift(member("price", optional(after)))

    (refused,) = breaking({"gift": record_type(older)}, {"gift": record_type(newer)})

    assert str(refused).startswith("gift.price: decimal(10,2) made ")


def test_a_decimal_of_a_wrong_tag_is_an_error(schemas: Path) -> None:
    for attribute in (s("12.50"), {"N": 12.5}, {"N": "1", "S": "1"}, {"NULL": False}):
        assert Function("gift", schemas=schemas).failure(item(price=attribute))["error"]["path"] == "price"
    assert "price" not in row_of(Function("gift", schemas=schemas)(payload(item(price={"NULL": True})))["records"][0])
