"""moto's server in this process. It begins with nothing: what it holds is the process's, and outlives a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer


@contextmanager
def local_aws() -> Iterator[str]:
    """The address of an endpoint without anything in it: "http://127.0.0.1:41234"."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()  # noqa: S310 - our own
        yield address
    finally:
        server.stop()
