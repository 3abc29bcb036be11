"""The classes and fixtures for anybody's tests; firehose/local/ has them."""

from firehose.local.pytest_plugin import _firehose_endpoint_process, firehose, firehose_endpoint
from firehose.local.tested_endpoint import TestedEndpoint
from firehose.local.testing import LocalFirehose, TestedStream

__all__ = [
    "LocalFirehose",
    "TestedEndpoint",
    "TestedStream",
    "_firehose_endpoint_process",
    "firehose",
    "firehose_endpoint",
]
