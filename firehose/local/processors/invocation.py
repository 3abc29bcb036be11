"""Why an invocation failed as a whole: the codes of Firehose's Lambda processor, and the error that carries one."""

from enum import StrEnum
from typing import NamedTuple


class LambdaCode(StrEnum):
    """`errorCode` of a record that the processor failed.

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
    """Raised by a function in Firehose's place, where it is not the function's own code that fails.

    InvocationError(LambdaCode.THROTTLED, "the function is throttled"): the batch is tried again, and has this code if
    that is of no use. The message stands in the error output, so it quotes nothing of a record.
    """

    def __init__(self, code: LambdaCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Problem(NamedTuple):
    """What was wrong with a whole invocation, and whether Firehose tries it again."""

    code: LambdaCode
    message: str
    retried: bool = True
