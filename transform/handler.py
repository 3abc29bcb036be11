"""What the Lambda runtime calls: the function of this process's environment, writing to S3."""

import os

from transform.archive import S3Store
from transform.function import build

lambda_handler = build(os.environ, S3Store(os.environ.get("BUCKET", "")))
