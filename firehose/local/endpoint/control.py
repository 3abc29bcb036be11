"""The control path, which AWS does not have: clock, faults, flush, counts and alarms, as JSON below /_firehose/."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from firehose.local.endpoint.alarms import alarm_states
from firehose.local.endpoint.caller import Caller
from firehose.local.endpoint.clock import EndpointClock
from firehose.local.endpoint.served_stream import ServedStream
from firehose.local.endpoint.services import ServicesOf
from firehose.local.faults import Fault

PATH = "/_firehose/"

Arguments: TypeAlias = Mapping[str, Any]

# A move of the clock is done in steps, so that each buffer interval ends in its own time.
_STEP_MS = 1_000
_MOST_STEPS = 100


class ControlError(Exception):
    """A control request that cannot be answered; the message says what to send."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Streams(Protocol):
    """All delivery streams of the endpoint."""

    def __iter__(self) -> Iterator[ServedStream]:
        """Yield them."""

    def reset(self) -> None:
        """End all of them, and let moto forget what it holds."""


class Control:
    """Answers the control path."""

    def __init__(self, streams: Streams, clock: EndpointClock, services_of: ServicesOf) -> None:
        self._streams = streams
        self._clock = clock
        self._services_of = services_of
        self._answers: Mapping[tuple[str, str], Callable[[Arguments, Caller], Any]] = {
            ("GET", "clock"): self._time,
            ("POST", "clock"): self._move,
            ("POST", "flush"): self._flush,
            ("GET", "counts"): self._counts,
            ("POST", "faults"): self._inject,
            ("GET", "alarms"): self._alarms,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, body: bytes, caller: Caller) -> Any:
        """Return the JSON value that answers a request.

        Raises:
            ControlError: the path is unknown, or an argument is wrong.
        """
        answer = self._answers.get((method, path.removeprefix(PATH).strip("/")))
        if answer is None:
            known = ", ".join(f"{method} {PATH}{name}" for method, name in self._answers)
            raise ControlError(f"unknown: {method} {path} (choose from {known})", 404)
        try:
            arguments = json.loads(body or b"{}")
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            raise ControlError("the body must be a JSON object")
        return answer(arguments, caller)

    def _time(self, _: Arguments, __: Caller) -> Any:
        moment = self._clock.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"now": moment, "moved_seconds": self._clock.moved_ms / 1000}

    def _move(self, arguments: Arguments, caller: Caller) -> Any:
        seconds = arguments.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
            raise ControlError('send {"advance_seconds": SECONDS}, a number above 0')
        self._tick()
        left = round(seconds * 1000)
        step = max(_STEP_MS, -(-left // _MOST_STEPS))
        while left > 0:
            self._clock.move(min(step, left))
            left -= step
            self._tick()
        return self._time({}, caller)

    def _tick(self) -> None:
        for stream in self._streams:
            stream.tick()

    def _flush(self, arguments: Arguments, _: Caller) -> Any:
        streams = self._named(arguments)
        for stream in streams:
            stream.flush()
        return {"streams": [stream.counts() for stream in streams]}

    def _counts(self, arguments: Arguments, _: Caller) -> Any:
        return {"streams": [stream.counts() for stream in self._named(arguments)]}

    def _inject(self, arguments: Arguments, _: Caller) -> Any:
        times = arguments.get("times", math.inf)
        if isinstance(times, bool) or not isinstance(times, int | float) or times < 0:
            raise ControlError('"times" must be a number from 0, which ends the fault; without it the fault stays')
        try:
            fault = Fault(str(arguments.get("fault")))
        except ValueError as error:
            raise ControlError(str(error)) from None
        streams = self._named(arguments)
        for stream in streams:
            stream.faults.inject(fault, times)
        return {"streams": [stream.name for stream in streams], "fault": fault}

    def _alarms(self, _: Arguments, caller: Caller) -> Any:
        for stream in self._streams:
            stream.tick()
        return alarm_states(self._services_of(caller).client("cloudwatch"), self._clock())

    def _reset(self, _: Arguments, __: Caller) -> Any:
        self._streams.reset()
        return {}

    def _named(self, arguments: Arguments) -> list[ServedStream]:
        """Return the streams of a name or ARN; all of them if none is named."""
        name = arguments.get("stream")
        streams: list[ServedStream] = list(self._streams)
        if name is None:
            return streams
        found = [stream for stream in streams if name in (stream.name, stream.arn)]
        if not found:
            raise ControlError(f"there is no delivery stream {name}")
        return found
