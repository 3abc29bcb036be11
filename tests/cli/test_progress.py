"""The progress of a backfill, as a bar, as lines and as an estimate."""

import io

import pytest

from firehose.cli.progress import Meter, progress_lines, shown_progress


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_off_a_terminal_a_line_is_printed_every_thirty_seconds() -> None:
    clock, said = Clock(), list[str]()
    tick = progress_lines(said.append, clock_seconds=clock)("read", 4_000_000)

    tick(1_000_000)  # by an earlier run
    for _ in range(60):
        clock.now += 1
        tick(10_000)

    assert said == [
        "read 1,300,000 of about 4,000,000, 10,000/s, 4 min left",
        "read 1,600,000 of about 4,000,000, 10,000/s, 4 min left",
    ]


@pytest.mark.parametrize(
    ("items", "done", "seconds", "line"),
    [
        pytest.param(0, 50, 10, "50, 5/s", id="unknown total"),
        pytest.param(100, 0, 10, "0 of about 100, 0/s", id="nothing yet"),
        pytest.param(100, 110, 10, "110 of about 100, 11/s", id="more than estimated"),
        pytest.param(100, 50, 10, "50 of about 100, 5/s, 10 s left", id="seconds"),
        pytest.param(6000, 50, 10, "50 of about 6,000, 5/s, 20 min left", id="minutes"),
        pytest.param(60_050, 50, 10, "50 of about 60,050, 5/s, 3 h 20 min left", id="hours"),
    ],
)
def test_the_time_left_is_shown_if_it_can_be_estimated(items: int, done: int, seconds: int, line: str) -> None:
    clock = Clock()
    meter = Meter(items, clock)
    meter.add(0)
    clock.now += seconds
    meter.add(done)

    assert str(meter) == line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("items", "shown"), [(100, "50/100"), (0, "50/?")])
def test_at_a_terminal_a_bar_shows_how_many_are_done_of_how_many(
    monkeypatch: pytest.MonkeyPatch, items: int, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    with shown_progress() as phase:
        phase("read", items)(50)

    assert shown in terminal.getvalue()
