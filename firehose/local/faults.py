"""Faults to inject: a function, a sink or a Kinesis stream that fails as AWS's do, always or a number of times.

faults = read_faults(["throttle:2", "s3-denied"])
DataPlane([LocalStream(..., faulty_function(function, faults))], FaultySink(sink, faults))

Under any fault, each record is delivered, in the error output, or still in its source.
"""

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from threading import Lock
from typing import Any, NoReturn

from firehose.local.processors.invocation import LAMBDA_PAYLOAD_BYTES, Function, InvocationError, LambdaCode
from firehose.local.sink import Sink
from firehose.local.user_error import UserError


class Fault(StrEnum):
    """A fault that can be injected."""

    THROTTLE = "throttle"  # Lambda refuses for its limit of concurrent invocations: the function is not run
    TIMEOUT = "timeout"  # the function ran, and its answer came too late
    RAISE = "raise"
    OVERSIZE = "oversize"  # its answer passes 6 MB
    BAD_BASE64 = "bad-base64"
    UNKNOWN_RESULT = "unknown-result"
    MISSING_IDS = "missing-ids"  # every second record, from the first on
    DUPLICATE_IDS = "duplicate-ids"  # the first record
    NO_RECORDS = "no-records"
    S3_DENIED = "s3-denied"
    S3_SLOW_DOWN = "s3-slow-down"
    S3_CUT = "s3-cut"  # the object is there, and the answer was lost
    KINESIS_THROTTLED = "kinesis-throttled"
    KINESIS_EXPIRED_ITERATOR = "kinesis-expired-iterator"
    ICEBERG_CONFLICT = "iceberg-conflict"  # another commit came first: nothing is appended
    ICEBERG_UNKNOWN = "iceberg-unknown"  # the rows are appended, and the answer was lost
    ICEBERG_MISSING_TABLE = "iceberg-missing-table"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"unknown fault '{value}' (choose from {', '.join(cls)})")


class Faults:
    """The faults to inject, and how often each is still to happen."""

    def __init__(self, counts: Iterable[tuple[Fault, float]] = ()) -> None:
        self._left = dict(counts)
        self._counting = Lock()  # a function puts from several threads

    @property
    def kinds(self) -> frozenset[Fault]:
        """The faults that were injected."""
        return frozenset(self._left)

    def inject(self, fault: Fault, times: float = math.inf) -> None:
        """Make a fault happen the next `times` times; 0 ends it."""
        with self._counting:
            self._left[fault] = times

    def strikes(self, fault: Fault) -> bool:
        """Return whether a fault happens now, and count it."""
        with self._counting:
            left = self._left.get(fault, 0)
            if left:
                self._left[fault] = left - 1
            return left > 0

    def first(self, faults: Iterable[Fault]) -> Fault | None:
        """Return the first of these faults that happens now, and count it."""
        return next((fault for fault in faults if self.strikes(fault)), None)


def read_faults(texts: Iterable[str]) -> Faults:
    """Read faults from texts: KIND happens every time, KIND:COUNT the first COUNT times.

    ["throttle:2", "s3-denied"]

    Raises:
        UserError: an unknown kind, or a count that is not a whole number from 1.
    """
    return Faults(map(_fault, texts))


def _fault(text: str) -> tuple[Fault, float]:
    kind, colon, count = text.partition(":")
    try:
        fault = Fault(kind)
    except ValueError as error:
        raise UserError(str(error)) from None
    if not colon:
        return fault, math.inf
    if not (count.isascii() and count.isdecimal()) or int(count) < 1:
        raise UserError(f"the fault {text} should be {kind}, or {kind}:COUNT with a count from 1")
    return fault, int(count)


def faulty_function(function: Function, faults: Faults) -> Function:
    """Return the function with faults: at most one an invocation, in the order of `Fault`."""

    def faulty(event: dict[str, Any], context: Any) -> Any:
        fault = faults.first(_INVOCATION)
        if fault is not None:
            return _INVOCATION[fault](function, event, context)
        fault = faults.first(_REPLY)
        reply = function(event, context)
        # A reply that is invalid anyway is not changed.
        if fault is None or not isinstance(reply, dict) or not reply.get("records"):
            return reply
        return _REPLY[fault](reply, list(reply["records"]))

    return faulty


def _throttled(*_: Any) -> Any:
    raise InvocationError(LambdaCode.THROTTLED, "the function is throttled (injected)")


def _timed_out(function: Function, event: dict[str, Any], context: Any) -> Any:
    function(event, context)
    raise InvocationError(LambdaCode.TIMED_OUT, "the function timed out (injected)")


def _raised(*_: Any) -> Any:
    raise InvocationError(LambdaCode.FUNCTION_ERROR, "the function raised an exception (injected)")


_INVOCATION: dict[Fault, Callable[[Function, dict[str, Any], Any], Any]] = {
    Fault.THROTTLE: _throttled,
    Fault.TIMEOUT: _timed_out,
    Fault.RAISE: _raised,
}

_REPLY: dict[Fault, Callable[[dict[str, Any], list[Any]], Any]] = {
    Fault.OVERSIZE: lambda reply, _: {**reply, "padding": "x" * LAMBDA_PAYLOAD_BYTES},
    Fault.BAD_BASE64: lambda reply, answers: {
        **reply,
        "records": [{**answers[0], "result": "Ok", "data": "?"}, *answers[1:]],
    },
    Fault.UNKNOWN_RESULT: lambda reply, answers: {**reply, "records": [{**answers[0], "result": "?"}, *answers[1:]]},
    Fault.MISSING_IDS: lambda reply, answers: {**reply, "records": answers[1::2]},
    Fault.DUPLICATE_IDS: lambda reply, answers: {**reply, "records": [*answers, answers[0]]},
    Fault.NO_RECORDS: lambda _reply, _answers: {},
}

_S3 = {Fault.S3_DENIED: "AccessDenied", Fault.S3_SLOW_DOWN: "SlowDown", Fault.S3_CUT: "ConnectionClosedError"}


class FaultySink:
    """A sink with faults: it raises the error that S3Sink raises when the SDK has given up."""

    def __init__(self, sink: Sink, faults: Faults) -> None:
        self._sink = sink
        self._faults = faults

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Put the object.

        Raises:
            UserError: a fault was injected.
        """
        fault = self._faults.first(_S3)
        if fault in {None, Fault.S3_CUT}:
            self._sink.put(key, body, content_type, content_encoding)
        if fault is not None:
            raise UserError(f"the lake cannot be written: {_S3[fault]} (injected)")

    @property
    def concurrent_puts(self) -> int:
        """The number of puts that the sink behind it takes at a time."""
        return getattr(self._sink, "concurrent_puts", 1)


_KINESIS = {
    Fault.KINESIS_THROTTLED: "ProvisionedThroughputExceededException",
    Fault.KINESIS_EXPIRED_ITERATOR: "ExpiredIteratorException",
}


class FaultyKinesis:
    """A boto3 client of Kinesis with faults in its GetRecords."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self._client = client
        self._faults = faults

    def get_records(self, **arguments: Any) -> Any:
        """Call GetRecords, or raise botocore's error."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - 0.3 s that others need not pay

        fault = self._faults.first(_KINESIS)
        if fault is not None:
            raise ClientError({"Error": {"Code": _KINESIS[fault], "Message": "injected"}}, "GetRecords")
        return self._client.get_records(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


ICEBERG_FAULTS = frozenset((Fault.ICEBERG_CONFLICT, Fault.ICEBERG_UNKNOWN, Fault.ICEBERG_MISSING_TABLE))
FUNCTION_FAULTS = frozenset((*_INVOCATION, *_REPLY))
KINESIS_FAULTS = frozenset(_KINESIS)
