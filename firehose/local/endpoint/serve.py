"""Serves the endpoint from a command line, until Ctrl-C or SIGTERM."""

import os
import signal
import sys
from collections.abc import Mapping
from threading import Event
from types import FrameType
from typing import Any

from firehose.local.endpoint.server import endpoint_server

IN_MEMORY = "everything is in memory, and gone when this ends; any credentials are taken, and need not be real"


def serve(port: int, interval_seconds: int | None = None) -> None:
    """Serve until a signal comes, then deliver what is buffered.

    Raises:
        UserError: the port is in use, or moto's server is not installed.
    """
    forget_account()
    stop = Event()

    def request(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with endpoint_server(port, interval_seconds=interval_seconds) as endpoint:
            _print(f"endpoint: {endpoint.url}")
            _print(IN_MEMORY)
            stop.wait()
            _print("delivering what is buffered")
            for counts in endpoint.application.close():
                _print(summary(counts))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(counts: Mapping[str, Any]) -> str:
    """Return a line about a stream: "orders: 2 delivered, 0 dropped, 1 failed"."""
    failed = sum(counts["failed"].values())
    line = f"{counts['stream']}: {counts['delivered']:,} delivered, {counts['dropped']:,} dropped, {failed:,} failed"
    if not counts["waiting"]:
        return line
    reason = counts["refused_by_bucket"] or counts["reads_no_more"]
    return f"{line}; {counts['waiting']:,} could not be delivered: {reason}"


def forget_account() -> None:
    """Take the user's own AWS account out of this process's environment, profiles included."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
