"""The days that a table has and the gaps between them make up the whole period, each day once."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.report.coverage import Coverage, Days, coverage

BEGIN = date(2024, 2, 20)  # a leap day lies ahead

places = st.integers(0, 60)


def day(number: int) -> str:
    return (BEGIN + timedelta(days=number)).isoformat()


def numbers(period: Days) -> set[int]:
    first = (date.fromisoformat(period.first) - BEGIN).days
    last = (date.fromisoformat(period.last) - BEGIN).days
    assert last - first + 1 == period.count > 0
    return set(range(first, last + 1))


@given(st.lists(places, min_size=1), places, places)
def test_runs_and_gaps_share_out_the_period(found: list[int], one: int, other: int) -> None:
    covered = coverage("sale", map(day, found), day(one), day(other))

    assert covered is not None
    runs, gaps = [numbers(run) for run in covered.runs], [numbers(gap) for gap in covered.gaps]
    assert set().union(*runs) == set(found)
    first, last = min(*found, one), max(*found, other)
    assert set().union(*gaps) == set(range(first, last + 1)) - set(found)
    assert (covered.days, covered.missing) == (len(set(found)), sum(map(len, gaps)))
    assert [len(gap) for gap in gaps] == sorted(map(len, gaps), reverse=True)


@given(st.lists(places, min_size=1))
def test_neighbouring_days_are_one_run(found: list[int]) -> None:
    covered = coverage("sale", map(day, found))

    assert covered is not None
    assert len(covered.runs) == len(covered.gaps) + 1


def test_names_that_are_not_dates_are_left_out() -> None:
    assert coverage("sale", ["__HIVE_DEFAULT_PARTITION__", "2025-02-30", "20250101", "2025-01-01x"]) is None
    assert coverage("sale", ["0001-01-01", "9999-12-31"]) == Coverage(
        "sale",
        [Days("0001-01-01", "0001-01-01", 1), Days("9999-12-31", "9999-12-31", 1)],
        [Days("0001-01-02", "9999-12-30", 3_652_057)],
    )
