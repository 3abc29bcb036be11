"""The function that the Lambda runtime calls: configured by this process's environment, writing to S3."""

import os

from transform.function import as_lambda_calls_it, build
from transform.object_store import S3Store

_BUCKET = os.environ.get("BUCKET", "")

# Error documents get two attempts only: Firehose keeps the originals, and the batch keeps its time.
_handler = build(os.environ, S3Store(_BUCKET, attempts=5), error_store=S3Store(_BUCKET, attempts=2))

lambda_handler = as_lambda_calls_it(_handler, os.environ)
