"""A function deployed on the endpoint's Lambda, run in a process of its own for the delivery stream that calls it."""

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from firehose.local.config import arns
from firehose.local.endpoint.deployed import function_arguments, read_configuration
from firehose.local.endpoint.function_logs import FunctionLogs
from firehose.local.endpoint.function_package import unpack
from firehose.local.endpoint.services import OwnServices
from firehose.local.processors.function_process import (
    FunctionConfiguration,
    FunctionError,
    FunctionProcess,
    reply_of,
)
from firehose.local.processors.invocation import InvocationError, LambdaCode
from firehose.local.user_error import UserError

# Called with the statistics of Lambda's own metrics: name and value.
CountMetric = Callable[[str, float], None]


class DeployedFunction:
    """The function behind an ARN, to be called with event and context as it is deployed at that moment.

    A change of its code or configuration starts another process. What it prints goes to its log group.
    """

    def __init__(
        self,
        arn: str,
        services: OwnServices,
        clock: Callable[[], int],
        *,
        count: CountMetric,
        on_printed: Callable[[str], None],
    ) -> None:
        self.arn = arn
        self._services = services
        self._clock = clock
        self._count = count
        self._on_printed = on_printed
        self._deployed: Mapping[str, Any] = {}
        self._running: tuple[FunctionProcess, FunctionLogs, TemporaryDirectory[str]] | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Invoke the function.

        Raises:
            InvocationError: it does not exist, cannot be run here, raised, or ran out of time.
        """
        process, logs = self._process()
        printed = log = ""
        began = time.monotonic()
        failed = True
        try:
            answer = process.invoke(event, context)
            printed, log = answer["printed"], answer.get("log", "")
            self._on_printed(printed)
            failed = "problem" in answer
            return reply_of(answer)
        except InvocationError as error:
            log = log or f"{context.aws_request_id} {error}"
            raise
        finally:
            took_ms = (time.monotonic() - began) * 1000
            logs.invocation(context.aws_request_id, printed, log, took_ms, process.configuration.memory_mib)
            for name, value in (("Invocations", 1), ("Errors", int(failed)), ("Duration", took_ms)):
                self._count(name, value)

    def close(self) -> None:
        """End the process, and remove its code."""
        if self._running is not None:
            process, _, folder = self._running
            process.close()
            folder.cleanup()
            self._running = None

    def _process(self) -> tuple[FunctionProcess, FunctionLogs]:
        deployed = self._configuration()
        if self._running is None or deployed != self._deployed:
            self.close()
            self._deployed = {}
            self._running = self._started(deployed)
            self._deployed = deployed
        return self._running[:2]

    def _configuration(self) -> dict[str, Any]:
        client = self._services.client("lambda")
        try:
            answer = client.get_function_configuration(**function_arguments(self.arn))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise InvocationError(LambdaCode.NOT_FOUND, f"the function {self.arn} cannot be read: {code}") from error
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def _started(self, deployed: dict[str, Any]) -> tuple[FunctionProcess, FunctionLogs, "TemporaryDirectory[str]"]:
        if reason := unsupported(deployed):
            raise FunctionError(f"the function {self.arn} is not run here: {reason}")
        logs = FunctionLogs(self._services.client("logs"), deployed["FunctionName"], self._clock)
        folder = TemporaryDirectory(prefix="firehose-function-")
        configuration = read_configuration(deployed, self.arn)
        surroundings = self._surroundings(configuration, logs, folder.name)
        process = FunctionProcess(configuration, Path(folder.name), surroundings)
        try:
            self._say_left_out(unpack(function_code(self.arn), Path(folder.name)), deployed)
            process.start()
            process.wait_until_loaded()
        except UserError as error:
            folder.cleanup()
            _say(str(error))
            raise FunctionError(str(error)) from error
        except BaseException:
            process.close()
            folder.cleanup()
            raise
        return process, logs, folder

    def _surroundings(self, configuration: FunctionConfiguration, logs: FunctionLogs, folder: str) -> dict[str, str]:
        """Return the variables that Lambda sets (Lambda guide, "Defined runtime environment variables")."""
        return {
            **self._services.variables,
            "AWS_REGION": self._services.caller.region,
            "AWS_SESSION_TOKEN": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_mib),
            "AWS_LAMBDA_LOG_GROUP_NAME": logs.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": logs.stream,
            "LAMBDA_TASK_ROOT": folder,
            "_HANDLER": configuration.handler,
        }

    def _say_left_out(self, left_out: list[str], deployed: Mapping[str, Any]) -> None:
        here = f"python{sys.version_info.major}.{sys.version_info.minor}"
        if deployed["Runtime"] != here:
            _say(f"the function {deployed['FunctionName']} is for {deployed['Runtime']}, and runs on {here}")
        if left_out:
            _say(f"compiled for another machine, so the installed ones are used: {', '.join(left_out)}")


def unsupported(deployed: Mapping[str, Any]) -> str:
    """Return why a function cannot be run here, "" if it can."""
    if deployed.get("PackageType", "Zip") != "Zip":
        return "it is a container image; deploy a zip"
    if layers := deployed.get("Layers"):
        return f"it has layers ({', '.join(layer['Arn'] for layer in layers)}); put their code into the zip"
    if not re.match(r"python3\.", deployed.get("Runtime", "")):
        return f"its runtime is {deployed.get('Runtime')}; only Python's are run"
    return ""


def function_code(arn: str) -> bytes:
    """Return the zip of a deployed function; no call of Lambda's API has its bytes."""
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415 - moto is an extra

    where, names = arns.parts(arn), function_arguments(arn)
    functions = lambda_backends[where.account][where.region]
    code: bytes = functions.get_function(names["FunctionName"], names.get("Qualifier")).code_bytes
    return code


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
