"""One invocation of a function: the function, its context, and why an invocation fails as a whole."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import msgspec

# The function as Lambda calls it: event, context -> reply.
Function: TypeAlias = Callable[[dict[str, Any], Any], Any]

# Lambda's limit for a synchronous request and, apart from it, its answer (Lambda guide, "Quotas": 6 MB each).
LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024

# Firehose waits five minutes for a function (guide, "Transform source data").
FUNCTION_SECONDS = 300


class FunctionContext(msgspec.Struct, frozen=True):
    """The `context` argument of a Python function."""

    aws_request_id: str
    invoked_function_arn: str
    function_name: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    log_group_name: str = ""
    log_stream_name: str = ""
    remaining_ms: Callable[[], int] = lambda: FUNCTION_SECONDS * 1000

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the function's own timeout, which Lambda counts, however long Firehose waits.

        If the timeout is not known: Firehose's five minutes at any time, so that no function stops early.
        """
        return self.remaining_ms()


class LambdaCode(StrEnum):
    """`errorCode` of a record that the Lambda processor failed.

    Source: Firehose guide, "Monitoring with CloudWatch Logs" (Lambda invocation errors); the first three were seen in
    error records of real streams and are not listed there.
    """

    PROCESSING_FAILED = "Lambda.ProcessingFailedStatus"
    FUNCTION_ERROR = "Lambda.FunctionError"
    INVALID_RETURN_FORMAT = "Lambda.InvalidReturnFormat"
    MISSING_RECORD_ID = "Lambda.MissingRecordId"
    DUPLICATED_RECORD_ID = "Lambda.DuplicatedRecordId"
    JSON_PROCESSING = "Lambda.JsonProcessingException"
    THROTTLED = "Lambda.InvokeLimitExceeded"
    ROLE_DENIED = "Lambda.AssumeRoleAccessDenied"
    INVOKE_DENIED = "Lambda.InvokeAccessDenied"
    NOT_FOUND = "Lambda.ResourceNotFound"


class InvocationError(Exception):
    """Raised by a function in Firehose's place, when something other than the function's own code fails.

    InvocationError(LambdaCode.THROTTLED, "the function is throttled"): the batch is tried again, and gets this code
    if no attempt succeeds. The message stands in the error output, so it quotes nothing of a record.
    """

    def __init__(self, code: LambdaCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Problem(NamedTuple):
    """Why a whole invocation failed, and whether Firehose tries it again."""

    code: LambdaCode
    message: str
    retried: bool = True
