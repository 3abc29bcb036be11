"""The endpoint as a WSGI application: Firehose's API and the control path here, every other service by moto."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from threading import Lock
from typing import Any

from firehose.local.endpoint import change_feed, control, firehose_api
from firehose.local.endpoint.api_error import ApiError
from firehose.local.endpoint.caller import Caller, caller_of
from firehose.local.endpoint.change_feed import ChangeFeeds
from firehose.local.endpoint.clock import EndpointClock
from firehose.local.endpoint.control import Control, ControlError
from firehose.local.endpoint.delivery_streams import DeliveryStreams
from firehose.local.endpoint.guard import Application, Environ, StartResponse
from firehose.local.endpoint.served_stream import ServedStream, Surroundings

_AWS_JSON = "application/x-amz-json-1.1"
_DYNAMODB_JSON = "application/x-amz-json-1.0"
_JSON = "application/json"

# moto's own call, which makes it forget everything; its delivery streams are here.
_RESET = "/moto-api/reset"


class EndpointApplication:
    """Answers Firehose's requests for each account and region, and passes the others to moto's application."""

    def __init__(self, moto: Application, around: Surroundings, clock: EndpointClock) -> None:
        self._moto = moto
        self._around = around
        self._clock = clock
        self._accounts: dict[Caller, DeliveryStreams] = {}
        self._making = Lock()
        self._feeds = ChangeFeeds(around.services_of)
        self._control = Control(self, clock, around.services_of)

    def __iter__(self) -> Iterator[ServedStream]:
        """Yield the delivery streams of all accounts and regions."""
        for streams in list(self._accounts.values()):
            yield from streams

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith(firehose_api.TARGET):
            operation = target.removeprefix(firehose_api.TARGET)
            return _answered(
                start_response,
                lambda: firehose_api.answer(self.of(caller_of(environ)), operation, _body(environ)),
            )
        if target.startswith(change_feed.TARGET):
            return self._dynamodb(target.removeprefix(change_feed.TARGET), environ, start_response)
        if environ.get("PATH_INFO", "").startswith(control.PATH):
            return self._controlled(environ, start_response)
        if environ.get("PATH_INFO") == _RESET and environ["REQUEST_METHOD"] == "POST":
            self._forget_streams()
        return self._moto(environ, start_response)

    def of(self, caller: Caller) -> DeliveryStreams:
        """Return the delivery streams of an account and region."""
        with self._making:
            if caller not in self._accounts:
                self._accounts[caller] = DeliveryStreams(caller, self._around)
            return self._accounts[caller]

    def close(self) -> list[dict[str, Any]]:
        """End every stream once everything is delivered, and return their last counts."""
        return [streams.delete(one.name) for streams in list(self._accounts.values()) for one in streams]

    def reset(self) -> None:
        """Forget everything, moto's services included."""
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415 - moto is an extra

        self._forget_streams()
        moto_api_backend.reset()

    def _forget_streams(self) -> None:
        for streams in list(self._accounts.values()):
            streams.forget()
        self._feeds.clear()
        self._clock.moved_ms = 0

    def _dynamodb(self, operation: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if own := self._feeds.operations.get(operation):
            return _answered(
                start_response,
                lambda: json.dumps(own(caller_of(environ), json.loads(_body(environ)))).encode(),
                _DYNAMODB_JSON,
            )
        statuses: list[str] = []

        def noted(status: str, *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, *more)

        with self._feeds.watching(lambda: bool(statuses) and statuses[-1].startswith("2")):
            return self._moto(environ, noted)

    def _controlled(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            value = self._control.answer(
                environ["REQUEST_METHOD"], environ["PATH_INFO"], _body(environ), caller_of(environ)
            )
        except ControlError as error:
            return _answer(start_response, error.status, json.dumps({"error": str(error)}).encode(), _JSON)
        return _answer(start_response, HTTPStatus.OK, json.dumps(value).encode(), _JSON)


def _answered(start_response: StartResponse, answer: Callable[[], bytes], kind: str = _AWS_JSON) -> Iterable[bytes]:
    """Answer with what a function returns, or with its error as AWS would."""
    try:
        return _answer(start_response, HTTPStatus.OK, answer(), kind)
    except ApiError as error:
        return _answer(start_response, error.status, _error(error), kind)
    except Exception as error:  # noqa: BLE001 - ours: the client gets what AWS answers to its own bugs
        traceback.print_exc(file=sys.stderr)
        bug = ApiError("InternalFailure", f"{type(error).__name__}: {error}", HTTPStatus.INTERNAL_SERVER_ERROR)
        return _answer(start_response, bug.status, _error(bug), kind)


def _body(environ: Environ) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(size)
    return body


def _error(error: ApiError) -> bytes:
    return json.dumps({"__type": error.code, "message": error.message}).encode()


def _answer(start_response: StartResponse, status: int, body: bytes, kind: str = _AWS_JSON) -> list[bytes]:
    headers: list[tuple[str, Any]] = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(f"{int(status)} {HTTPStatus(status).phrase}", headers)
    return [body]
