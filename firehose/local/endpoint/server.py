"""The endpoint's server: HTTP on 127.0.0.1, in this process."""

import importlib.util
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import Any

from firehose.local.endpoint.application import EndpointApplication
from firehose.local.endpoint.caller import caller_of
from firehose.local.endpoint.clock import EndpointClock
from firehose.local.endpoint.guard import Application, LocalPrograms
from firehose.local.endpoint.served_stream import Surroundings
from firehose.local.endpoint.services import OwnServices
from firehose.local.user_error import UserError

ADDRESS = "127.0.0.1"

_NEEDED = ("moto", "flask", "flask_cors")


class EndpointServer:
    """A running endpoint: its address, clock and application."""

    def __init__(self, port: int, interval_seconds: int | None, on_printed: Callable[[str, str], None]) -> None:
        self.url = f"http://{ADDRESS}:{port}"
        self.clock = EndpointClock()
        services = cache(lambda caller: OwnServices(self.url, caller))
        around = Surroundings(services, self.clock, interval_seconds=interval_seconds, on_printed=on_printed)
        self._services = services
        self.application = EndpointApplication(moto_application(), around, self.clock)

    def services(self) -> OwnServices:
        """Return the clients of the account and region that a request without a signature is for."""
        return self._services(caller_of({}))

    def counts(self) -> list[dict[str, Any]]:
        """Return the counts of every delivery stream."""
        return [stream.counts() for stream in self.application]


@contextmanager
def endpoint_server(
    port: int = 0,
    *,
    interval_seconds: int | None = None,
    on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
) -> Iterator[EndpointServer]:
    """Serve the endpoint as long as the block runs; port 0 is any free one. The end delivers what is buffered.

    `on_printed` is called with the name of a delivery stream and what its function printed in one invocation.

    Raises:
        UserError: moto's server is not installed, or the port is in use.
    """
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise UserError(f"{', '.join(missing)} must be installed: pip install 'dmd-pipeline[local]'")
    with _bound(port) as bound:
        endpoint = EndpointServer(bound.getsockname()[1], interval_seconds, on_printed)
        server = _server(bound, LocalPrograms(endpoint.application))
        thread = Thread(target=server.serve_forever, name="endpoint", daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.application.close()
            server.shutdown()
            thread.join()
            server.server_close()


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port), backlog=128)
    except OSError as error:
        raise UserError(f"port {port} cannot be used: {error.strerror}") from None


def _server(bound: socket.socket, application: Application) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415 - moto is an extra
    from werkzeug.serving import make_server  # noqa: PLC0415 - with moto

    class Handler(MotoRequestHandler):
        def log(self, *_: Any) -> None:
            """Write nothing: the endpoint's own log is about streams."""

    return make_server(
        ADDRESS, bound.getsockname()[1], application, threaded=True, request_handler=Handler, fd=bound.fileno()
    )


def moto_application() -> Application:
    """Return moto's application for all services, without the headers that let web pages read its answers."""
    from moto.moto_server import werkzeug_app  # noqa: PLC0415 - moto is an extra

    werkzeug_app.DISABLE_GLOBAL_CORS = True  # type: ignore[attr-defined]
    application: Application = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    return application
