"""`change.item` identifies an item by a digest of its keys, however the change record writes them (BR-20)."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.given import Function, change, row_of, s
from transform.item import canonical_keys, item_of

FUNCTION = Function()
texts = st.text(max_size=6) | st.text(alphabet='"\\/\n\x00\x1f\x7f\u2028é\U0001f600\ue000 a', max_size=6)
attributes = st.builds(lambda tag, text: {tag: text}, st.sampled_from("SNB"), texts)
keys = st.dictionaries(texts, attributes, min_size=1, max_size=3)


def digest(canonical: str) -> str:
    return sha256(canonical.encode()).hexdigest()[:32]


def with_keys(members: Any) -> dict[str, Any]:
    """A change record with these keys, or without any where they are `...`."""
    record = change("sale")
    record["dynamodb"] |= {"Keys": members}
    if members is ...:
        del record["dynamodb"]["Keys"]
    return record


@pytest.mark.parametrize(
    ("members", "canonical"),
    [
        pytest.param({"pk": s("E1")}, '{"pk":{"S":"E1"}}', id="one key"),
        pytest.param({"pk": s("E1"), "sk": s("F1")}, '{"pk":{"S":"E1"},"sk":{"S":"F1"}}', id="two keys"),
        pytest.param({"sk": s("F1"), "pk": s("E1")}, '{"pk":{"S":"E1"},"sk":{"S":"F1"}}', id="two in another order"),
        pytest.param({"b": s("1"), "B": s("2")}, '{"B":{"S":"2"},"b":{"S":"1"}}', id="names by code point"),
        pytest.param({"é": s("1"), "z": s("2")}, '{"z":{"S":"2"},"é":{"S":"1"}}', id="names beyond ASCII"),
        pytest.param(
            {"\U0001f600": s("1"), "\ue000": s("2")}, '{"\ue000":{"S":"2"},"\U0001f600":{"S":"1"}}', id="astral"
        ),
        pytest.param({"n": {"N": "1.50"}}, '{"n":{"N":"1.50"}}', id="a number as it is written"),
        pytest.param({"b": {"B": "/w=="}}, '{"b":{"B":"/w=="}}', id="binary"),
        pytest.param({"k": s('a"b\\\n\x01')}, r'{"k":{"S":"a\"b\\\n\u0001"}}', id="characters that JSON escapes"),
        pytest.param({"k": s("/\x7f\u2028")}, '{"k":{"S":"/\x7f\u2028"}}', id="characters that it does not"),
        pytest.param({"k": s("")}, '{"k":{"S":""}}', id="an empty string"),
        pytest.param(
            {"a": s("1"), "b": s("2"), "c": s("3")}, '{"a":{"S":"1"},"b":{"S":"2"},"c":{"S":"3"}}', id="three"
        ),
    ],
)
def test_an_item_is_the_digest_of_its_keys_as_canonical_json(members: Any, canonical: str) -> None:
    assert FUNCTION.row(with_keys(members))["change"]["item"] == digest(canonical)
    escaped = json.dumps(with_keys(members)).encode()
    unescaped = json.dumps(with_keys(members), ensure_ascii=False, indent=1).encode()
    assert items(escaped, unescaped) == [digest(canonical)] * 2


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(..., id="absent"),
        *(None, {}, [], "pk", 7, {"pk": "E1"}, {"pk": None}, {"pk": {}}, {"pk": []}, {"pk": {"S": 1}}),
        *({"pk": {"S": None}}, {"pk": {"NULL": True}}, {"pk": {"BOOL": "x"}}, {"pk": {"SS": ["a"]}}),
        pytest.param({"pk": {"S": "E1", "N": "1"}}, id="two tags"),
        pytest.param({"pk": s("E1"), "sk": {"M": {}}}, id="a map"),
        pytest.param({"pk": s("\ud800")}, id="a lone surrogate"),
        pytest.param({"\ud800": s("E1")}, id="a lone surrogate in a name"),
        pytest.param({"pk": {"S": "E1", "\ud800": "x"}}, id="a lone surrogate beside a tag"),
    ],
)
def test_keys_that_are_none_of_dynamodbs_give_null_and_no_error(members: Any) -> None:
    assert FUNCTION.row(with_keys(members))["change"]["item"] is None


@given(keys)
def test_any_keys_have_the_item_that_pythons_canonical_json_gives(members: dict[str, Any]) -> None:
    canonical = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    for written in (
        canonical,
        json.dumps(members),
        json.dumps(dict(reversed(members.items())), ensure_ascii=False, separators=(",", ":")),
    ):
        assert item_of(written.encode()) == digest(canonical)


@given(st.text(alphabet='{}[]":,\\ SNBpk\x00é', max_size=12).map('{{"a":{}}}'.format) | keys.map(json.dumps))
def test_the_fast_way_to_a_digest_and_the_slow_one_agree(text: str) -> None:
    """Whatever the bytes: the regular expression only finds texts that are their own canonical JSON."""
    canonical = canonical_keys(text.encode())

    assert item_of(text.encode()) == (canonical and digest(canonical.decode()))


def test_an_item_is_the_same_in_each_of_its_changes_and_differs_from_others_of_its_reference() -> None:
    one, other = {"pk": s("FAN#1"), "sk": s("N#1")}, {"pk": s("FAN#1"), "sk": s("N#2")}
    made, changed, deleted = (
        change("notification", "INSERT") | {"eventID": "1"},
        change("notification", "MODIFY", saleName=s("x")),
        change("notification", "REMOVE"),
    )
    for record in (made, changed, deleted):
        record["dynamodb"]["Keys"] = one
    second = change("notification")
    second["dynamodb"]["Keys"] = other

    rows = [FUNCTION.row(record) for record in (made, changed, deleted, second)]

    assert len({row["reference"]["id"] for row in rows}) == 1
    first, *same, different = (row["change"]["item"] for row in rows)
    assert same == [first, first]
    assert different != first


def test_a_change_record_made_of_a_row_keeps_the_item_that_the_row_had() -> None:
    kept = with_keys(...)
    kept["dynamodb"]["KeysDigest"] = "0123456789abcdef" * 2

    assert FUNCTION.row(kept)["change"]["item"] == "0123456789abcdef" * 2


@pytest.mark.parametrize("digest", [None, 7, "", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", {"S": "0" * 32}])
def test_a_kept_item_is_a_digest_or_null(digest: Any) -> None:
    kept = with_keys(...)
    kept["dynamodb"]["KeysDigest"] = digest

    assert FUNCTION.row(kept)["change"]["item"] is None


def test_keys_win_over_a_kept_item() -> None:
    both = with_keys({"pk": s("E1")})
    both["dynamodb"]["KeysDigest"] = "0" * 32

    assert FUNCTION.row(both)["change"]["item"] == digest('{"pk":{"S":"E1"}}')


def items(*payloads: bytes) -> list[Any]:
    """The items of change records that are given as bytes."""
    return [row_of(result)["change"]["item"] for result in FUNCTION(*payloads)["records"]]
