"""The problems of a function, for its author: on AWS they stand in the function's own log group."""

from collections.abc import Iterator

import msgspec

from firehose.local.processors.invocation import Problem


class FunctionProblem(msgspec.Struct):
    """A reason for which invocations failed, how often, and the log lines of the first one."""

    reason: str
    count: int = 0
    log: str = ""

    def __str__(self) -> str:
        times = f" ({self.count} invocations)" if self.count > 1 else ""
        return f"{self.reason}{times}" + (f"\n{self.log.rstrip()}" if self.log else "")


class FunctionProblems:
    """The problems of one stream's function, each reason once, in the order in which they came up.

    An exception's text may quote a record. It is kept only `with_logs`: for a user's own function, whose author alone
    reads it. Problems of this pipeline's functions go into logs and reports.
    """

    def __init__(self, *, with_logs: bool = False) -> None:
        self._with_logs = with_logs
        self._found: dict[str, FunctionProblem] = {}

    def add(self, problem: Problem) -> None:
        """Count a failed invocation."""
        log = problem.log if self._with_logs else ""
        self._found.setdefault(problem.reason, FunctionProblem(problem.reason, log=log)).count += 1

    def __iter__(self) -> Iterator[FunctionProblem]:
        return iter(self._found.values())
