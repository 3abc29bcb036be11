"""The endpoint's own log, on standard error: where the objects of a stream lie, and why records failed."""

import sys

from firehose.local.report import StreamReport


class FailureLog:
    """Says once where a stream's first object lies, and once of each error code why its first record failed.

    A function's problems come with its traceback: they are its author's, and on AWS stand in the function's log group.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._said: set[str] = set()

    def look(self, report: StreamReport, bucket: str) -> None:
        """Say what is new in a report of a stream that delivers to this bucket."""
        if report.first_object:
            self._say("objects", f"delivered to s3://{bucket}/{report.first_object}")
        for problem in report.function_problems:
            self._say(problem.reason, str(problem))
        for code, first in report.first_failures.items():
            if first.key:
                self._say(code, f"{code}: {first.message.rstrip('.')}; kept in s3://{bucket}/{first.key}")

    def _say(self, what: str, line: str) -> None:
        if what not in self._said:
            self._said.add(what)
            sys.stderr.write(f"{self._stream}: {line}\n")
            sys.stderr.flush()
