"""Whatever comes in, the function answers within the contract, and as the reference does (tests/reference.py)."""

import base64
import gzip
import json
import string
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference
from tests.given import Function, change_of, event, image, payload, row_of
from tests.reference_types import FIELDS

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "corpora" / "sample.jsonl.gz"
FUNCTION = Function()

NAMES = {name for fields in FIELDS.values() for name in fields} | {
    *(
        "requested",
        "triggered",
        "created",
        "updated",
        "deleted",
        "firstSeen",
        "start",
        "dateTime",
        "localDate",
        "images",
    ),
    *("width", "enabled", "safeTix", "externalLinks", "aliases", "dmas", "primary", "unnamed"),
}
texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
)
TIMES = [
    *("2025-01-01T10:00:00Z", "2025-01-01 10:00:00.123456789+05:30", "1900-01-01T18:00:00Z", "TBA", ""),
    *("1799-12-31T23:59:59Z", "2199-12-31T23:59:59.9Z", "2040-01-01T00:00:00Z", "1999-12-31T23:00:00-0100"),
    "2025-02-30T00:00:00Z",
]
times = st.sampled_from(TIMES) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
tags = st.sampled_from(["S", "N", "BOOL", "NULL", "M", "L", "SS", "NS", "B", "X"])
words = st.sampled_from(["sms", "email", "remind", "SENT", "12", "-7", "2147483648", "archtics-70.1", "\ud800"])
held = scalars | times | words | json_values
attributes: st.SearchStrategy[Any] = st.recursive(
    st.just({"NULL": True}) | st.builds(lambda tag, value: {tag: value}, tags, held),
    lambda inner: (
        st.builds(lambda items: {"L": items}, st.lists(inner, max_size=3))
        | st.builds(lambda items: {"M": items}, st.dictionaries(st.sampled_from(sorted(NAMES)), inner, max_size=3))
        | st.builds(lambda items: {"M": items}, st.dictionaries(texts, inner, max_size=3))
    ),
    max_leaves=10,
)
kinds = st.sampled_from(["demand", "notification", "event", "sale"])


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_a_record_are_answered(data: bytes) -> None:
    assert_as_the_reference(data)


@given(
    name=st.sampled_from(["INSERT", "MODIFY", "REMOVE"]) | json_values,
    time=st.sampled_from([1735725600000, 1735725600000000, 10**12, 10**12 - 1, 10**14, 10**40]) | json_values,
    precision=st.sampled_from(["MILLISECOND", "MICROSECOND"]) | json_values,
    identity=st.just({"principalId": "dynamodb.amazonaws.com"}) | json_values,
    change_id=texts | json_values,
    images=st.tuples(json_values, json_values),
)
def test_any_json_as_a_change_is_answered(
    name: Any, time: Any, precision: Any, identity: Any, change_id: Any, images: tuple[Any, Any]
) -> None:
    sale = image("sale")
    change = change_of(sale, eventName=name, userIdentity=identity, eventID=change_id)
    change["dynamodb"] |= {"ApproximateCreationDateTime": time, "ApproximateCreationDateTimePrecision": precision}
    for members in ({"OldImage": sale, "NewImage": images[0]}, {"OldImage": images[1], "NewImage": sale}):
        change["dynamodb"] |= members

        assert_as_the_reference(payload(change))


@settings(max_examples=300)
@given(
    kinds,
    st.sampled_from(["INSERT", "REMOVE"]),
    st.dictionaries(st.sampled_from(sorted(NAMES)), attributes, max_size=4),
)
def test_any_attribute_in_any_field_is_answered(kind: str, name: str, given_attributes: dict[str, Any]) -> None:
    item = image(kind) | {key: value for key, value in given_attributes.items() if key != "type"}

    assert_as_the_reference(payload(change_of(item, name)))


@given(st.text(alphabet=string.digits + "-+:.TZ ", max_size=32) | times)
def test_any_text_as_a_time_is_read_as_the_reference_reads_it(text: str) -> None:
    assert_as_the_reference(
        payload(change_of(image("sale", saleEndDateTime={"S": text}, saleStartDate={"S": text[:10]})))
    )


def test_the_sample_is_answered_as_the_reference_does() -> None:
    for line in gzip.decompress(SAMPLE.read_bytes()).splitlines():
        assert_as_the_reference(line)


def assert_as_the_reference(data: bytes) -> None:
    """The function's outcome is the reference's: the row to the field, or the reason and a place that is wrong."""
    FUNCTION.bucket.objects.clear()
    invocation = event(data)
    metadata = invocation["records"][0]["kinesisRecordMetadata"]
    wanted = reference.expected(data, metadata["sequenceNumber"], metadata["subsequenceNumber"])

    (result,) = FUNCTION.reply(invocation)["records"]

    if isinstance(wanted, reference.Row):
        assert result["result"] == "Ok", FUNCTION.bucket.documents()
        assert result["metadata"]["partitionKeys"] == {"type": wanted.type, "date": wanted.partition_date}
        assert without_nulls(row_of(result)) == as_archived(wanted.row)
    elif isinstance(wanted, reference.Failed):
        assert result["result"] == "ProcessingFailed"
        (document,) = FUNCTION.bucket.documents()
        assert document["error"]["code"] == wanted.reason
        assert not wanted.paths or document["error"]["path"] in wanted.paths
    else:
        assert result["result"] == "Dropped"
    assert base64.b64decode(invocation["records"][0]["data"]) == data


def as_archived(value: Any) -> Any:
    """What the reference says, as a line of JSON says it: lower-case names, times as text, nothing for null."""
    if isinstance(value, dict):
        return {key.lower(): as_archived(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_archived(inner) for inner in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03}"
    return value.isoformat() if isinstance(value, date) else value


def without_nulls(value: Any) -> Any:
    """A column that is null and one that is absent are the same to Firehose."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value
