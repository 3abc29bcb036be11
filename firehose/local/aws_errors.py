"""Turns boto3's errors into user errors: the user can fix the table, stream, credentials or network."""

from collections.abc import Iterator
from contextlib import contextmanager

from firehose.local.user_error import UserError


@contextmanager
def as_user_errors(where: str, done: str) -> Iterator[None]:
    """Raise boto3's errors as user errors about `where`: "kinesis://dmnd cannot be written: AccessDeniedException".

    Only the code of a service's error is quoted, because its message may repeat what was sent.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - 0.3 s that other commands need not pay

    try:
        yield
    except ClientError as error:
        raise UserError(f"{where} cannot be {done}: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise UserError(f"{where} cannot be {done}: {str(error).partition(chr(10))[0]}") from error


def error_code(error: BaseException) -> str:
    """Return the code of a service's error, else the kind of the error: their texts may quote what was sent."""
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) else type(error).__name__
