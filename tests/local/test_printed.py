"""What a function prints in our own process is kept apart from what we print, whatever it does to its output."""

import logging
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.firehose_streams import function, records
from tests.processors import processor

LOGGER = logging.getLogger("tests.printed")


def test_what_a_function_prints_and_logs_is_captured(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.StreamHandler(sys.stdout)
    LOGGER.addHandler(before)

    def handler(event: Any, context: Any) -> Any:
        print("printed")  # noqa: T201
        LOGGER.error("logged")
        return function()(event, context)

    done = processor(handler).process(records(b"a"))
    LOGGER.error("ours")
    LOGGER.removeHandler(before)

    assert done.printed == "printed\nlogged\n"
    assert capsys.readouterr().out == "ours\n"


def test_a_handler_that_a_function_makes_writes_to_our_output_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    made: list[logging.Handler] = []

    def handler(event: Any, context: Any) -> Any:
        made.append(logging.StreamHandler(sys.stdout))
        LOGGER.addHandler(made[0])
        LOGGER.error("inside")
        return function()(event, context)

    done = processor(handler).process(records(b"a"))
    LOGGER.error("afterwards")
    LOGGER.removeHandler(made[0])

    assert done.printed == "inside\n"
    assert capsys.readouterr().out == "afterwards\n"


def test_what_each_attempt_printed_is_kept() -> None:
    def handler(*_: Any) -> None:
        print("tried")  # noqa: T201
        raise ValueError

    assert processor(handler, 1).process(records(b"a")).printed == "tried\ntried\n"


@pytest.mark.parametrize(
    ("write", "printed"),
    [
        pytest.param(lambda: sys.stdout.buffer.write(b"\xff\n"), "\\xff\n", id="bytes"),
        pytest.param(lambda: (sys.stdout.write("x"), sys.stdout.close()), "x", id="closes it"),
        pytest.param(lambda: (sys.stdout.write("x"), cast("Any", sys.stdout).detach().close()), "x", id="detaches it"),
        pytest.param(lambda: (sys.stdout.write("x"), vars(sys).update(stdout=None)), "x", id="replaces it"),
        pytest.param(lambda: sys.stdout.write("\udcff"), "\\udcff", id="what is no text"),
    ],
)
def test_a_function_may_do_with_its_output_what_it_likes(write: Callable[[], Any], printed: str) -> None:
    def handler(event: Any, context: Any) -> Any:
        write()
        return function()(event, context)

    ours = sys.stdout
    done = processor(handler).process(records(b"a"))

    assert (done.printed, sys.stdout, len(done.failed)) == (printed, ours, 1)
