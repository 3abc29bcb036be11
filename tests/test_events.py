"""Events of each kind: the function takes each apart, and the local Firehose makes events of the same shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from firehose.testing import LocalFirehose
from tests.firehose_streams import answer, request, table
from tests.given import Function, assert_keeps_the_contract, results
from transform.event_record import arrival_ms, payload_of, sequence_of

EVENTS = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "events").glob("*.json")}
HELLO, WORLD = b"Hello World", b'{"Hello": "World"}'
NUMBER = "49650000000000000000000000000000000000000000000000000017".rjust(128, "0")
ARRIVED_MS = 1_767_225_600_123


@pytest.mark.parametrize("name", EVENTS)
def test_every_record_is_answered_and_none_is_taken_for_a_change(name: str) -> None:
    function = Function()

    reply = function.handler(EVENTS[name], None)

    assert_keeps_the_contract(EVENTS[name], reply)
    assert set(results(reply)) == {"ProcessingFailed"}


@pytest.mark.parametrize(
    ("name", "payloads"),
    [
        ("kinesis", [HELLO, WORLD]),
        ("kinesis-aggregated", [HELLO, WORLD]),
        ("kinesis-written-by-hand", [HELLO]),
        ("put", [HELLO, WORLD]),
    ],
)
def test_the_payload_of_a_record_is_what_was_put(name: str, payloads: list[bytes]) -> None:
    assert [payload_of(record) for record in EVENTS[name]["records"]] == payloads


def test_the_payload_of_a_message_of_a_queue_is_json_on_a_line() -> None:
    (record,) = EVENTS["put-by-a-pipe"]["records"]

    assert json.loads(payload_of(record))["body"] == "Test message."
    assert payload_of(record).endswith(b"}\n")


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("kinesis", NUMBER + "000000000000"),
        ("kinesis-aggregated", NUMBER + "000000123456"),
        ("kinesis-written-by-hand", NUMBER + "000000000000"),
        ("put", None),
        ("put-by-a-pipe", None),
    ],
)
def test_a_record_has_its_place_in_the_stream_if_it_has_one_and_its_arrival(name: str, sequence: str | None) -> None:
    record = EVENTS[name]["records"][-1 if name == "kinesis-aggregated" else 0]

    assert (sequence_of(record), arrival_ms(record)) == (sequence, ARRIVED_MS)


@pytest.mark.parametrize(("name", "from_kinesis"), [("kinesis", True), ("put", False)])
def test_the_local_firehose_makes_an_event_of_the_same_shape(name: str, from_kinesis: bool) -> None:
    events: list[Any] = []

    def handler(event: Any, _: Any) -> Any:
        events.append(event)
        return {"records": [answer(record, "Dropped") for record in event["records"]]}

    made = request()
    if not from_kinesis:
        made = {name: member for name, member in made.items() if not name.startswith("Kinesis")}
        made["DeliveryStreamType"] = "DirectPut"
    firehose = LocalFirehose()
    stream = firehose.create(made, table=table({"id": "string"}), handler=handler)
    for data in (HELLO, WORLD):
        stream.put(data)
    firehose.advance(seconds=900)

    (event,) = events
    assert shape(event) == shape(EVENTS[name])


def shape(value: Any) -> Any:
    """The members of an event, at every depth, with the type of each."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(element) for element in value]
    return type(value).__name__
