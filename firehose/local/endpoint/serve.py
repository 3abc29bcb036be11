"""Serves the endpoint from a command line, until Ctrl-C or SIGTERM."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    with (
        without_account(),
        stop_signals() as stop,
        endpoint_server(port, interval_seconds=interval_seconds) as endpoint,
    ):
        _print(f"endpoint: {endpoint.url}")
        _print(IN_MEMORY)
        stop.wait()
        _print("delivering what is buffered")
        for counts in endpoint.application.close():
            _print(summary(counts))


@contextmanager
def without_account() -> Iterator[None]:
    """Take the user's own AWS account out of this process's environment while the block runs, profiles included.

    moto makes sessions of its own, which would read them.
    """
    users_own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    ours = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in users_own:
        del os.environ[name]
    os.environ |= ours
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ |= users_own


@contextmanager
def stop_signals() -> Iterator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set while the block runs, instead of ending it."""
    stop = Event()

    def request(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
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


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
