"""The log group of a function: what Lambda itself writes there of each invocation, and what the function prints."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from firehose.local.endpoint.log_stream import LogStream


class FunctionLogs:
    """Writes the log of one function's process, a log stream of /aws/lambda/NAME that is made with its first line."""

    def __init__(self, client: Any, name: str, clock: Callable[[], int]) -> None:
        day = datetime.fromtimestamp(clock() / 1000, UTC).strftime("%Y/%m/%d")
        self.group = f"/aws/lambda/{name}"
        self.stream = f"{day}/[$LATEST]{uuid.uuid4().hex}"
        self._log = LogStream(client, self.group, self.stream, clock, makes_group=True)

    def invocation(self, request_id: str, printed: str, log: str, took_ms: float, memory_mib: int) -> None:
        """Write the lines of an invocation: START, what it printed, its exception if it raised, END and REPORT."""
        billed = -int(-took_ms // 1)
        self._log.write(
            f"START RequestId: {request_id} Version: $LATEST",
            *printed.splitlines(),
            *([log.rstrip()] if log else []),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {memory_mib} MB",
        )
