"""The pytest fixtures `firehose` and `firehose_endpoint`, by the entry point pytest11.

pytest loads this in every run, so nothing but pytest is imported before a fixture is asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from firehose.local.tested_endpoint import TestedEndpoint
    from firehose.local.testing import LocalFirehose


@pytest.fixture
def firehose() -> "Iterator[LocalFirehose]":
    """A local Firehose in this process, with a clock that stands at 2026-01-01T00:00:00Z."""
    from firehose.local.testing import LocalFirehose  # noqa: PLC0415 - pyarrow

    local = LocalFirehose()
    yield local
    local.print_problems()
    local.close()


@pytest.fixture(scope="session")
def _firehose_endpoint_process() -> "Iterator[TestedEndpoint]":
    from firehose.local.tested_endpoint import endpoint_process  # noqa: PLC0415 - boto3

    with endpoint_process() as endpoint:
        yield endpoint


@pytest.fixture
def firehose_endpoint(
    _firehose_endpoint_process: "TestedEndpoint", monkeypatch: pytest.MonkeyPatch
) -> "Iterator[TestedEndpoint]":
    """A local AWS endpoint in which Firehose works: one process for the test run, empty for each test.

    Until the test ends, the environment names the endpoint and dummy credentials: what the test runs reaches it, too.
    """
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in _firehose_endpoint_process.environment.items():
        monkeypatch.setenv(name, value)
    yield _firehose_endpoint_process
    _firehose_endpoint_process.reset()
