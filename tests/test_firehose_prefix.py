"""Prefix expressions: what they evaluate to, and which are refused."""

from datetime import UTC, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.definition import ERROR_PREFIX, PARQUET_PREFIX
from firehose.prefix import (
    Instance,
    PartitionKeyError,
    PrefixError,
    check_partition,
    instant,
    name_bytes,
    object_name,
    parse_error_prefix,
    parse_prefix,
)

AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def evaluated(raw: str, *, partitioned: bool = False, **keys: str) -> str:
    return parse_prefix(raw, partitioned=partitioned).evaluate(Instance(keys, AT, "0123456789abcdef"))


def test_partition_keys_take_their_places() -> None:
    prefix = evaluated(PARQUET_PREFIX, partitioned=True, type="sale", date="2025-01-01")

    assert prefix == "data-pipeline/parquet/sale/partition_date=2025-01-01/"


def test_the_error_type_takes_its_place() -> None:
    prefix = parse_error_prefix(ERROR_PREFIX).evaluate(Instance({}, AT, error_output_type="processing-failed"))

    assert prefix == "data-pipeline/errors/firehose/processing-failed/"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "2025/01/02/03/"),
        ("legacy", "legacy2025/01/02/03/"),
        ("a/!{timestamp:yyyy}/", "a/2025/"),
        ("a/!{timestamp:'y='yyyy'/m='M'/d='dd'/it''s'HHmmss}/", "a/y=2025/m=1/d=02/it's030405/"),
    ],
)
def test_a_prefix_without_partition_keys_is_evaluated(raw: str, expected: str) -> None:
    assert evaluated(raw) == expected


def test_each_random_string_is_another_and_the_same_again() -> None:
    raw = "!{firehose:random-string}/!{firehose:random-string}"

    first, second = evaluated(raw).split("/")

    assert first != second
    assert all(len(each) == 11 and each.isalnum() for each in (first, second))
    assert evaluated(raw) == f"{first}/{second}"
    assert parse_prefix(raw, partitioned=False).evaluate(Instance({}, AT, "another")) != f"{first}/{second}"


def test_an_error_prefix_without_expressions_gets_the_type_and_the_date() -> None:
    prefix = parse_error_prefix("bad/").evaluate(Instance({}, AT, error_output_type="processing-failed"))

    assert prefix == "bad/processing-failed/2025/01/02/03/"


@pytest.mark.parametrize(
    "raw",
    [
        "!{partitionKeyFromQuery:a}/",
        "!{firehose:error-output-type}/!{partitionKeyFromLambda:a}/",
        "!{partitionKeyFromLambda:}/",
        "!{partitionKeyFromLambda:a",
        "!{nonsense}!{partitionKeyFromLambda:a}",
        "!{timestamp:ww}!{partitionKeyFromLambda:a}",
        "!{timestamp:'open}!{partitionKeyFromLambda:a}",
        "!{timestamp:[yyyy]}!{partitionKeyFromLambda:a}",
        "!{timestamp:yyyy]}!{partitionKeyFromLambda:a}",
        "!{timestamp:yyyy#MM}!{partitionKeyFromLambda:a}",
        "!{timestamp:}!{partitionKeyFromLambda:a}",
        "no/keys/",
        "!{timestamp:yyyy}/",
        "!{partitionKeyFromLambda:a}" + "x" * 1000,
    ],
)
def test_an_expression_that_is_not_carried_out_is_refused(raw: str) -> None:
    with pytest.raises(PrefixError):
        parse_prefix(raw, partitioned=True)


@pytest.mark.parametrize("raw", ["!{timestamp:yyyy}/", "!{partitionKeyFromLambda:a}/!{firehose:error-output-type}/"])
def test_an_error_prefix_that_firehose_would_refuse_is_refused(raw: str) -> None:
    with pytest.raises(PrefixError):
        parse_error_prefix(raw)


def test_partition_keys_need_dynamic_partitioning() -> None:
    with pytest.raises(PrefixError, match="not allowed"):
        parse_prefix("!{partitionKeyFromLambda:a}/", partitioned=False)


NAME = 71  # bytes of the names of the objects of `sale`
PREFIX = parse_prefix("x/!{partitionKeyFromLambda:type}/d=!{partitionKeyFromLambda:date}/", partitioned=True)


def test_the_values_come_in_the_order_of_the_prefix() -> None:
    assert check_partition(PREFIX, {"date": "2025-01-01", "more": "x", "type": "sale"}, NAME) == ("sale", "2025-01-01")


@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        {},
        {"type": "sale"},
        {"type": "sale", "date": None},
        {"type": "sale", "date": ""},
        {"type": "sale", "date": 1},
        {"type": "sale", "date": ["2025-01-01"]},
        {"type": "..", "date": "x"},
        {"type": "a/../../b", "date": "x"},
        {"type": "a\0b", "date": "x"},
        {"type": "\ud800", "date": "x"},
        {"type": "é" * 128, "date": "x"},
        {"type": "a/" * 260, "date": "x"},
        {"type": ("日" * 80 + "/") * 4, "date": "x"},
    ],
)
def test_keys_that_make_no_usable_prefix_are_refused_without_their_values(keys: object) -> None:
    with pytest.raises(PartitionKeyError) as refused:
        check_partition(PREFIX, keys, NAME)

    assert "sale" not in str(refused.value)


def test_the_longest_prefix_that_firehose_takes_is_taken() -> None:
    fixed = len("x//d=1/")
    longest = ("a" * 99 + "/") * 5 + "b" * (512 - fixed - 500)

    assert check_partition(PREFIX, {"type": longest, "date": "1"}, NAME) == (longest, "1")
    with pytest.raises(PartitionKeyError):
        check_partition(PREFIX, {"type": longest + "b", "date": "1"}, NAME)


def test_the_name_of_the_object_counts_in_its_key_and_last_element() -> None:
    glued = parse_prefix("!{partitionKeyFromLambda:a}", partitioned=True)
    three_bytes = "日" * 80 + "/"

    for fits, over in (("a" * 184, "a" * 185), (three_bytes * 3 + "日" * 61, three_bytes * 3 + "日" * 62)):
        assert check_partition(glued, {"a": fits}, NAME) == (fits,)
        with pytest.raises(PartitionKeyError):
            check_partition(glued, {"a": over}, NAME)
    assert check_partition(glued, {"a": three_bytes * 3 + "日" * 75 + "/"}, NAME)
    with pytest.raises(PartitionKeyError, match="1024"):
        check_partition(glued, {"a": three_bytes * 3 + "日" * 75 + "/a/bcd"}, NAME)


def test_the_length_of_a_name_is_known_before_the_object() -> None:
    assert name_bytes("sale", 1, ".parquet") == NAME
    assert len(object_name("sale", 1, AT, uuid4(), ".parquet")) == NAME


@given(st.dictionaries(st.sampled_from(["type", "date"]), st.text() | st.none() | st.integers()))
def test_any_keys_give_a_prefix_inside_the_lake_or_an_error(keys: dict[str, object]) -> None:
    try:
        values = check_partition(PREFIX, keys, NAME)
    except PartitionKeyError:
        return

    prefix = PREFIX.evaluate(Instance(dict(zip(PREFIX.keys, values, strict=True)), AT))
    assert prefix.startswith("x/")
    assert ".." not in prefix.split("/")


@given(st.text("!{}:tyM'partitionKeyFromLambda/ ", max_size=60))
def test_any_prefix_is_read_or_refused(raw: str) -> None:
    try:
        prefix = parse_prefix(raw, partitioned=True)
    except PrefixError:
        return

    assert prefix.keys


def test_an_object_is_named_as_firehose_names_it() -> None:
    name = object_name("sale", 1, AT, UUID("cdbdc54e-a4e9-561a-9e8c-168a1f62b265"), ".parquet")

    assert name == "sale-1-2025-01-02-03-04-05-cdbdc54e-a4e9-561a-9e8c-168a1f62b265.parquet"


def test_the_instant_is_in_the_streams_time_zone_and_whole_seconds() -> None:
    at = instant(1_735_787_045_999, ZoneInfo("America/New_York"))

    assert at.isoformat() == "2025-01-01T22:04:05-05:00"
