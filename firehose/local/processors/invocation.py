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
        """Return the time left of the function's own timeout, as Lambda does, however long Firehose waits.

        If the timeout is unknown, always return Firehose's five minutes, so that no function stops early.
        """
        return self.remaining_ms()


class LambdaCode(StrEnum):
    """`errorCode` of a record that the Lambda processor failed.

    Source: Firehose guide, "Monitoring with CloudWatch Logs" (Lambda invocation errors); the first four were seen in
    error records of real streams and are not listed there.
    """

    PROCESSING_FAILED = "Lambda.ProcessingFailedStatus"
    FUNCTION_ERROR = "Lambda.FunctionError"
    TIMED_OUT = "Lambda.FunctionTimedOut"
    INVALID_RETURN_FORMAT = "Lambda.InvalidReturnFormat"
    MISSING_RECORD_ID = "Lambda.MissingRecordId"
    DUPLICATED_RECORD_ID = "Lambda.DuplicatedRecordId"
    JSON_PROCESSING = "Lambda.JsonProcessingException"
    THROTTLED = "Lambda.InvokeLimitExceeded"
    ROLE_DENIED = "Lambda.AssumeRoleAccessDenied"
    INVOKE_DENIED = "Lambda.InvokeAccessDenied"
    NOT_FOUND = "Lambda.ResourceNotFound"

    @property
    def message(self) -> str:
        """`errorMessage`: AWS's fixed text, which says nothing of the record or of the function's own error."""
        return _MESSAGES[self]

    @property
    def retried(self) -> bool:
        """True if Firehose tries such an invocation again; a reply that arrived is final (measured)."""
        return self in _RETRIED


# Seen in error records of real streams, except for the text of INVALID_RETURN_FORMAT, which is ours. The last four are
# from the guide; one of them was seen.
_MESSAGES = {
    LambdaCode.PROCESSING_FAILED: "ProcessingFailed status set for record",
    LambdaCode.FUNCTION_ERROR: "The Lambda function was successfully invoked but it returned an error result.",
    LambdaCode.TIMED_OUT: (
        "The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function."
    ),
    LambdaCode.INVALID_RETURN_FORMAT: "A record with the result Ok was returned without data.",
    LambdaCode.MISSING_RECORD_ID: (
        "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids."
    ),
    LambdaCode.DUPLICATED_RECORD_ID: (
        "Multiple records were returned with the same record Id. "
        "Ensure that the Lambda function returns a unique record Id for each record."
    ),
    LambdaCode.JSON_PROCESSING: (
        "There was an error parsing returned records from the Lambda function. "
        "Ensure that the returned records follow the status model required by Kinesis Data Firehose."
    ),
    LambdaCode.THROTTLED: (
        "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit."
    ),
    LambdaCode.ROLE_DENIED: (
        "Access was denied. "
        "Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role."
    ),
    LambdaCode.INVOKE_DENIED: (
        "Access was denied. Ensure that the access policy allows access to the Lambda function."
    ),
    LambdaCode.NOT_FOUND: ("The specified Lambda function does not exist. Use a different function that does exist."),
}

_RETRIED = frozenset(
    (
        LambdaCode.FUNCTION_ERROR,
        LambdaCode.TIMED_OUT,
        LambdaCode.THROTTLED,
        LambdaCode.ROLE_DENIED,
        LambdaCode.INVOKE_DENIED,
        LambdaCode.NOT_FOUND,
    )
)


class Problem(NamedTuple):
    """The reason why a whole invocation failed.

    `reason` is for the function's author, and quotes nothing of a record; `log` is what Lambda logs of an exception,
    whose text may quote one.
    """

    code: LambdaCode
    reason: str
    log: str = ""


class InvocationError(Exception):
    """An invocation failed, but not by an exception here; raised by the function that stands in for Lambda.

    InvocationError(LambdaCode.THROTTLED, "injected"): the batch is tried again, and gets this code if no attempt
    succeeds.
    """

    def __init__(self, code: LambdaCode, reason: str, log: str = "") -> None:
        super().__init__(reason)
        self.problem = Problem(code, reason, log)
