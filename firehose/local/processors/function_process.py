"""Runs a function in a process of its own, with its code, handler and environment, and stops it at its time limit."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from firehose.local.processors.child_process import kill_session
from firehose.local.processors.invocation import InvocationError, LambdaCode
from firehose.local.user_error import UserError

_RUNTIME = Path(__file__).with_name("function_runtime.py")

# How long Lambda lets a function's code load before it counts the time to the first invocation (Lambda guide,
# "Understanding the Lambda execution environment lifecycle").
_LOAD_SECONDS = 10

_PIECE_BYTES = 1024 * 1024


class FunctionError(InvocationError):
    """A function failed in its own process: it raised, or its process ended."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(LambdaCode.FUNCTION_ERROR, reason, log)


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """A function's configuration, as GetFunctionConfiguration has it.

    `memory_mib` is in the function's context. `limit_memory` enforces it, by the memory that the process maps; Lambda
    counts the memory in use.
    """

    name: str
    arn: str
    handler: str  # module.function, or module:function
    timeout_seconds: float = 60
    memory_mib: int = 1024
    variables: Mapping[str, str] = field(default_factory=dict)
    code_sha256: str = ""
    limit_memory: bool = False


class FunctionProcess:
    """A function in a process, to be called with event and context; started again if the process has ended.

    `code` is the folder of the function's code, `surroundings` the variables that Lambda adds to the function's own:
    region, credentials, and here the endpoint.
    """

    def __init__(self, configuration: FunctionConfiguration, code: Path, surroundings: Mapping[str, str]) -> None:
        self.configuration = configuration
        self._code = code
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Invoke the function, print what it printed, and return its reply.

        Raises:
            FunctionError: it raised, or its process ended.
            InvocationError: it ran out of time.
        """
        answer = self.invoke(event, context)
        sys.stdout.write(answer["printed"])
        return reply_of(answer)

    def invoke(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Invoke the function, and return what its process answers: what it printed, and its reply or problem.

        Raises:
            FunctionError: its process ended.
            InvocationError: it ran out of time.
        """
        process = self._process or self._restarted()
        request = msgspec.json.encode({"event": event, "context": self._context(context)}) + b"\n"
        ends_seconds = time.monotonic() + self.configuration.timeout_seconds
        try:
            _write(process, request, ends_seconds)
            answer = _answer(process, ends_seconds)
        except TimeoutError:
            self.close()
            reason = f"the function timed out after {self.configuration.timeout_seconds:g} s"
            raise InvocationError(LambdaCode.TIMED_OUT, reason) from None
        except (BrokenPipeError, EOFError):
            self.close()
            raise FunctionError("the function's process ended") from None
        except BaseException:  # Ctrl-C: the next invocation would read this answer
            self.close()
            raise
        return answer

    def start(self) -> None:
        """Start the process without waiting, so that several load at once."""
        configuration = self.configuration
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = os.pathsep.join(filter(None, [str(self._code), variables.get("PYTHONPATH", "")]))
        memory = str(configuration.memory_mib if configuration.limit_memory else 0)
        # Without -P our own folder would be first on the path, and hide modules of the function's and Python's.
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", str(_RUNTIME), *handler_names(configuration.handler), memory],
            env={**variables, **self._surroundings, **configuration.variables, "PYTHONPATH": path},
            cwd=self._code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: the records read so far are still transformed
        )
        os.set_blocking(self._process.stdin.fileno(), False)  # type: ignore[union-attr]

    def wait_until_loaded(self) -> None:
        """Wait until the started process has loaded its handler.

        Raises:
            UserError: the function cannot be loaded.
        """
        process = self._process
        assert process is not None  # noqa: S101 - started before
        seconds = max(_LOAD_SECONDS, self.configuration.timeout_seconds)
        try:
            loaded = _answer(process, time.monotonic() + seconds)
        except EOFError:
            loaded = {"raised": "its process ended", "text": ""}
        except TimeoutError:
            loaded = {"raised": f"it takes longer than {seconds:g} s", "text": ""}
        except BaseException:  # Ctrl-C or SIGTERM while it loads: nobody else closes it yet
            self.close()
            raise
        if "raised" in loaded:
            self.close()
            why = f"{loaded['raised']} {loaded['text']}".rstrip()
            raise UserError(f"the function {self.configuration.name} cannot be loaded: {why}")

    def _restarted(self) -> "subprocess.Popen[bytes]":
        self.start()
        try:
            self.wait_until_loaded()
        except UserError:
            raise FunctionError("the function could not be loaded again") from None
        assert self._process is not None  # noqa: S101 - it is loaded
        return self._process

    def close(self) -> None:
        """Kill the process and all that it started. Lambda gives no notice either."""
        if self._process is not None:
            kill_session(self._process)
            self._process = None

    def _context(self, context: Any) -> dict[str, Any]:
        configuration = self.configuration
        return {
            "aws_request_id": context.aws_request_id,
            "invoked_function_arn": configuration.arn or context.invoked_function_arn,
            "function_name": configuration.name,
            "function_version": "$LATEST",
            "memory_limit_in_mb": configuration.memory_mib,
            "log_group_name": f"/aws/lambda/{configuration.name}",
            "log_stream_name": "",
            "timeout_seconds": configuration.timeout_seconds,
        }


def reply_of(answer: dict[str, Any]) -> Any:
    """Return the reply in a process's answer.

    Raises:
        FunctionError: the function raised.
    """
    if "problem" in answer:
        raise FunctionError(answer["problem"], answer["log"])
    return answer["reply"]


def handler_names(handler: str) -> tuple[str, str]:
    """Return the module and function of a handler, in Python's spelling or Lambda's.

    "orders:handler", "orders.handler" -> ("orders", "handler"); "src/orders.handler" -> ("src.orders", "handler")

    Raises:
        UserError: the text is not a handler.
    """
    module, _, function = handler.rpartition(":" if ":" in handler else ".")
    module = module.replace("/", ".")
    if not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UserError(f"{handler} is not a handler: write module:function, or module.function as in Lambda")
    return module, function


def _write(process: "subprocess.Popen[bytes]", request: bytes, ends_seconds: float) -> None:
    stdin = process.stdin.fileno()  # type: ignore[union-attr]
    left = memoryview(request)
    while left:
        if not select.select([], [stdin], [], max(0, ends_seconds - time.monotonic()))[1]:
            raise TimeoutError
        left = left[os.write(stdin, left[:_PIECE_BYTES]) :]


def _answer(process: "subprocess.Popen[bytes]", ends_seconds: float) -> dict[str, Any]:
    """Read the line of the answer within the time limit, which the pipe object's own readline does not have."""
    stdout = process.stdout.fileno()  # type: ignore[union-attr]
    pieces: list[bytes] = []
    while not pieces or not pieces[-1].endswith(b"\n"):
        if not select.select([stdout], [], [], max(0, ends_seconds - time.monotonic()))[0]:
            raise TimeoutError
        piece = os.read(stdout, _PIECE_BYTES)
        if not piece:
            raise EOFError
        pieces.append(piece)
    line = b"".join(pieces)
    answer: dict[str, Any]
    try:
        answer = msgspec.json.decode(line)
    except msgspec.DecodeError:  # NaN, or half a surrogate pair: Python writes and reads both
        answer = json.loads(line)
    return answer
