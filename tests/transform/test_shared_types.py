"""Functions that tell each other the types of records decide as each does alone."""

import io
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bench.function import Context
from tests.given import ALL_TYPES, Bucket, change, change_of, environment, event, image, payload, s, spaced
from transform.function import Handler, build
from transform.outcome import Outcome
from transform.record import Transformer

_WHEN = re.compile(r'"timestamp": *("[^"]*"|\d+)', re.IGNORECASE)

TYPES = ALL_TYPES.split(",")
RECORDS: list[Any] = [
    *(change(name) for name in TYPES),
    *(change(name, "REMOVE") for name in TYPES),
    *(spaced(change(name)) for name in TYPES),
    *(change(name, eventId={"N": "1"}, id={"N": "1"}) for name in TYPES),
    change("refund"),
    change(type={"N": "1"}),
    change(name=s("\ud800")),
    change_of(None),
    change_of(image("sale"), "GONE"),
    change_of(image("sale"), dynamodb={}),
    payload(change("sale")).replace(b"}}", b"}"),
    payload(change("sale", name=s("x"))).replace(b'"x"', b'"\xff"'),
    b"",
]


def functions(**shared: Any) -> tuple[list[Handler], Bucket]:
    bucket = Bucket()
    return [build(environment(one, claims=one == TYPES[0]), bucket, **shared) for one in TYPES], bucket


def answers(handlers: list[Handler], events: list[dict[str, Any]]) -> list[Any]:
    """Return every function's reply to every event, and what it prints: its metrics and its log line."""
    found = []
    for one in events:
        for handler in handlers:
            with redirect_stdout(io.StringIO()) as printed:
                reply = handler(one, Context())
            found.append((reply, _WHEN.sub("", printed.getvalue())))
    return found


@given(st.lists(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=6), min_size=1, max_size=3), st.randoms())
def test_functions_that_share_types_reply_and_keep_what_they_would_alone(batches: list[list[Any]], order: Any) -> None:
    events = [event(*batch) for batch in batches]
    alone, alone_put = functions()
    together, together_put = functions(types_of_records={})
    places = list(range(len(TYPES)))
    order.shuffle(places)

    replies = [answers([handlers[place] for place in places], events) for handlers in (alone, together)]

    assert replies[0] == replies[1]
    assert alone_put.objects == together_put.objects


def test_a_record_whose_type_a_function_has_read_is_not_decoded_by_the_next(monkeypatch: Any) -> None:
    decoded: list[str] = []
    outcome_of = Transformer.outcome_of

    def noted(transformer: Transformer, record: Mapping[str, Any]) -> Outcome:
        decoded.append(record["recordId"])
        return outcome_of(transformer, record)

    monkeypatch.setattr(Transformer, "outcome_of", noted)
    handlers, _ = functions(types_of_records={})
    one = event(change("demand"), change("event"))

    answers(handlers, [one])

    # The function of demands reads both; that of events delivers its own.
    ids = [record["recordId"] for record in one["records"]]
    assert decoded == [*ids, ids[1]]


def test_types_are_kept_of_one_event_at_a_time() -> None:
    types: dict[str, str] = {}
    handlers, _ = functions(types_of_records=types)

    answers(handlers, [event(change("demand"), change("sale")), event(change("event"))])

    assert list(types.values()) == ["event"]
