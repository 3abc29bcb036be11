"""The Glue table that a delivery stream converts by, as the endpoint's catalog has it."""

from typing import Any

from botocore.exceptions import ClientError

from firehose.local.config.conversion_settings import TableReference
from firehose.local.config.table import read_table
from firehose.local.endpoint.services import OwnServices

_LATEST = "LATEST"


def stream_table(services: OwnServices, reference: TableReference) -> dict[str, Any]:
    """Return the TableInput of a table: its newest version, or the one that the stream names.

    Raises:
        SettingError: the table does not exist, or converts nothing.
    """
    return read_table(_found(services, reference), reference)


def _found(services: OwnServices, reference: TableReference) -> dict[str, Any] | None:
    glue = services.client("glue")
    try:
        if reference.version == _LATEST:
            table: dict[str, Any] = glue.get_table(DatabaseName=reference.database, Name=reference.table)["Table"]
            return table
        version = glue.get_table_version(
            DatabaseName=reference.database, TableName=reference.table, VersionId=reference.version
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise
    return {**version["TableVersion"]["Table"], "VersionId": version["TableVersion"]["VersionId"]}
