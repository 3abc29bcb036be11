"""Keeps everybody but this machine's own programs away from the endpoint, web pages in its browsers included.

Whoever reaches the endpoint may create a function, and so run code. Programs send no Origin header; browsers send one
with each request of a page that could do more than read, and Sec-Fetch-Site with all of them. A page that resolves its
own name to 127.0.0.1 (DNS rebinding) sends that name as Host.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_HOSTS = {"127.0.0.1", "[::1]", "localhost"}
_OF_OTHER_PAGES = {"cross-site", "same-site"}


class LocalPrograms:
    """A WSGI application that passes requests of local programs to another one, and answers all others with 403."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        reason = refusal(environ)
        if not reason:
            return self._application(environ, start_response)
        body = f"{reason}\n".encode()
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]


def refusal(environ: Environ) -> str:
    """Return the reason to refuse a request, "" if it may be answered."""
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") in _OF_OTHER_PAGES:
        return "This endpoint answers programs on this machine, not web pages."
    host, _, port = environ.get("HTTP_HOST", "").lower().rpartition(":")
    if port != environ["SERVER_PORT"] or not (host in _HOSTS or host.endswith(".localhost")):
        return f"The Host header must be 127.0.0.1:{environ['SERVER_PORT']}, or localhost with that port."
    return ""
