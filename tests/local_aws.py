"""moto's server in this process. It starts empty: what it holds belongs to the process and would outlive a server."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

from firehose.local.endpoint.deployed import load_deployed
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.sources.kinesis import now_ms
from firehose.pipeline.package import OUR_FOLDERS
from firehose.pipeline.up.session import Session
from tests.kinesis_streams import Clock


@contextmanager
def local_aws() -> Iterator[str]:
    """Yield the address of an empty endpoint: "http://127.0.0.1:41234"."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()  # noqa: S310 - our own
        yield address
    finally:
        server.stop()


def deliver(endpoint: Endpoint, packages: list[bytes], state: Path, changes: int) -> None:
    """Run what is deployed until this many changes are in the lake, by a clock that only sleeping moves."""
    clock = Clock(now_ms())
    end_ms = clock.now + 20_000
    with ExitStack() as running:
        deployed = load_deployed(endpoint, packages, running, own=OUR_FOLDERS, interval_seconds=5)
        session = Session(endpoint, deployed, state, clock=clock, sleep=clock.sleep)
        report = session.run(stop=lambda: clock() > end_ms)
    assert report.unsettled == 0
    assert {one.buffered for one in session.counts()} == {0}
    assert session.bridge.carried == report.read == changes
