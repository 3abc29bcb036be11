"""The ledger: every record's fate in every stream, checked and not derived; how far the source may move on."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.event_record import payload_bytes, payloads_bytes
from firehose.local.ledger import DELIVERED, DROPPED, FAILED, Ledger, SourceRecords
from firehose.local.report import RunReport, StreamReport
from tests.processors import direct_put_record


def settled(*fates: list[int], read: int) -> RunReport:
    """A report of `read` records; `fates` are those of each stream, 0 for none."""
    report = RunReport(read=read)
    ledger = Ledger(len(fates), report)
    for stream, each in enumerate(fates):
        for fate in (DROPPED, DELIVERED, FAILED):
            ledger.settle(stream, [ordinal for ordinal, found in enumerate(each) if found == fate], fate)
    ledger.close(read)
    return report


def test_a_record_is_failed_else_delivered_else_dropped() -> None:
    report = settled([DROPPED, DELIVERED, DELIVERED], [DROPPED, DROPPED, FAILED], read=3)

    assert (report.delivered, report.dropped, report.failed) == (1, 1, 1)
    assert report.adds_up


@pytest.mark.parametrize(
    ("fates", "read"),
    [
        pytest.param([[DROPPED, 0], [DROPPED, DELIVERED]], 2, id="unsettled in one stream"),
        pytest.param([[DROPPED], [DROPPED]], 2, id="unsettled in both"),
        pytest.param([[DELIVERED], [DELIVERED]], 1, id="delivered by both"),
        pytest.param([[], []], 1, id="never seen"),
    ],
)
def test_a_record_too_many_or_too_few_does_not_add_up(fates: list[list[int]], read: int) -> None:
    report = settled(*fates, read=read)

    assert not report.adds_up


@pytest.mark.parametrize("settled", [[], [0, 1, 2, 3], [4, 5, 6, 7]])
def test_the_records_of_a_page_that_nobody_settled_are_unsettled(settled: list[int]) -> None:
    report = RunReport(read=10)
    ledger = Ledger(1, report, page_records=4)

    ledger.settle(0, settled, DROPPED)
    ledger.close(10)

    assert (report.dropped, report.unsettled) == (len(settled), 10 - len(settled))


def test_a_second_fate_does_not_add_up() -> None:
    report = RunReport(read=1)
    ledger = Ledger(1, report)

    ledger.settle(0, [0], DROPPED)
    ledger.settle(0, [0], DELIVERED)
    ledger.close(1)

    assert (report.dropped, report.settled_twice, report.adds_up) == (1, 1, False)


def test_a_stream_that_received_less_than_was_read_does_not_add_up() -> None:
    report = settled([DROPPED], read=1)
    report.streams = [StreamReport("a")]

    assert not report.adds_up


@given(st.permutations(range(40)), st.integers(1, 40))
def test_the_order_of_fates_and_the_pages_do_not_matter(ordinals: list[int], page: int) -> None:
    report = RunReport(read=40)
    ledger = Ledger(2, report, page_records=page)

    ledger.settle(0, ordinals, DROPPED)
    for ordinal in ordinals[::-1]:
        ledger.settle(1, [ordinal], (DROPPED, DELIVERED, FAILED)[ordinal % 3])
    ledger.close(40)

    assert report.adds_up
    assert (report.dropped, report.delivered, report.failed) == (14, 13, 13)
    assert not ledger.pages


@given(st.binary(max_size=20))
def test_the_length_of_a_payload_is_told_from_its_base64(payload: bytes) -> None:
    assert payload_bytes(direct_put_record(payload, number=1, arrival_ms=1)) == len(payload)


@given(st.lists(st.binary(max_size=7)))
def test_the_length_of_several_payloads_is_their_sum(payloads: list[bytes]) -> None:
    made = [direct_put_record(payload, number=1, arrival_ms=1) for payload in payloads]

    assert payloads_bytes(made) == sum(map(len, payloads))


def test_settled_is_up_to_the_first_record_without_a_fate_in_some_stream() -> None:
    ledger = Ledger(2, RunReport())
    ledger.settle(0, [0, 1, 2, 3], DROPPED)
    assert ledger.settled() == 0

    ledger.settle(1, [0, 1, 3], DELIVERED)

    assert ledger.settled() == 2


def test_settled_goes_on_behind_what_has_been_summed_up() -> None:
    ledger = Ledger(1, RunReport())
    ledger.settle(0, range(20_000), DROPPED)
    assert ledger.settled() == 20_000

    ledger.settle(0, [20_001], DROPPED)
    assert ledger.settled() == 20_000
    ledger.settle(0, [20_000], FAILED)

    assert ledger.settled() == 20_002


def test_an_aggregate_is_settled_with_the_last_of_its_records() -> None:
    counted = SourceRecords()
    for count in (1, 3, 1):
        counted.add(count)

    assert [counted.settled(count) for count in range(6)] == [0, 1, 1, 1, 2, 3]


@given(st.lists(st.integers(0, 4), max_size=30), st.data())
def test_settled_source_records_are_those_whose_records_all_are(became: list[int], data: st.DataObject) -> None:
    counted = SourceRecords()
    for count in became:
        counted.add(count)
    ends = list(accumulate(became))
    asked = sorted(data.draw(st.lists(st.integers(0, sum(became)), max_size=10)))

    answers = [counted.settled(count) for count in asked]

    assert answers == [sum(end <= count for end in ends) for count in asked]
