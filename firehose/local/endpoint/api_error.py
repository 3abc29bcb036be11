"""The errors of AWS's APIs, as the endpoint answers them."""

from http import HTTPStatus

from firehose.local.config.members import SettingError, UnsupportedSettingError


class ApiError(Exception):
    """A request that is refused with one of AWS's error codes: ApiError("ResourceNotFoundException", "...")."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def of_setting(error: SettingError) -> ApiError:
    """Return the error for a setting that Firehose refuses, or that the local one does not support.

    AWS has no code for the second, so it is InvalidArgumentException, and the message says whose refusal it is.
    """
    code = "InvalidArgumentException" if isinstance(error, UnsupportedSettingError) else error.code
    # AWS's own validation errors have no path in front; they quote it in the message.
    return ApiError(code, error.reason if code == "ValidationException" else str(error))
