"""Evaluates queries that may not end, such as `def f: f; f`, in a process that ends itself after a moment.

Nothing can stop the library within our process. A query without any word that could make it run for ever is evaluated
in our process: it takes 10 us or so for a record. In the other process it takes 100 us, and the start takes 0.2 s.
"""

import json
import subprocess
import sys
import weakref
from typing import Any

from firehose.local.processors.child_process import end_process
from firehose.local.processors.jq_tokens import tokens

# Functions that may run for ever, definitions, which may call themselves, and operators that make texts long.
_MAY_NOT_END = frozenset(("def", "range", "repeat", "until", "while", "recurse", "combinations", "*", "*="))


def may_not_end(query: str) -> bool:
    """Return whether a query has a word that could make it run for ever."""
    return any(token.kind in ("word", "mark") and token.text in _MAY_NOT_END for token in tokens(query))


class QueryProcess:
    """A process that evaluates one query. It starts with the first record, and again after it has ended itself."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._process: subprocess.Popen[bytes] | None = None

    def answer(self, text: str) -> Any:
        """Return {"results": [...]} or {"failed": why} for a record, or None if the query did not end."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 - they are pipes
        try:
            _send(process.stdin, text)
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        except BaseException:  # Ctrl-C: the late answer must not be taken as that to the next record
            self._end(process)
            raise
        if line:
            return json.loads(line)
        self._end(process)
        return None

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = None
        end_process(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        code = f"import sys; sys.path[:] = {sys.path!r}; from firehose.local.processors.jq_child import main; main()"
        process = subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: the records read so far are still queried
        )
        weakref.finalize(self, end_process, process)
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        _send(process.stdin, self._query)
        return process


def _send(file: Any, text: str) -> None:
    file.write(json.dumps(text).encode() + b"\n")
    file.flush()
