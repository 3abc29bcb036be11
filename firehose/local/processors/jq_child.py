"""The process that evaluates one query: a query on standard input, then records, and an answer for each."""

import json
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

from firehose.local.processors.jq_query import QueryFailedError, compiled, results_of

# With the start of this process a record fails within a second.
_MOST_SECONDS = 0.7

# What `[range(1e18)]` may take until then.
_MOST_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Answer records until standard input ends, or one takes too long: SIGALRM ends the process in the library, too."""
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
