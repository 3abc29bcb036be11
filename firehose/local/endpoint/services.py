"""Clients of the endpoint's own services, as one account and region uses them."""

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

from firehose.local.endpoint.caller import Caller
from firehose.local.endpoint.endpoint import DUMMY_CREDENTIALS, Endpoint
from firehose.local.sinks import CONCURRENT_PUTS


class OwnServices:
    """Makes clients that call the endpoint over the loopback, one for each service."""

    def __init__(self, url: str, caller: Caller) -> None:
        self.caller = caller
        self.url = url
        self.endpoint = Endpoint(url, caller.region, DUMMY_CREDENTIALS)
        self._clients: dict[str, Any] = {}
        self._making = Lock()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables with which a function reaches the endpoint."""
        return self.endpoint.variables

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        with self._making:
            if service not in self._clients:
                attempts = 1 if service == "kinesis" else 3  # a source waits itself
                client = self.endpoint.client(service, attempts=attempts, connections=CONCURRENT_PUTS)
                client.meta.events.register("before-sign", partial(_as_account, self.caller.account))
                self._clients[service] = client
            return self._clients[service]


def _as_account(account: str, request: Any, **_: Any) -> None:
    request.headers["x-moto-account-id"] = account


# Returns the services of a caller.
ServicesOf = Callable[[Caller], OwnServices]
