"""A row in an error record gives the change record that gives it again."""

import json
from base64 import b64decode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.errors.failed_records import FailedRecord
from firehose.lake.errors.rerun import Rerun, RerunResult
from firehose.lake.errors.row_to_change import original
from firehose.pipeline.sample.records import changes
from glue.model import ArrayType, Enumeration, MapType, Record, Scalar, Type
from glue.schema import load
from tests.given import ARRIVED_MS, Function, change, change_of, event, m, payload, s, spaced
from tests.invented import gift, member, optional, record_type
from transform.outcome import Delivered, Failed

TYPES = load()
TODAY = Rerun(TYPES)
FUNCTION = Function()
ICEBERG = Function(format="iceberg")

TEXTS = st.text(max_size=6) | st.sampled_from(["archtics-70.12345", "[redacted]", "true", "12"])
TIMES = st.sampled_from(
    ["2025-01-01T10:00:00Z", "2020-02-29 23:59:59.9999+05:30", "2016-12-31T23:00:00-0100", "2030-06-01T00:00:00.5"]
)
NULL = st.just({"NULL": True})
SCALARS: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.STRING: TEXTS.map(s),
    Scalar.TIMESTAMP: TIMES.map(s),
    Scalar.DATE: st.just(s("2025-01-01")),
    Scalar.BOOLEAN: st.booleans().map(lambda value: {"BOOL": value}),
    Scalar.INT: st.integers(-(2**31), 2**31 - 1).map(lambda number: {"N": str(number)}),
    Scalar.LONG: st.integers(-(2**63), 2**63 - 1).map(lambda number: {"N": str(number)}),
    Scalar.DOUBLE: st.floats(allow_nan=False, allow_infinity=False).map(lambda number: {"N": repr(number)}),
}


def attributes(kind: Type) -> st.SearchStrategy[Any]:
    """Attributes of a type that are sound."""
    if isinstance(kind, Record):
        return images(kind).map(lambda members: {"M": members})
    if isinstance(kind, MapType):
        entries = st.dictionaries(st.sampled_from(["a", "B", "ß"]), attributes(kind.values), max_size=2)
        return entries.map(lambda members: {"M": members})
    if isinstance(kind, ArrayType):
        lists = st.lists(attributes(kind.items) | NULL, max_size=2).map(lambda items: {"L": items})
        sets = st.lists(TEXTS, max_size=2).map(lambda texts: {"SS": texts})
        return lists | sets if kind.items is Scalar.STRING else lists
    if isinstance(kind, Enumeration):
        return st.sampled_from(kind.symbols).map(s)
    assert isinstance(kind, Scalar)  # none of ours has a decimal
    return SCALARS[kind]


def images(record: Record) -> st.SearchStrategy[dict[str, Any]]:
    """Images of a record, with any of what is optional left out, or null."""
    fields = [field for field in record.fields if not field.derived]
    needed = {field.name: attributes(field.type) for field in fields if not field.optional}
    optional = {field.name: attributes(field.type) | NULL for field in fields if field.optional}
    return st.fixed_dictionaries(needed, optional=optional)


def changed(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Change records of a type that today's code delivers."""
    expired = st.sampled_from([None, {"type": "Service", "principalId": "dynamodb.amazonaws.com"}])
    return st.builds(
        lambda item, event_name, identity, event_id: change_of(
            item | {"type": s(name)}, event_name, userIdentity=identity, eventID=event_id
        ),
        images(TYPES[name].row),
        st.sampled_from(["INSERT", "MODIFY", "REMOVE"]),
        expired,
        st.sampled_from(["id", ..., ""]),
    )


def row_of(judged: RerunResult) -> bytes:
    assert isinstance(judged.outcome, Delivered), judged.outcome
    return msgspec.convert(judged.outcome.data, bytes)


def judged(raw: bytes, **members: Any) -> RerunResult:
    return TODAY.run(FailedRecord(0, raw, ARRIVED_MS, **members), "key")


@pytest.mark.parametrize("name", sorted(TYPES))
@given(data=st.data())
def test_a_rebuilt_change_gives_the_same_row(name: str, data: st.DataObject) -> None:
    row = row_of(judged(payload(data.draw(changed(name))), sequence="4954", subsequence=3))

    again = judged(row)

    assert row_of(again) == row
    assert again.payload != row


@pytest.mark.parametrize("name", sorted(TYPES))
@given(data=st.data())
def test_a_row_that_an_iceberg_table_refused_gives_the_row_of_any_mode(name: str, data: st.DataObject) -> None:
    invocation = event(data.draw(changed(name)))
    (refused,), (row,) = (each.reply(invocation)["records"] for each in (ICEBERG, FUNCTION))

    again = judged(b64decode(refused["data"]))

    assert row_of(again) == b64decode(row["data"])


def test_a_decimal_and_a_partition_date_of_such_a_row_are_read_by_the_schema() -> None:
    price = optional({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2})
    types = {"gift": record_type(gift(member("price", price)))}
    row = {"type": "gift", "price": "12.50", "madeat": 0, "isdeleted": False, "change": {"name": "INSERT", "id": "c"}}

    image = json.loads(original(json.dumps(row | {"partition_date": "2025-01-01"}).encode(), types).payload)

    assert image["dynamodb"]["NewImage"] == {
        "type": s("gift"),
        "price": {"N": "12.50"},
        "madeAt": s("1970-01-01 00:00:00.000"),
    }


@pytest.mark.parametrize("micros", [-5_364_662_400_000_001, 7_258_118_400_000_000, 10**18])
def test_a_number_that_is_no_time_of_ours_stays_a_number_and_fails_by_its_path(micros: int) -> None:
    row = {"type": "sale", "salestartdatetime": micros, "isdeleted": False, "change": {"name": "INSERT", "atmicros": 1}}

    image = json.loads(original(json.dumps(row).encode(), TYPES).payload)["dynamodb"]["NewImage"]

    assert image["saleStartDateTime"] == {"N": str(micros)}


def test_every_row_of_a_sample_is_rebuilt() -> None:
    lines = [judged(line) for line in changes(2_000, seed=5)]
    rows = [row_of(one) for one in lines if isinstance(one.outcome, Delivered)]

    assert len(rows) > 1_900
    assert [row_of(judged(row)) for row in rows] == rows


def test_a_change_record_is_its_own_original() -> None:
    raw = spaced(change(isdeleted=s("x"), change=m()))

    assert original(raw, TYPES).payload is raw


def test_a_deletion_stays_redacted_and_keeps_its_time() -> None:
    removed = change("demand", "REMOVE", email=s("a@example.com"))
    row = row_of(judged(payload(removed)))

    again = json.loads(row_of(judged(row)))

    assert (again["email"], again["isdeleted"], again["date"]["deleted"]) == (
        "[redacted]",
        True,
        "2025-01-01 10:00:00.000",
    )


def test_computed_members_are_left_for_the_function_to_compute() -> None:
    row = row_of(judged(payload(change(systemUserId=s("archtics-70.1")))))

    image = json.loads(judged(row).payload)["dynamodb"]["NewImage"]

    assert image.keys() == {"type", "fanId", "eventId", "saleId", "requestedDateTime", "date", "systemUserId"}


def test_a_row_that_no_longer_fits_the_schema_fails_with_the_path() -> None:
    row = json.loads(row_of(judged(payload(change()))))

    outcome = judged(payload(row | {"contactmethod": "pigeon"})).outcome

    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.path) == ("invalid", "contactMethod")


def test_members_that_the_schema_no_longer_has_are_ignored() -> None:
    row = json.loads(row_of(judged(payload(change()))))

    assert json.loads(row_of(judged(payload(row | {"shoesize": 43, "shoes": [{"a": None}]})))) == row


@pytest.mark.parametrize(
    "raw",
    [
        b'{"change" "isdeleted"',
        b'["change","isdeleted"]',
        b'{"type":"gift","change":{"name":"INSERT"},"isdeleted":false}',
        b'{"type":"demand","change":{"name":"UPSERT"},"isdeleted":false}',
        b'{"type":"demand","change":7,"isdeleted":false}',
        b'{"type":"demand","change":{"name":["INSERT"]},"isdeleted":false}',
        b'{"type":7,"change":{"name":"INSERT"},"isdeleted":false}',
        b'{"change":"\\ud800","isdeleted":1}',
    ],
)
def test_a_record_that_only_resembles_a_row_is_left_as_it_is(raw: bytes) -> None:
    assert original(raw, TYPES).payload == raw


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
rows_or_so = st.builds(
    lambda row, change, record_type: row | {"type": record_type, "isdeleted": False, "change": change},
    st.dictionaries(st.sampled_from(["date", "venues", "fanid", "saletypes", "promoter"]), json_values),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["INSERT", "REMOVE"])},
        optional=dict.fromkeys(("id", "atmicros", "sequence", "expired"), json_values),
    ),
    st.sampled_from(sorted(TYPES)),
)


@given(raw=rows_or_so.map(json.dumps).map(str.encode) | st.binary(max_size=60))
def test_todays_code_has_an_outcome_for_any_error_record(raw: bytes) -> None:
    outcome = judged(raw).outcome

    assert not (isinstance(outcome, Failed) and outcome.reason == "bug")


@pytest.mark.parametrize("venues", ["[" * 600 + "]" * 600, '{"a":' * 600 + "1" + "}" * 600], ids=["lists", "maps"])
def test_todays_code_has_an_outcome_for_a_deeply_nested_row(venues: str) -> None:
    raw = f'{{"type":"event","isdeleted":false,"change":{{"name":"INSERT"}},"venues":{venues}}}'.encode()

    assert isinstance(judged(raw).outcome, Failed)


def test_a_made_up_sequence_sorts_before_every_real_one() -> None:
    row = json.loads(row_of(judged(payload(change()))))

    sequence = row["change"]["sequence"]

    assert len(sequence) == 140
    assert sequence < f"{'49' + '0' * 54:0>128}"
