"""An endpoint for all specifications of it, empty for each."""

from collections.abc import Iterator

import pytest

from tests.endpoints import LocalAws, local_endpoint


@pytest.fixture(scope="session")
def server() -> Iterator[LocalAws]:
    with local_endpoint() as aws:
        yield aws


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    server.control("reset", {})
    server.bucket()
    return server
