"""Prefix expressions: what they evaluate to, and which are refused."""

from datetime import UTC, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.prefix import (
    Instance,
    PartitionKey,
    PrefixError,
    check_prefix,
    instant,
    name_bytes,
    object_name,
    parse_error_prefix,
    parse_prefix,
)
from firehose.pipeline.modes import MODES
from firehose.pipeline.stream_requests import ERROR_PREFIX
from glue.layout import Format

AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def evaluated(raw: str, *, partitioned: bool = False, **keys: str) -> str:
    return parse_prefix(raw, partitioned=partitioned).evaluate(Instance(keys, AT, "0123456789abcdef"))


def test_partition_keys_take_their_places() -> None:
    prefix = evaluated(MODES[Format.PARQUET].prefix or "", partitioned=True, type="sale", date="2025-01-01")

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
        ("a/!{timestamp:EEE, MMMM d}/!{timestamp:HH}", "a/Thu, January 2/03"),
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
        "!{partitionKeyFromQuery:}/",
        "!{partitionkeyfromlambda:a}/",
        "!{firehose:error-output-type}/!{partitionKeyFromLambda:a}/",
        "!{partitionKeyFromLambda:}/",
        "!{partitionKeyFromLambda:a",
        "!{nonsense}!{partitionKeyFromLambda:a}",
        "!{timestamp:www}!{partitionKeyFromLambda:a}",
        "!{timestamp:'open}!{partitionKeyFromLambda:a}",
        "!{timestamp:yyyy]}!{partitionKeyFromLambda:a}",
        "!{timestamp:yyyy#MM}!{partitionKeyFromLambda:a}",
        "!{timestamp:}!{partitionKeyFromLambda:a}",
        "no/keys/",
        "!{timestamp:yyyy}/",
        "!{partitionKeyFromLambda:a}" + "x" * 1000,
    ],
)
def test_an_expression_that_is_not_supported_is_refused(raw: str) -> None:
    with pytest.raises(PrefixError):
        parse_prefix(raw, partitioned=True)


@pytest.mark.parametrize("raw", ["!{timestamp:yyyy}/", "!{partitionKeyFromLambda:a}/!{firehose:error-output-type}/"])
def test_an_error_prefix_that_firehose_would_refuse_is_refused(raw: str) -> None:
    with pytest.raises(PrefixError):
        parse_error_prefix(raw)


@pytest.mark.parametrize("key", ["!{partitionKeyFromLambda:a}", "!{partitionKeyFromQuery:a}"])
def test_partition_keys_need_dynamic_partitioning_and_the_message_says_how_to_switch_it_on(key: str) -> None:
    with pytest.raises(PrefixError, match=r"set DynamicPartitioningConfiguration\.Enabled to true, or leave them out$"):
        parse_prefix(f"{key}/", partitioned=False)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("!{partitionKeyFromLambda:a}/", "AWS refuses partition keys in ErrorOutputPrefix: leave them out"),
        ("!{timestamp:yyyy}/", r"AWS refuses expressions in it without !\{firehose:error-output-type\}: add that"),
        ("!{timestamp:yyyy", "AWS refuses an expression that is not closed: end it with '}'"),
        ("!{date:yyyy}/", "AWS knows no such expression: write timestamp:PATTERN, "),
    ],
)
def test_an_error_prefix_that_aws_refuses_says_what_to_change(raw: str, says: str) -> None:
    with pytest.raises(PrefixError, match=says):
        parse_error_prefix(raw)


def test_the_error_type_in_a_prefix_is_refused_and_said_where_it_belongs() -> None:
    with pytest.raises(PrefixError, match="AWS takes it in ErrorOutputPrefix only: leave it out here"):
        parse_prefix("!{firehose:error-output-type}/", partitioned=False)


def test_a_prefix_tells_its_keys_and_where_they_come_from_each_once() -> None:
    prefix = parse_prefix(
        "!{partitionKeyFromQuery:a}/!{partitionKeyFromLambda:b}/!{partitionKeyFromQuery:a}", partitioned=True
    )

    assert prefix.takes == (PartitionKey("partitionKeyFromQuery", "a"), PartitionKey("partitionKeyFromLambda", "b"))
    assert prefix.keys == ("a", "b")
    assert prefix.evaluate(prefix.instance(("x", "y"), AT)) == "x/y/x"


@pytest.mark.parametrize(("partitioned", "raw"), [(True, "!{partitionKeyFromLambda:a}"), (False, "!{timestamp:yyyy}")])
def test_with_any_expression_no_date_is_appended(partitioned: bool, raw: str) -> None:
    assert evaluated(raw, partitioned=partitioned, a="x") in ("x", "2025")


def test_a_literal_of_512_characters_is_taken_though_the_date_makes_it_longer() -> None:
    literal = ("a" * 99 + "/") * 5 + "b" * 11 + "/"

    check_prefix(parse_prefix(literal, partitioned=False), 71)
    with pytest.raises(PrefixError, match="512 characters"):
        check_prefix(parse_prefix(literal + "c", partitioned=False), 71)


def test_the_raw_text_may_have_1024_characters() -> None:
    raw = "!{timestamp:" + "'a'" * 337 + "}/"

    assert len(raw) == 1025
    parse_prefix(raw[:-1], partitioned=False)
    with pytest.raises(PrefixError, match="1024"):
        parse_prefix(raw, partitioned=False)


def test_without_any_prefix_errors_lie_under_their_type_at_the_root() -> None:
    prefix = parse_error_prefix("").evaluate(Instance({}, AT, error_output_type="processing-failed"))

    assert prefix == "processing-failed/2025/01/02/03/"


def test_prefix_and_name_show_the_streams_time_zone() -> None:
    at = instant(1_735_787_045_999, ZoneInfo("America/New_York"))

    assert parse_prefix("!{timestamp:yyyy/MM/dd/HH XXX}", partitioned=False).evaluate(Instance({}, at)) == (
        "2025/01/01/22 -05:00"
    )
    assert object_name("s", 3, at, UUID(int=0), "").startswith("s-3-2025-01-01-22-04-05-")


def test_the_length_of_a_name_is_known_before_the_object() -> None:
    assert name_bytes("sale", 1, ".parquet") == 71
    assert len(object_name("sale", 1, AT, uuid4(), ".parquet")) == 71


PIECES = st.sampled_from(
    [
        *("!{", "}", "{", ":", "!", "'", "/", "x", "firehose", "timestamp", "partitionKeyFromLambda", "a"),
        *("!{timestamp:yyyy}", "!{firehose:random-string}", "!{firehose:error-output-type}"),
        *("!{partitionKeyFromLambda:a}", "!{partitionKeyFromQuery:b}", "!{timestamp:'!'{}"),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join), st.booleans())
def test_any_prefix_is_refused_or_evaluated_whole(raw: str, partitioned: bool) -> None:
    try:
        prefix = parse_prefix(raw, partitioned=partitioned)
    except PrefixError:
        return

    text = prefix.evaluate(prefix.instance(("v",) * len(prefix.takes), AT, "seed"))
    assert "!{" not in text
    assert bool(prefix.takes) is partitioned


@given(st.lists(PIECES, max_size=8).map("".join))
def test_any_error_prefix_is_refused_or_tells_the_type(raw: str) -> None:
    try:
        prefix = parse_error_prefix(raw)
    except PrefixError:
        return

    text = prefix.evaluate(prefix.instance((), AT, "seed", "processing-failed"))
    assert "!{" not in text
    assert "processing-failed" in text


def test_an_object_is_named_as_firehose_names_it() -> None:
    name = object_name("sale", 1, AT, UUID("cdbdc54e-a4e9-561a-9e8c-168a1f62b265"), ".parquet")

    assert name == "sale-1-2025-01-02-03-04-05-cdbdc54e-a4e9-561a-9e8c-168a1f62b265.parquet"


def test_the_instant_is_in_the_streams_time_zone_and_whole_seconds() -> None:
    at = instant(1_735_787_045_999, ZoneInfo("America/New_York"))

    assert at.isoformat() == "2025-01-01T22:04:05-05:00"
