"""Clients of AWS, or of a local AWS endpoint."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from firehose.local.aws_errors import as_user_errors
from firehose.local.user_error import UserError

REGION = "us-east-1"


class Services(Protocol):
    """Makes clients of AWS services, or of a local endpoint."""

    @property
    def url(self) -> str:
        """The name that users know it by."""

    def client(self, service: str) -> Any:
        """Return a boto3 client."""


@dataclass(frozen=True)
class Account:
    """AWS with the user's own environment and profile, or the local endpoint that AWS_ENDPOINT_URL names."""

    region: str = REGION

    @property
    def url(self) -> str:
        """The address in AWS_ENDPOINT_URL, else "AWS"."""
        return os.environ.get("AWS_ENDPOINT_URL", "AWS")

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        with as_user_errors(self.url, "queried"), _MAKING:
            return self._session.client(service)

    @cached_property
    def _session(self) -> Any:
        # One for all clients: each session reads the SDK's descriptions of AWS anew, which takes 0.1 s.
        import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay

        return boto3.Session(region_name=self.region)


# A local endpoint takes any. A user's own may be those of a real account.
DUMMY_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of all AWS calls: Endpoint("http://127.0.0.1:5000").

    Without `credentials` the environment's are used, else dummies; never a profile's.
    """

    url: str
    region: str = REGION
    credentials: Mapping[str, str] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables with which another program reaches it."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": self.region, **self._credentials}

    @property
    def _credentials(self) -> Mapping[str, str]:
        return self.credentials or {name: os.environ.get(name) or dummy for name, dummy in DUMMY_CREDENTIALS.items()}

    @property
    def file_properties(self) -> dict[str, str]:
        """The properties with which PyIceberg reaches files in S3."""
        return {
            "s3.endpoint": self.url,
            "s3.region": self.region,
            "s3.access-key-id": self._credentials["AWS_ACCESS_KEY_ID"],
            "s3.secret-access-key": self._credentials["AWS_SECRET_ACCESS_KEY"],
        }

    def client(self, service: str, *, attempts: int = 3, connections: int = 10) -> Any:
        """Return a boto3 client that calls this endpoint whatever the user's configuration says."""
        from botocore.config import Config  # noqa: PLC0415 - with boto3

        credentials = self._credentials
        with _MAKING:
            return _session().client(
                service,
                region_name=self.region,
                endpoint_url=self.url,
                aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": attempts},
                    max_pool_connections=connections,
                    s3={"addressing_style": "path"},
                ),
            )


_MAKING = Lock()  # a session makes one client at a time


@cache
def _session() -> Any:
    """Return a session that reads no profile and no file of the user's, whatever the environment names."""
    import boto3  # noqa: PLC0415 - 0.3 s that other commands need not pay
    import botocore.session  # noqa: PLC0415 - with boto3

    nothing = (None, None, os.devnull, None)
    variables = {"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    return boto3.Session(botocore_session=botocore.session.Session(variables))


def named_endpoint(url: str) -> Endpoint:
    """Return the endpoint that a user names, by its IP address: an SDK would look for a bucket at bucket.localhost.

    Only an address of this machine is accepted, whatever its name: behind any other there may be a real account.

    Raises:
        UserError: it is not an http address, or not one of this machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # an invalid port or IPv6 address
        raise _not_an_address(url) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _not_an_address(url)
    host = _loopback_address(parts.hostname)
    if host is None:
        raise UserError(
            f"{parts.hostname} is not this machine, and resources are made and changed on a local endpoint only, never "
            "on AWS: forward a local port to it, and name http://127.0.0.1:PORT"
        )
    return Endpoint(urlunsplit(parts._replace(netloc=f"{host}:{port}" if port else host)).rstrip("/"))


def _not_an_address(url: str) -> UserError:
    return UserError(f"{url} is not the address of an endpoint, which looks like http://127.0.0.1:PORT")


def _loopback_address(host: str) -> str | None:
    """Return the IP address of a host name, or None if it is not this machine's own: "localhost" -> "127.0.0.1"."""
    if host in {"localhost", "0.0.0.0", "::"}:  # noqa: S104 - nothing is bound to them here
        return "127.0.0.1"
    try:
        found = {ipaddress.ip_address(str(info[4][0])) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return None
    if not all(address.is_loopback for address in found):
        return None
    first = min(found, key=lambda address: address.version)
    return f"[{first}]" if first.version == 6 else str(first)
