"""A log stream of the endpoint's CloudWatch Logs."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

# PutLogEvents, API reference: 10,000 events a call, and 1 MiB with 26 bytes for each; an event of 256 KiB at most.
_CALL_EVENTS = 1_000
_EVENT_CHARACTERS = 60_000


class LogStream:
    """Writes lines into a log stream, which is made with the first line.

    A log group that is missing is made only by a writer that `makes_group`, as Lambda does. Otherwise the lines are
    lost, as Firehose's are.
    """

    def __init__(
        self, client: Any, group: str, stream: str, clock: Callable[[], int], *, makes_group: bool = False
    ) -> None:
        self._client = client
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._clock = clock
        self._makes_group = makes_group

    def write(self, *lines: str) -> None:
        """Write lines, an event each."""
        now_ms = self._clock()
        events = [{"timestamp": now_ms, "message": line[:_EVENT_CHARACTERS]} for line in lines if line]
        for start in range(0, len(events), _CALL_EVENTS):
            self._put(events[start : start + _CALL_EVENTS])

    def _put(self, events: list[dict[str, Any]]) -> None:
        exceptions = self._client.exceptions
        try:
            self._client.put_log_events(logEvents=events, **self._names)
        except exceptions.ResourceNotFoundException:
            self._make()
            with suppress(exceptions.ResourceNotFoundException):
                self._client.put_log_events(logEvents=events, **self._names)

    def _make(self) -> None:
        exceptions = self._client.exceptions
        known = (exceptions.ResourceAlreadyExistsException, exceptions.ResourceNotFoundException)
        if self._makes_group:
            with suppress(*known):
                self._client.create_log_group(logGroupName=self._names["logGroupName"])
        with suppress(*known):
            self._client.create_log_stream(**self._names)
