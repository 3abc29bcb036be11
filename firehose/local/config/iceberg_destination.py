"""Reads IcebergDestinationConfiguration into the settings that delivery to Apache Iceberg tables runs from.

Rows are inserted. What else AWS does with Iceberg tables (updates and deletes by unique keys, tables and columns that
Firehose makes itself) is refused by the name of its member. Experimental until it has been compared with AWS.
"""

from datetime import UTC, tzinfo
from typing import Any, ClassVar, NamedTuple

import msgspec

from firehose.local.config import arns
from firehose.local.config.conversion_settings import MIB
from firehose.local.config.members import Members
from firehose.local.config.prefix import Prefix, name_bytes
from firehose.local.config.processing import Processing
from firehose.local.config.processors import read_processing
from firehose.local.config.s3_settings import S3Settings, check_keys, read_hints, read_logging, read_s3_settings


class TableName(NamedTuple):
    """A table, by the names that its catalog has for it."""

    database: str
    name: str


class IcebergDestination(msgspec.Struct, frozen=True):
    """The table of rows that name none, how long rows are buffered, and the bucket of the error objects.

    `table` is the only table of DestinationTableConfigurationList; None if the list has none, or several.
    """

    bucket: str
    error_prefix: Prefix
    compression: str
    buffer_bytes: int
    buffer_seconds: int
    retry_seconds: int
    table: TableName | None

    # The settings of an S3 destination that this one does not have.
    time_zone: ClassVar[tzinfo] = UTC
    partitioned: ClassVar[bool] = False
    conversion: ClassVar[None] = None

    # The member of the function's metadata that says where a record goes.
    routing_member: ClassVar[str] = "otfMetadata"


def read_iceberg(config: Members, *, name: str, version: int) -> tuple[IcebergDestination, Processing]:
    """Take an IcebergDestinationConfiguration.

    Raises:
        SettingError: naming the member.
    """
    config.parsed("RoleARN", arns.role)
    read_logging(config)
    _catalog(config)
    _refuse_other_than_inserts(config)
    table = _only_table(config)
    size, seconds = read_hints(config)
    retry = config.members("RetryOptions")
    retry_seconds = retry.take("DurationInSeconds", 300)  # guide, "Set up the Firehose stream"
    retry.reject_unknown()
    processing = read_processing(config)
    errors = _errors(config, name, version)
    config.reject_unknown()
    destination = IcebergDestination(
        bucket=errors.bucket,
        error_prefix=errors.error_prefix,
        compression=errors.compression,
        buffer_bytes=(size or 5) * MIB,
        buffer_seconds=300 if seconds is None else seconds,
        retry_seconds=retry_seconds,
        table=table,
    )
    return destination, processing


def _catalog(config: Members) -> None:
    catalog = config.members("CatalogConfiguration")
    if catalog.has("WarehouseLocation"):
        raise catalog.unsupported(
            "WarehouseLocation", "leave it out", "a location for the tables that Firehose makes itself (a preview)"
        )
    if not catalog.take("CatalogARN"):
        raise catalog.refused("CatalogARN", "is required")
    catalog.reject_unknown()


def _refuse_other_than_inserts(config: Members) -> None:
    if config.take("AppendOnly"):
        raise config.unsupported(
            "AppendOnly",
            "leave it out: rows are only inserted here in any case",
            "a stream that only inserts, whose throughput it then scales by itself, and that cannot be changed back",
        )
    for member, does in _PREVIEWS.items():
        preview = config.members(member)
        if preview.take("Enabled"):
            raise preview.unsupported("Enabled", "write false, or leave it out", does)
        preview.reject_unknown()
    if config.take("S3BackupMode", "FailedDataOnly") != "FailedDataOnly":
        raise config.unsupported(
            "S3BackupMode", "write FailedDataOnly", "AllData, though by its documentation only FailedDataOnly works"
        )


_PREVIEWS = {
    "SchemaEvolutionConfiguration": "adding the columns that a table lacks for a record (a preview)",
    "TableCreationConfiguration": "making the tables that do not exist (a preview)",
}


def _only_table(config: Members) -> TableName | None:
    tables = config.entries("DestinationTableConfigurationList")
    names = [_table(table) for table in tables]
    return names[0] if len(names) == 1 else None


def _table(table: Members) -> TableName:
    for member, (change, does) in _OF_TABLES.items():
        if table.take(member):
            raise table.unsupported(member, change, does)
    name = TableName(table.take("DestinationDatabaseName"), table.take("DestinationTableName"))
    table.reject_unknown()
    return name


_OF_TABLES: dict[str, tuple[str, Any]] = {
    "UniqueKeys": (
        "leave them out, and insert only",
        "updates and deletes of the rows that have the same values in these columns",
    ),
    "PartitionSpec": ("leave it out", "the partitions of a table that Firehose makes itself (a preview)"),
    "S3ErrorOutputPrefix": ("write ErrorOutputPrefix in S3Configuration", "an error prefix for one table"),
}


def _errors(config: Members, name: str, version: int) -> S3Settings:
    s3 = config.members("S3Configuration")
    settings = read_s3_settings(s3, partitioned=False)
    length = name_bytes(name, version, "")
    check_keys(s3, settings, (length, length))
    if settings.buffer_mib is not None:
        s3.report_ignored("BufferingHints")  # error objects are put before the rows of a flush
    s3.reject_unknown()
    return settings
