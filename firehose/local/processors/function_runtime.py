"""Lambda's Python runtime as far as a Firehose function sees it: a process that has the function's environment.

function_process.py runs this file, with module, function and memory in MiB (0: any) as its arguments and the function's
code first on its path. Of our own modules it loads only three that import nothing else. It reads and writes a JSON
document a line: {"event": ..., "context": {...}} in, {"reply": ..., "printed": "..."} or {"problem": "the function
raised KeyError at orders.py:7", "log": "...", "printed": "..."} out. The first line out says whether the handler was
loaded: {} or {"raised": ..., "text": ...}.
"""

import importlib
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Answer until standard input ends."""
    # Libraries that print past sys.stdout must not write into answers, nor functions read requests.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    def send(answer: str) -> None:
        answers.write(answer + "\n")
        answers.flush()

    module, name, memory_mib = sys.argv[1:]
    own = SimpleNamespace(
        captured_output=_own("printed").captured_output,
        exception_log=_own("exceptions").exception_log,
        lambda_json=_own("lambda_json").lambda_json,
        unserialisable=_own("lambda_json").UNSERIALISABLE,
    )
    limit_memory(int(memory_mib))
    try:
        handler = getattr(importlib.import_module(module), name)
        if not callable(handler):
            raise TypeError(f"{name} is not callable")
    except BaseException as error:  # noqa: BLE001 - the parent reports it, whatever it is
        send(json.dumps({"raised": type(error).__name__, "text": str(error)}))
        return
    send("{}")
    for line in requests:
        send(invoke(handler, json.loads(line), own))


def invoke(handler: Any, request: dict[str, Any], own: SimpleNamespace) -> str:
    """Invoke the handler; return as JSON what it returned or how it failed, and what it printed."""
    with own.captured_output() as printed:
        try:
            reply = handler(request["event"], context(**request["context"]))
        except BaseException as error:  # noqa: BLE001 - Lambda's own runtime survives SystemExit, too
            place, log = own.exception_log(error)
            answer = f'"problem": {json.dumps(f"the function raised {place}")}, "log": {json.dumps(log)}'
        else:
            answer = serialised(reply, own)
    return f'{{{answer}, "printed": {json.dumps(printed.getvalue())}}}'


def serialised(reply: Any, own: SimpleNamespace) -> str:
    """Return the reply as a member of the answer; a problem if Lambda's own runtime could not serialise it."""
    try:
        return f'"reply": {own.lambda_json(reply)}'
    except BaseException:  # noqa: BLE001 - the user's own class may raise anything
        return f'"problem": {json.dumps(own.unserialisable)}, "log": ""'


def context(*, timeout_seconds: float, **members: Any) -> SimpleNamespace:
    """Return the second argument of a handler."""
    ends = time.monotonic() + timeout_seconds
    return SimpleNamespace(
        **members, get_remaining_time_in_millis=lambda: max(0, int((ends - time.monotonic()) * 1000))
    )


def limit_memory(mib: int) -> None:
    """Limit the memory that this process may map from now on; beyond it Python raises MemoryError."""
    if mib:
        resource.setrlimit(resource.RLIMIT_DATA, (mib << 20, mib << 20))


def _own(name: str) -> Any:
    # Loaded by its path: the function may have a package with the name of ours.
    spec = importlib.util.spec_from_file_location(f"_dmd_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None  # noqa: PT018, S101 - it lies beside
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
