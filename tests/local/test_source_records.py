"""A checkpoint stands behind a source record only when all that it became is settled."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from firehose.local.source_records import SourceRecords


def test_an_aggregate_is_settled_with_the_last_of_its_records() -> None:
    counted = SourceRecords()
    for records in (1, 3, 1):
        counted.add(records)

    assert [counted.settled(records) for records in range(6)] == [0, 1, 1, 1, 2, 3]


@given(st.lists(st.integers(0, 4), max_size=30), st.data())
def test_settled_source_records_are_those_whose_records_all_are(became: list[int], data: st.DataObject) -> None:
    counted = SourceRecords()
    for records in became:
        counted.add(records)
    ends = list(accumulate(became))
    asked = sorted(data.draw(st.lists(st.integers(0, sum(became)), max_size=10)))

    answers = [counted.settled(records) for records in asked]

    assert answers == [sum(end <= records for end in ends) for records in asked]
