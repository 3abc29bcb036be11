"""Partition keys: from the function, from an inline query or from both, and what no partition can be made of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.inline_keys import InlineKeys, QueryError
from firehose.local.config.prefix import PartitionKeyError, parse_prefix
from firehose.local.delivery.partition_keys import PartitionKeys
from firehose.local.metrics import Metrics

NAME = 71  # bytes of the names of the objects of `sale`
BOTH = "x/!{partitionKeyFromLambda:type}/d=!{partitionKeyFromLambda:date}/"


def keys(prefix: str = BOTH, query: str = "", metrics: Metrics | None = None) -> PartitionKeys:
    partitioned = "partitionKey" in prefix
    return PartitionKeys(parse_prefix(prefix, partitioned=partitioned), query, NAME, metrics or Metrics())


def of(answered: object, prefix: str = BOTH, query: str = "", data: bytes = b"{}") -> Any:
    (found,) = keys(prefix, query).evaluate([(0, data, answered)])
    if isinstance(found, PartitionKeyError):
        raise found
    return found


def test_the_values_come_in_the_order_of_the_prefix() -> None:
    assert of({"date": "2025-01-01", "more": "x", "type": "sale"}) == ("sale", "2025-01-01")


@pytest.mark.parametrize(
    "answered",
    [
        None,
        [],
        {},
        {"type": "sale"},
        {"type": "sale", "date": None},
        {"type": "sale", "date": ""},
        {"type": "sale", "date": 1},
        {"type": "sale", "date": ["2025-01-01"]},
    ],
)
def test_a_key_that_the_function_did_not_give_is_named_without_the_values(answered: object) -> None:
    with pytest.raises(PartitionKeyError, match=r"partition key values must not be null or empty: (type|date)$"):
        of(answered)


@pytest.mark.parametrize(
    "value", ["x/..", "a/../../b", "a\0b", "\ud800", "é" * 128, "a/" * 260, ("日" * 80 + "/") * 4], ids=ascii
)
def test_keys_that_make_no_usable_prefix_are_refused_without_their_values(value: str) -> None:
    with pytest.raises(PartitionKeyError) as refused:
        of({"type": value, "date": "2025"})

    assert value not in str(refused.value)
    assert "2025" not in str(refused.value)


def test_the_longest_prefix_that_firehose_takes_is_taken() -> None:
    fixed = len("x//d=1/")
    longest = ("a" * 99 + "/") * 5 + "b" * (512 - fixed - 500)

    assert of({"type": longest, "date": "1"}) == (longest, "1")
    with pytest.raises(PartitionKeyError):
        of({"type": longest + "b", "date": "1"})


def test_the_name_of_the_object_counts_in_its_key_and_last_element() -> None:
    glued = "!{partitionKeyFromLambda:a}"
    three_bytes = "日" * 80 + "/"

    for fits, over in (("a" * 184, "a" * 185), (three_bytes * 3 + "日" * 61, three_bytes * 3 + "日" * 62)):
        assert of({"a": fits}, glued) == (fits,)
        with pytest.raises(PartitionKeyError):
            of({"a": over}, glued)
    assert of({"a": three_bytes * 3 + "日" * 75 + "/"}, glued)
    with pytest.raises(PartitionKeyError, match="1024"):
        of({"a": three_bytes * 3 + "日" * 75 + "/a/bcd"}, glued)


@given(st.dictionaries(st.sampled_from(["type", "date"]), st.text() | st.none() | st.integers()))
def test_any_keys_give_a_prefix_inside_the_lake_or_an_error(answered: dict[str, object]) -> None:
    partition_keys = keys()
    (found,) = partition_keys.evaluate([(0, b"", answered)])
    if isinstance(found, PartitionKeyError):
        return

    assert found == (answered["type"], answered["date"])
    assert not {"..", "."} & set("/".join(found).split("/"))


def test_each_record_gets_its_own_partition_or_error() -> None:
    answered = [(0, b"", {"type": "a", "date": "1"}), (1, b"", {}), (2, b"", {"type": "b", "date": "1"})]

    first, second, third = keys().evaluate(answered)

    assert (first, third) == (("a", "1"), ("b", "1"))
    assert isinstance(second, PartitionKeyError)


def test_without_keys_in_the_prefix_all_records_are_of_one_partition() -> None:
    assert list(keys("plain/").evaluate([(0, b"", None), (1, b"", {"type": "x"})])) == [(), ()]


def test_keys_of_both_kinds_stand_in_one_prefix_even_of_one_name() -> None:
    prefix = "!{partitionKeyFromQuery:type}/!{partitionKeyFromLambda:type}/"

    assert of({"type": "answered"}, prefix, "{type: .kind}", b'{"kind": "queried"}') == ("queried", "answered")


def test_the_time_that_queries_take_is_a_metric() -> None:
    metrics = Metrics()
    list(keys("!{partitionKeyFromQuery:a}/", "{a: .a}", metrics).evaluate([(0, b'{"a":"x"}', None)] * 3))

    duration = metrics.totals()["JQProcessing.Duration"]
    assert duration.samples == 1
    assert duration.sum > 0
    assert "JQProcessing.Duration" not in _totals_without_a_query()


def _totals_without_a_query() -> dict[str, Any]:
    metrics = Metrics()
    list(keys(metrics=metrics).evaluate([(0, b"", {"type": "a", "date": "b"})]))
    return dict(metrics.totals())


@pytest.mark.parametrize(
    ("query", "record", "expected"),
    [
        ('{a: .a, year: (.t | strftime("%Y"))}', b'{"a": "x", "t": 1565382027}', {"a": "x", "year": "2019"}),
        ("{a: .a}", b'{"a": 12}', {"a": "12"}),
        ("{a: .a}", b'{"a": 1.5}', {"a": "1.5"}),
        ("{a: .a}", b'{"a": true}', {"a": "true"}),
        ("{a: .a, b: .b}", b'{"b": "x"}', {"b": "x"}),
        ("{a: .a}", b'{"a": ["x"]}', {}),
        ("{a: .a}", b'{"a": {}}', {}),
        ("{a: .a | ascii_downcase, b: .b.c[0]}", b'{"a": "X", "b": {"c": ["y"]}}', {"a": "x", "b": "y"}),
        ("{a: .a} # the customer", b'{"a": "x"}\n', {"a": "x"}),
    ],
)
def test_a_query_gives_the_keys_of_a_record(query: str, record: bytes, expected: dict[str, str]) -> None:
    assert InlineKeys(query).of(record) == expected


@pytest.mark.parametrize(
    ("query", "record"),
    [
        ("{a: .a}", b"secret"),
        ("{a: .a}", b""),
        ("{a: .a}", b"\xff"),
        ("{a: .a}", b'["secret"]'),
        ("{a: .a}", b'{"a":"x"}{"a":"y"}'),
        (".a", b'{"a":"secret"}'),
        ("{a: .a[]}", b'{"a":["x","y"]}'),
        ("empty", b"{}"),
        ("error(.a)", b'{"a":"secret"}'),
        ("{a: (.a | tonumber)}", b'{"a":"secret"}'),
    ],
)
def test_a_record_that_the_query_gives_nothing_for_fails_without_its_values(query: str, record: bytes) -> None:
    with pytest.raises(PartitionKeyError) as refused:
        InlineKeys(query).of(record)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("value", ["null", '""', "[]", "{}"])
def test_a_queried_value_that_is_no_key_is_refused_as_one_from_lambda_is(value: str) -> None:
    with pytest.raises(PartitionKeyError, match=r"must not be null or empty: a$"):
        of(None, "!{partitionKeyFromQuery:a}/", "{a: .a}", f'{{"a": {value}}}'.encode())


@pytest.mark.parametrize("query", ["{a:", "{a: nonsense}", "{a: .a}}"])
def test_a_program_that_jq_does_not_compile_is_refused_when_the_stream_is_made(query: str) -> None:
    with pytest.raises(QueryError, match="jq: error"):
        InlineKeys(query)


@given(st.binary(max_size=40))
def test_any_record_gives_keys_or_an_error(record: bytes) -> None:
    try:
        found = InlineKeys("{a: .a}").of(record)
    except PartitionKeyError:
        return

    assert set(found) <= {"a"}
