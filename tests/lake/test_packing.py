"""Packing: every unit is in one task, and the tasks are of about the same size."""

from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.jobs.job import Unit
from firehose.lake.jobs.packing import pack

SIZES = st.lists(st.integers(0, 1000), max_size=50)


@given(SIZES, st.integers(1, 20))
def test_every_unit_is_in_one_task_and_no_task_is_empty(sizes: list[int], tasks: int) -> None:
    units = [Unit(number, size) for number, size in enumerate(sizes)]

    packed = pack(units, tasks)

    assert sorted(number for task in packed for number in task) == list(range(len(sizes)))
    assert len(packed) == min(tasks, len(sizes))
    assert all(packed)


@given(SIZES, st.integers(1, 20))
def test_no_task_is_larger_than_the_average_by_more_than_a_unit(sizes: list[int], tasks: int) -> None:
    units = [Unit(number, size) for number, size in enumerate(sizes)]

    packed = pack(units, tasks)

    counted = [max(size, 1) for size in sizes]
    for task in packed:
        assert sum(counted[number] for number in task) <= sum(counted) / len(packed) + max(counted)


def test_the_largest_units_come_first() -> None:
    assert pack([Unit(0, 5), Unit(1, 3), Unit(2, 2)], 2) == [[0], [1, 2]]
