"""The catalog of a stream that delivers to Iceberg tables, as `--catalog` names it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firehose.local.faults import Faults
from firehose.local.iceberg_installed import check_iceberg_installed
from firehose.local.user_error import UserError

GLUE = "glue"


def catalog_maker(where: str, faults: Faults) -> Callable[[], Any]:
    """Return what opens the catalog: a folder's, or Glue's if `where` is "glue".

    Glue and its tables' files are reached as by the AWS SDK, AWS_ENDPOINT_URL included.

    Raises:
        UserError: the folder has no catalog, or PyIceberg is not installed.
    """
    check_iceberg_installed()
    from firehose.local.faulty_catalog import FaultyCatalog  # noqa: PLC0415 - loads PyIceberg
    from firehose.local.iceberg_catalogs import SQLITE, folder_catalog  # noqa: PLC0415

    if where != GLUE and not (Path(where) / SQLITE).is_file():
        raise UserError(f"{where} is not an Iceberg catalog: name the folder of a {SQLITE}, or {GLUE}")
    return lambda: FaultyCatalog(_glue() if where == GLUE else folder_catalog(Path(where)), faults)


def _glue() -> Any:
    import boto3  # noqa: PLC0415

    from firehose.local.iceberg_catalogs import glue_catalog  # noqa: PLC0415

    client = boto3.client("glue")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    own = {"s3.endpoint": endpoint} if endpoint else {}
    return glue_catalog(client, **{"s3.region": client.meta.region_name, **own})
