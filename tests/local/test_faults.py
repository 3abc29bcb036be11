"""Faults are asked for by name and count, and whatever is injected each record has exactly one fate."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.data_plane import DataPlane
from firehose.local.faults import Fault, Faults, FaultyKinesis, FaultySink, faulty_function, read_faults
from firehose.local.sources.kinesis import KinesisSource
from firehose.local.user_error import UserError
from tests.fakes import MemorySink
from tests.firehose_streams import function, local, order, records
from tests.kinesis_streams import Clock, Stream
from tests.processors import fates, processor

HANDLER_FAULTS = [fault for fault in Fault if not fault.startswith(("s3-", "kinesis-"))]
BATCH = [order("x"), b'{"result": "Dropped"}', order("y"), b"bad"]


@pytest.mark.parametrize(
    ("text", "strikes"), [("throttle", [True] * 5), ("throttle:2", [True, True, False, False, False])]
)
def test_a_fault_happens_every_time_or_the_first_so_many_times(text: str, strikes: list[bool]) -> None:
    faults = read_faults([text])

    assert [faults.strikes(Fault.THROTTLE) for _ in strikes] == strikes
    assert not faults.strikes(Fault.RAISE)


def test_an_unknown_fault_is_refused_by_naming_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"^unknown fault 'slow' \(choose from throttle, timeout, .*, s3-cut, kinesis-"):
        read_faults(["slow:1"])


@pytest.mark.parametrize("count", ["", "0", "-1", "1.5", "x", "\u00b2"])
def test_a_count_is_a_whole_number_from_one_on(count: str) -> None:
    with pytest.raises(UserError, match=r"should be raise, or raise:COUNT with a count from 1$"):
        read_faults([f"raise:{count}"])


ALL = range(4)
OWN = {0: '{"id": "x"}\n', 1: "Dropped", 2: '{"id": "y"}\n', 3: "Lambda.ProcessingFailedStatus"}


@pytest.mark.parametrize(
    ("kind", "told", "attempts"),
    [
        ("throttle", dict.fromkeys(ALL, "Lambda.InvokeLimitExceeded"), 3),
        ("timeout", dict.fromkeys(ALL, "Lambda.FunctionTimedOut"), 3),
        ("raise", dict.fromkeys(ALL, "Lambda.FunctionError"), 3),
        ("oversize", dict.fromkeys(ALL, "Lambda.FunctionError"), 3),
        ("bad-base64", dict.fromkeys(ALL, "Lambda.FunctionError"), 3),
        ("unknown-result", dict.fromkeys(ALL, "Lambda.FunctionError"), 3),
        ("missing-ids", OWN | {0: "Lambda.MissingRecordId", 2: "Lambda.MissingRecordId"}, 1),
        ("duplicate-ids", OWN | {0: "Lambda.DuplicatedRecordId"}, 1),
        ("no-records", dict.fromkeys(ALL, "Lambda.MissingRecordId"), 1),
    ],
)
def test_a_fault_of_the_function_is_seen_as_what_it_is(kind: str, told: dict[int, str], attempts: int) -> None:
    done = processor(faulty_function(function(), read_faults([kind])), 2).process(records(*BATCH))

    assert fates(done) == told
    assert {failure.attempts for failure in done.failed} == {attempts}


@pytest.mark.parametrize("kind", ["throttle", "timeout", "raise", "oversize", "bad-base64", "unknown-result"])
def test_a_fault_that_passes_within_the_attempts_leaves_no_trace(kind: str) -> None:
    done = processor(faulty_function(function(), read_faults([f"{kind}:2"])), 2).process(records(*BATCH))

    assert fates(done) == OWN


def test_a_function_that_is_timed_out_has_run() -> None:
    ran: list[int] = []

    processor(faulty_function(lambda *_: ran.append(1), read_faults(["timeout"])), 2).process(records(b"a"))

    assert len(ran) == 3


@given(
    st.lists(st.tuples(st.sampled_from(HANDLER_FAULTS), st.integers(1, 4) | st.just(float("inf"))), max_size=4),
    st.lists(st.sampled_from(BATCH), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_whatever_is_injected_each_record_has_exactly_one_fate(
    counts: list[tuple[Fault, float]], lines: list[bytes], retries: int
) -> None:
    run = processor(faulty_function(function(), Faults(counts)), retries)

    for _ in range(2):
        assert list(fates(run.process(records(*lines)))) == list(range(len(lines)))


@pytest.mark.parametrize(("kind", "code"), [("s3-denied", "AccessDenied"), ("s3-slow-down", "SlowDown")])
def test_a_put_that_s3_refuses_writes_nothing_and_ends_the_run(kind: str, code: str) -> None:
    objects = MemorySink()

    with pytest.raises(UserError, match=code):
        DataPlane([local()], FaultySink(objects, read_faults([kind]))).run(records(*BATCH))
    assert not objects


def test_a_put_that_is_cut_has_happened_and_the_same_run_replaces_it() -> None:
    cut, whole = MemorySink(), MemorySink()
    DataPlane([local()], whole).run(records(*BATCH))
    faults = read_faults(["s3-cut:1"])

    with pytest.raises(UserError):
        DataPlane([local()], FaultySink(cut, faults)).run(records(*BATCH))
    assert len(cut) == 1
    DataPlane([local()], FaultySink(cut, faults)).run(records(*BATCH))

    assert cut == whole


def test_a_faulty_sink_takes_as_many_puts_at_a_time_as_its_own() -> None:
    assert FaultySink(MemorySink(concurrent_puts=7), Faults()).concurrent_puts == 7
    assert FaultySink(MemorySink(), Faults()).concurrent_puts == 1


@pytest.mark.parametrize("kind", ["kinesis-throttled:3", "kinesis-expired-iterator:3"])
def test_a_stream_that_refuses_for_a_while_loses_no_record(kind: str, tmp_path: Path) -> None:
    clock = Clock()
    stream = Stream(clock)
    shard = stream.add()
    stream.put(b"a", shard)
    faults = read_faults([kind])
    client: Any = FaultyKinesis(stream, faults)
    source = iter(KinesisSource("dmnd", state=tmp_path, start_ms=0, client=client, clock=clock, sleep=clock.sleep))

    found = [record["data"] for record in (next(source) for _ in range(20)) if record is not None]

    assert found == ["YQ=="]
    assert not faults.strikes(Fault(kind.partition(":")[0]))
