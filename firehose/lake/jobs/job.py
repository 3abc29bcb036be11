"""A job over a lake: an ordered list of independent units, one function that works on a unit, and an executor.

Nothing is coordinated between processes. What makes that safe is one rule: a unit that is worked on twice, at once or
later, leaves what working on it once leaves. So names of objects derive from their input or their content, and objects
are put whole. Retries and kills then cost time only; the driver adds up the answers and checks that they settle.
"""

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

# Called with the number of items done since the last call.
Tick = Callable[[int], None]

# Starts a phase of about so many items: `phase("read", 4000)` returns its tick.
Phase = Callable[[str, int], Tick]

AnswerT_co = TypeVar("AnswerT_co", covariant=True)
AnswerT = TypeVar("AnswerT")

# The number of each unit, and its answer.
Answers: TypeAlias = Generator[tuple[int, AnswerT], None, None]


class Unit(NamedTuple):
    """A unit of a job: its number in the job's list, and about how many items it has."""

    number: int
    size: int


class Worker(Protocol[AnswerT_co]):
    """Works on units, one after the other, in the process it was made in."""

    def work(self, unit: int) -> AnswerT_co:
        """Work on the unit of this number and return its answer, which pickles.

        Raises:
            UserError: something cannot be read or written.
        """

    def close(self) -> None:
        """Remove temporary files. Another unit may follow."""


class Job(Protocol[AnswerT_co]):
    """A job as a process needs it to work on units. It pickles, and has all that was listed before the first unit."""

    def worker(self, tick: Tick) -> Worker[AnswerT_co]:
        """Return a worker in this process.

        Raises:
            UserError: something cannot be read or written.
        """


class Executor(Protocol):
    """Has a job's units worked on, in this process or in others."""

    def run(self, job: Job[AnswerT], units: Sequence[Unit], tick: Tick) -> Answers[AnswerT]:
        """Yield the number and the answer of each unit as soon as it is known. Closed early, it ends all processes.

        Raises:
            UserError: a unit failed, or a process died. All have ended then.
        """
