"""The function that the Lambda runtime calls: configured by this process's environment, writing to S3."""

import os

from transform.function import build
from transform.object_store import S3Store

_BUCKET = os.environ.get("BUCKET", "")

# Error documents get two attempts only: Firehose keeps the originals, and the batch keeps its time.
lambda_handler = build(os.environ, S3Store(_BUCKET, attempts=5), error_store=S3Store(_BUCKET, attempts=2))
