"""Partition keys: from the function, from an inline query or from both, and what no partition can be made of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.behaviour import ScalarKeys
from firehose.local.config.prefix import PartitionKeyError, parse_prefix
from firehose.local.delivery.partition_keys import PartitionKeys, QueryKeyError
from firehose.local.processors.stage import Processed

NAME = 71  # bytes of the names of the objects of `sale`
BOTH = "x/!{partitionKeyFromLambda:type}/d=!{partitionKeyFromLambda:date}/"


def keys(prefix: str = BOTH, scalar_keys: ScalarKeys = ScalarKeys.AS_TEXT) -> PartitionKeys:
    return PartitionKeys(parse_prefix(prefix, partitioned="partitionKey" in prefix), NAME, scalar_keys)


def ok(*function_keys: object) -> Processed:
    """Records that the function answered Ok, with these keys."""
    return Processed(ok=[(index, b"{}", each) for index, each in enumerate(function_keys)])


def of(function_keys: object, prefix: str = BOTH, query_keys: dict[str, str] | None = None) -> Any:
    processed = ok(function_keys)
    processed.query_keys[0] = query_keys or {}
    (found,) = keys(prefix).evaluate(processed)
    if isinstance(found, PartitionKeyError):
        raise found
    return found


def test_the_values_come_in_the_order_of_the_prefix() -> None:
    assert of({"date": "2025-01-01", "more": "x", "type": "sale"}) == ("sale", "2025-01-01")


@pytest.mark.parametrize(
    "answered",
    [
        None,
        {},
        {"type": "sale"},
        {"type": "sale", "date": None},
        {"type": "sale", "date": ""},
    ],
)
def test_a_key_that_the_function_did_not_give_is_named_without_the_values(answered: object) -> None:
    with pytest.raises(PartitionKeyError, match=r"^partitionKeys values must not be null or empty \[(type|date)\]$"):
        of(answered)


@pytest.mark.parametrize(
    ("value", "text"), [(2019, "2019"), (-1, "-1"), (1.5, "1.5"), (0, "0"), (True, "true"), (False, "false")]
)
def test_a_number_or_boolean_is_its_json_text(value: object, text: str) -> None:
    assert of({"type": "sale", "date": value}) == ("sale", text)


@pytest.mark.parametrize("value", [2019, 0, True])
def test_a_switch_refuses_numbers_and_booleans(value: object) -> None:
    partition_keys = keys(scalar_keys=ScalarKeys.REFUSED)

    (found,) = partition_keys.evaluate(ok({"type": "sale", "date": value}))

    kind = "a boolean" if value is True else "a number"
    assert str(found) == f"metadata.partitionKeys.date must be a string, got {kind}"


@pytest.mark.parametrize(
    ("answered", "message"),
    [
        ([], "metadata.partitionKeys must be an object, got an array"),
        ("sale", "metadata.partitionKeys must be an object, got a string"),
        (
            {"type": "sale", "date": ["2025-01-01"]},
            "metadata.partitionKeys.date must be a string, a number or a boolean, got an array",
        ),
        (
            {"type": {"a": "b"}, "date": "x"},
            "metadata.partitionKeys.type must be a string, a number or a boolean, got an object",
        ),
    ],
)
def test_keys_that_are_neither_null_nor_empty_are_said_to_be_what_they_are(answered: object, message: str) -> None:
    with pytest.raises(PartitionKeyError) as refused:
        of(answered)

    assert str(refused.value) == message


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
    (found,) = partition_keys.evaluate(ok(answered))
    if isinstance(found, PartitionKeyError):
        return

    assert found == tuple(str(answered[name]) for name in ("type", "date"))
    assert not {"..", "."} & set("/".join(found).split("/"))


def test_each_record_gets_its_own_partition_or_error() -> None:
    answered = ok({"type": "a", "date": "1"}, {}, {"type": "b", "date": "1"})

    first, second, third = keys().evaluate(answered)

    assert (first, third) == (("a", "1"), ("b", "1"))
    assert isinstance(second, PartitionKeyError)


def test_without_keys_in_the_prefix_all_records_are_of_one_partition() -> None:
    assert list(keys("plain/").evaluate(ok(None, {"type": "x"}))) == [(), ()]


def test_keys_of_both_kinds_stand_in_one_prefix_even_of_one_name() -> None:
    prefix = "!{partitionKeyFromQuery:type}/!{partitionKeyFromLambda:type}/"

    assert of({"type": "answered"}, prefix, {"type": "queried"}) == ("queried", "answered")


@pytest.mark.parametrize("query_keys", [{}, {"a": ""}, {"b": "x"}])
def test_a_key_that_the_query_did_not_give_is_refused_as_one_from_lambda_is(query_keys: dict[str, str]) -> None:
    with pytest.raises(QueryKeyError, match=r"^partitionKeys values must not be null or empty \[a\]$"):
        of(None, "!{partitionKeyFromQuery:a}/", query_keys)
