"""Lambda's Python runtime as far as a Firehose function sees it: a process that has the function's environment.

Run as a file by firehose/up/function_process.py, with the function's code first on its path; imports nothing of ours.
A JSON document a line: {"event": ..., "context": {...}} in, {"reply": ..., "printed": "..."} or {"raised": "KeyError",
"printed": "..."} out. The first line out says whether the handler could be loaded: {} or {"raised": ..., "text": ...}.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Answer until standard input ends."""
    # What a library prints past sys.stdout is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        module, _, name = sys.argv[1].rpartition(".")
        handler = getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells
        send({"raised": type(error).__name__, "text": str(error)})
        return
    send({})
    for line in sys.stdin.buffer:
        send(invoke(handler, json.loads(line)))


def invoke(handler: Any, request: dict[str, Any]) -> dict[str, Any]:
    """One invocation: what it returned or raised, and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            answer = {"reply": handler(request["event"], context(**request["context"]))}
        except BaseException as error:  # noqa: BLE001 - Lambda's own runtime survives SystemExit, too
            answer = {"raised": type(error).__name__}
    return {**answer, "printed": printed.getvalue()}


def context(*, timeout_seconds: float, **members: Any) -> SimpleNamespace:
    """The second argument of a handler."""
    ends = time.monotonic() + timeout_seconds
    return SimpleNamespace(
        **members, get_remaining_time_in_millis=lambda: max(0, int((ends - time.monotonic()) * 1000))
    )


if __name__ == "__main__":
    main()
