"""The local AWS endpoint as tests use it: a process of its own, clients, and its control path.

It is a process because a test may stop the clock, turn warnings into errors, or use moto itself: none of it is to reach
the endpoint.
"""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from firehose.local.endpoint.endpoint import DUMMY_CREDENTIALS, REGION, Endpoint
from firehose.local.endpoint.serve import serve
from firehose.local.user_error import UserError

_FIRST = "endpoint: "
_SERVE = "from firehose.local.tested_endpoint import serve_until_closed; serve_until_closed()"

# It delivers what is buffered, as after Ctrl-C.
_SECONDS_TO_END = 30


class TestedEndpoint:
    """A running endpoint: TestedEndpoint("http://127.0.0.1:5000"). Everything takes and returns what AWS does."""

    __test__ = False  # pytest must not collect it

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which SDKs, the AWS CLI and Terraform reach it."""
        return Endpoint(self.url, credentials=DUMMY_CREDENTIALS).variables

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a boto3 client of a service."""
        return Endpoint(self.url, region, DUMMY_CREDENTIALS).client(service)

    def advance(self, seconds: float) -> None:
        """Move the clock, so that buffer intervals end. What was put before is read first."""
        self.control("clock", {"advance_seconds": seconds})

    def flush(self) -> None:
        """Deliver everything that was put, whatever its age."""
        self.control("flush", {})

    def inject(self, fault: str, times: int | None = None, *, stream: str | None = None) -> None:
        """Inject a fault, always or the next `times`, into one delivery stream or all: "throttle", "s3-denied".

        Raises:
            ValueError: an unknown fault or stream.
        """
        arguments = {"fault": fault, "times": times, "stream": stream}
        self.control("faults", {name: value for name, value in arguments.items() if value is not None})

    def counts(self, stream: str) -> dict[str, Any]:
        """Return the counts of a delivery stream: {"read": 2, "waiting": 0, "delivered": 2, "failed": {}, ...}.

        Raises:
            ValueError: the stream does not exist.
        """
        found = [one for one in self.control("counts")["streams"] if one["stream"] == stream]
        if not found:
            raise ValueError(f"there is no delivery stream {stream}")
        counts: dict[str, Any] = found[0]
        return counts

    def alarms(self) -> dict[str, list[str]]:
        """Return the names of the threshold alarms by the state that they would be in: {"ALARM": [...], ...}."""
        found: dict[str, list[str]] = self.control("alarms")
        return found

    def objects(self, prefix: str = "", *, bucket: str) -> dict[str, bytes]:
        """Return the objects of a bucket below a prefix, by key."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def rows(self, prefix: str = "", *, bucket: str) -> list[dict[str, Any]]:
        """Return the rows of the Parquet objects below a prefix, in order of key."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - half a second that other tests need not pay

        bodies = [body for key, body in self.objects(prefix, bucket=bucket).items() if key.endswith(".parquet")]
        return [row for body in bodies for row in pq.read_table(io.BytesIO(body), use_threads=False).to_pylist()]

    def errors(self, prefix: str, *, bucket: str) -> list[dict[str, Any]]:
        """Return the error records below a prefix of the error output, as Firehose writes them."""
        bodies = self.objects(prefix, bucket=bucket).values()
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def reset(self) -> None:
        """Forget everything: delivery streams, and all that other services hold."""
        self.control("reset", {})

    def control(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Return the answer of the control path, which AWS does not have; with arguments it is a POST.

        Raises:
            ValueError: the endpoint refuses it.
        """
        data = None if arguments is None else json.dumps(arguments).encode()
        try:
            with urlopen(Request(f"{self.url}/_firehose/{name}", data=data)) as answer:  # noqa: S310 - our own address
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None


@contextmanager
def endpoint_process() -> Iterator[TestedEndpoint]:
    """Run an endpoint in a process of its own while the block runs. It ends with this process, however that ends.

    Raises:
        UserError: it does not start.
    """
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-P", "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe
        first = process.stdout.readline().decode().strip()
        if not first.startswith(_FIRST):
            raise UserError(first or "the local endpoint did not start: standard error says why")
        yield TestedEndpoint(first.removeprefix(_FIRST))
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close its standard input, read what it says last, and kill it if it does not end."""
    try:
        process.communicate(timeout=_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def serve_until_closed() -> None:
    """Serve on a free port until standard input is closed; the first line on standard output is the address."""

    def end() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=end, daemon=True).start()
    try:
        with suppress(BrokenPipeError):  # the reader was killed
            serve(0)
    except UserError as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(2)
