"""A change gives the same row on the fast path and step by step (transform/fast_path.py, transform/change.py)."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glue.schema import load
from tests.given import CHANGED_MS, Function, change_of, image, payload, results, row_of, s, spaced, unplaced
from transform.fast_path import fast_decoder

TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
FUNCTION = Function()
FAST = {name: fast_decoder(record_type) for name, record_type in load().items()}

texts = st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=5
)
identities = st.just(TTL) | st.just(TTL | {"more": 1}) | st.just({"principalId": "someone"}) | anything
identities |= anything.map(lambda odd: TTL | {"principalId": odd}) | st.just([TTL]) | st.just(TTL["principalId"])
keys = st.dictionaries(texts, texts.map(s), min_size=1, max_size=2) | anything
LONE = r'"odd":{"S":"\ud800"}'


def ways(record: dict[str, Any]) -> dict[str, bytes]:
    """The payloads of one change, by the way on which each is decoded."""
    unused = "NewImage" if record["eventName"] == "REMOVE" else "OldImage"
    text = payload(record).decode()
    odd_image = record | {"dynamodb": record["dynamodb"] | {unused: 7}}
    return {
        "fast": text.encode(),
        "step by step": spaced(record),
        "beside an image that is no object": spaced(odd_image),
        "beside a lone surrogate": f"{text[:-1]},{LONE}}}".encode(),
        "beside a lone surrogate in the image": text.replace('Image":{"type":', f'Image":{{{LONE},"type":', 1).encode(),
    }


@given(
    st.sampled_from(["INSERT", "MODIFY", "REMOVE"]),
    st.sampled_from(sorted(FAST)),
    identities,
    st.just(...) | texts,
    st.sampled_from([CHANGED_MS, CHANGED_MS * 1000 + 7, 10**12, 99_999_999_999_999]),
    st.sampled_from(["MILLISECOND", "MICROSECOND", None, 7]),
    keys,
    anything,
)
def test_each_way_gives_the_same_row(
    name: str, kind: str, identity: Any, event_id: Any, time: int, precision: Any, members: Any, unused: Any
) -> None:
    record = change_of(image(kind, phoneNumber=s("1"), email=s("e")), name, userIdentity=identity, eventID=event_id)
    facts = {"ApproximateCreationDateTime": time, "ApproximateCreationDateTimePrecision": precision, "Keys": members}
    record["dynamodb"] = record["dynamodb"] | facts

    answered = {way: FUNCTION(data)["records"][0] for way, data in ways(record).items()}

    assert FAST[kind](payload(record)) is not None
    assert len({result["result"] for result in answered.values()}) == 1
    if results({"records": answered.values()})[0] == "Ok":
        rows = {way: unplaced(row_of(result)) for way, result in answered.items()}
        assert rows == dict.fromkeys(rows, rows["fast"])
        assert rows["fast"]["change"]["expired"] is (
            isinstance(identity, dict) and identity.get("principalId") == TTL["principalId"]
        )


def test_a_number_that_python_does_not_hold_hides_neither_the_unit_nor_an_expiry() -> None:
    record = change_of(image("sale"), "REMOVE", userIdentity=TTL | {"odd": 424242})
    record["dynamodb"] |= {"ApproximateCreationDateTimePrecision": "MICROSECOND", "odd": 424242}

    for data in ways(record).values():
        change = row_of(FUNCTION(data.replace(b"424242", b"9" * 5000))["records"][0])["change"]
        assert (change["expired"], change["atmicros"]) == (True, CHANGED_MS)


@given(identities)
def test_an_identity_of_any_shape_says_expired_only_where_it_is_dynamodbs_time_to_live(identity: Any) -> None:
    """On every way: an image that nobody archives, or a surrogate, is no reason to take an expiry for a deletion."""
    record = change_of(image("sale"), "REMOVE", userIdentity=identity)
    expired = isinstance(identity, dict) and identity.get("principalId") == "dynamodb.amazonaws.com"

    said = {way: row_of(FUNCTION(data)["records"][0])["change"]["expired"] for way, data in ways(record).items()}

    assert said == dict.fromkeys(said, expired), json.dumps(identity)
