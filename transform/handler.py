"""What the Lambda runtime calls: the function of this process's environment, writing to S3."""

import os

from transform.archive import S3Store
from transform.function import build

_BUCKET = os.environ.get("BUCKET", "")

# Firehose has the originals of what error documents are about: two tries are enough, and leave the batch its time.
lambda_handler = build(os.environ, S3Store(_BUCKET, attempts=5), error_store=S3Store(_BUCKET, attempts=2))
