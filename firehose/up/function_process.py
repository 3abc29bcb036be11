"""A deployed function, run here: its code, its handler and its environment variables, in a process of its own."""

import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from firehose.commands import Mistake
from firehose.up.endpoint import end_process

_RUNTIME = Path(__file__).with_name("runtime.py")


class FunctionError(Exception):
    """What a function raised in its own process is told by its class alone: its text may quote a record."""


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """What GetFunctionConfiguration says of a function, as far as it matters here."""

    name: str
    arn: str
    handler: str
    timeout_seconds: int
    memory_mib: int
    variables: Mapping[str, str]
    code_sha256: str


class FunctionProcess:
    """A function as the data plane calls it: event, context -> reply. Started anew when its process has ended.

    `code` is the folder that the package was unpacked to, `surroundings` what Lambda adds to the function's variables:
    region, credentials, and here the endpoint.
    """

    def __init__(self, configuration: FunctionConfiguration, code: Path, surroundings: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._code = code
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """One invocation. What the function prints is printed.

        Raises:
            FunctionError: it raised, ran out of time, or its process ended.
        """
        process = self._process or self._restarted()
        request = {"event": event, "context": self._context(context)}
        try:
            _stdin(process).write(msgspec.json.encode(request) + b"\n")
            _stdin(process).flush()
            answer = self._answer(process, self._configuration.timeout_seconds)
        except (BrokenPipeError, EOFError):
            self.close()
            raise FunctionError("its process ended") from None
        sys.stdout.write(answer["printed"])
        if "raised" in answer:
            raise FunctionError(answer["raised"])
        return answer["reply"]

    def start(self) -> None:
        """Starts its process and does not wait, so that several load at once."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = os.pathsep.join(filter(None, [str(self._code), variables.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, str(_RUNTIME), self._configuration.handler],
            env={**variables, **self._surroundings, **self._configuration.variables, "PYTHONPATH": path},
            cwd=self._code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: what has been read is still to be transformed
        )

    def wait_until_loaded(self) -> None:
        """Waits until a process that was started has its handler.

        Raises:
            Mistake: it cannot be loaded.
        """
        process = self._process
        assert process is not None  # noqa: S101 - started before
        try:
            loaded = self._answer(process, self._configuration.timeout_seconds)
        except (EOFError, FunctionError):
            loaded = {"raised": "its process ended", "text": ""}
        if "raised" in loaded:
            self.close()
            why = f"{loaded['raised']} {loaded['text']}".rstrip()
            raise Mistake(f"the function {self._configuration.name} cannot be loaded: {why}")

    def _restarted(self) -> "subprocess.Popen[bytes]":
        self.start()
        self.wait_until_loaded()
        assert self._process is not None  # noqa: S101 - it is loaded
        return self._process

    def close(self) -> None:
        """Ends its process."""
        if self._process is not None:
            end_process(self._process)
            self._process = None

    def _answer(self, process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any]:
        stdout = process.stdout
        assert stdout is not None  # noqa: S101 - by PIPE
        if not select.select([stdout], [], [], seconds)[0]:
            process.kill()
            self.close()
            raise FunctionError("timed out")
        line = stdout.readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer

    def _context(self, context: Any) -> dict[str, Any]:
        return {
            "aws_request_id": context.aws_request_id,
            "invoked_function_arn": self._configuration.arn,
            "function_name": self._configuration.name,
            "function_version": "$LATEST",
            "memory_limit_in_mb": self._configuration.memory_mib,
            "log_group_name": f"/aws/lambda/{self._configuration.name}",
            "log_stream_name": "",
            "timeout_seconds": self._configuration.timeout_seconds,
        }


def _stdin(process: "subprocess.Popen[bytes]") -> Any:
    return process.stdin
