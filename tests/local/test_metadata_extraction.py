"""The MetadataExtraction processor: partition keys by a jq query over each record."""

import faulthandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.metrics import Metrics
from firehose.local.processors.jq_query import KeyQuery, QueryFailedError
from firehose.local.processors.metadata_extraction import EXTRACTION_FAILED, MetadataExtraction
from firehose.local.processors.stage import Processed, ProcessorFailure
from tests.processors import process_batch


def extraction(query: str, metrics: Metrics | None = None) -> MetadataExtraction:
    return MetadataExtraction(query, metrics or Metrics())


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
    assert KeyQuery(query).keys(record) == expected


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
    with pytest.raises(QueryFailedError) as refused:
        KeyQuery(query).keys(record)

    assert "secret" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "def f: f; f",
        "repeat(.)",
        "range(1e18)",
        "{k: [range(1e18)] | length}",
        "{k: last(range(1e18))}",
        "{k: (.a | until(false; .))}",
        "{k: [recurse(.)] | length}",
        '{k: (("x" * 1e10) | length)}',
        "reduce range(1e18) as $x ({}; .)",
    ],
)
def test_a_query_that_does_not_end_fails_the_record_and_nothing_hangs(query: str) -> None:
    """Within a second on a quiet machine, which nothing here measures."""
    own = KeyQuery(query)
    faulthandler.dump_traceback_later(60, exit=True)
    for _ in range(2):
        with pytest.raises(QueryFailedError):
            own.keys(b'{"a": "secret"}')
    faulthandler.cancel_dump_traceback_later()


def test_after_a_record_for_which_a_query_did_not_end_it_gives_the_keys_of_the_next() -> None:
    query = KeyQuery("{k: ([range(.n)] | length), who: .who}")

    assert query.keys(b'{"n": 3, "who": "\xc3\xa4\\n"}') == {"k": "3", "who": "\xe4\n"}
    with pytest.raises(QueryFailedError, match="the query does not end"):
        query.keys(b'{"n": 1e18, "who": "b"}')
    with pytest.raises(QueryFailedError, match="Non JSON record provided"):
        query.keys(b"nope")
    assert query.keys(b'{"n": 4, "who": "c"}') == {"k": "4", "who": "c"}


@given(st.binary(max_size=40))
def test_any_record_gives_keys_or_an_error(record: bytes) -> None:
    try:
        found = KeyQuery("{a: .a}").keys(record)
    except QueryFailedError:
        return

    assert set(found) <= {"a"}


@pytest.mark.parametrize("value", ["null", "[]", "{}"])
def test_a_value_that_cannot_be_a_key_is_left_out(value: str) -> None:
    assert KeyQuery("{a: .a}").keys(f'{{"a": {value}}}'.encode()) == {}


def test_the_query_reads_what_the_function_made_of_a_record() -> None:
    processed = Processed(ok=[(1, b'{"kind":"made"}', {"type": "t"})])

    process_batch(extraction("{kind: .kind}"), processed, b"dropped", b"original")

    assert processed == Processed(ok=[(1, b'{"kind":"made"}', {"type": "t"})], query_keys={1: {"kind": "made"}})


def test_a_record_that_the_query_gives_nothing_for_fails_alone() -> None:
    processed = Processed(ok=[(0, b"no JSON", None), (1, b'{"a":"x"}', None)])

    process_batch(extraction("{a: .a}"), processed, b"0", b"1")

    assert [index for index, _, _ in processed.ok] == [1]
    assert processed.failed == [
        ProcessorFailure(0, EXTRACTION_FAILED, "Non JSON record provided", error_type="metadata-extraction-failed")
    ]


def test_the_time_that_queries_take_is_a_metric() -> None:
    metrics = Metrics()

    process_batch(extraction("{a: .a}", metrics), Processed(ok=[(0, b'{"a":"x"}', None)] * 3), b"0")

    duration = metrics.totals()["JQProcessing.Duration"]
    assert duration.samples == 1
    assert duration.sum > 0
