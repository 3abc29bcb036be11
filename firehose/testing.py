"""The pytest fixture `firehose` and the class behind it, for anybody's tests; `firehose/local/testing.py` has both."""

from firehose.local.testing import LocalFirehose, TestedStream, firehose

__all__ = ["LocalFirehose", "TestedStream", "firehose"]
