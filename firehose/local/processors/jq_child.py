"""The process that evaluates one query. It reads the query and then records, and writes an answer for each record."""

import json
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

from firehose.local.processors.jq_query import QueryFailedError, compiled, results_of

# So that a record fails within a second, including the start of this process.
_MOST_SECONDS = 0.7

# `[range(1e18)]` would fill the memory until then.
_MOST_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Answer records until standard input ends or one takes too long: SIGALRM ends the process, even in the library."""
    with suppress(OSError, ValueError):  # where the system has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    program = compiled(json.loads(sys.stdin.buffer.readline()))
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS)
        try:
            answer: dict[str, Any] = {"results": results_of(program, json.loads(line))}
        except QueryFailedError as error:
            answer = {"failed": str(error)}
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
