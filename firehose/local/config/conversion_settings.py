"""Reads DataFormatConversionConfiguration into the settings of record format conversion."""

import re
from collections.abc import Mapping

import msgspec

from firehose.local.config import arns
from firehose.local.config.members import Members

MIB = 1024 * 1024


class ParquetSettings(msgspec.Struct, frozen=True):
    """ParquetSerDe, with Firehose's defaults filled in.

    `int64_timestamps` is ours: it writes INT64 microseconds for readers that need them. Firehose always writes INT96.
    """

    compression: str
    block_bytes: int
    page_bytes: int
    dictionary: bool
    writer_version: str
    int64_timestamps: bool = False


class OpenXSettings(msgspec.Struct, frozen=True):
    """OpenXJsonSerDe, with Firehose's defaults filled in. `mappings` maps columns to JSON keys."""

    case_insensitive: bool = True
    dots_to_underscores: bool = False
    mappings: Mapping[str, str] = msgspec.field(default_factory=dict)


class HiveJsonSettings(msgspec.Struct, frozen=True):
    """HiveJsonSerDe. `timestamp_formats` are Joda patterns or `millis`; if empty, the form of java.sql.Timestamp."""

    timestamp_formats: tuple[str, ...] = ()


class TableReference(msgspec.Struct, frozen=True):
    """The Glue table that defines the Parquet columns, as error records name it."""

    database: str
    table: str
    region: str
    version: str
    catalog: str
    role_arn: str


class ConversionSettings(msgspec.Struct, frozen=True):
    """Settings of the conversion of JSON rows to Parquet."""

    parquet: ParquetSettings
    table: TableReference
    reader: OpenXSettings | HiveJsonSettings = msgspec.field(default_factory=OpenXSettings)


def enabled_conversion(destination: Members) -> Members | None:
    """Take the DataFormatConversionConfiguration of a destination; return None if it is absent or disabled.

    {"DataFormatConversionConfiguration": {"Enabled": False}} -> None

    `Enabled` is true by default (API reference, "DataFormatConversionConfiguration"). If it is disabled, the rest is
    not checked beyond the API model (measured).
    """
    if not destination.has("DataFormatConversionConfiguration"):
        return None
    conversion = destination.members("DataFormatConversionConfiguration")
    return conversion if conversion.take("Enabled", True) else None  # noqa: FBT003


def read_conversion(conversion: Members, region: str, account: str) -> ConversionSettings:
    """Return the settings of an enabled conversion; `account` is that of the stream's other roles.

    Raises:
        SettingError: naming the member.
    """
    # In the order in which Firehose checks them.
    for part in ("InputFormatConfiguration", "OutputFormatConfiguration", "SchemaConfiguration"):
        if not conversion.has(part):
            raise conversion.refused(part, "is required by format conversion")
    reader = _reader(conversion.members("InputFormatConfiguration"))
    parquet = _parquet(conversion.members("OutputFormatConfiguration"))
    table = _table(conversion.members("SchemaConfiguration"), region, account)
    conversion.reject_unknown()
    return ConversionSettings(parquet, table, reader)


def _reader(config: Members) -> OpenXSettings | HiveJsonSettings:
    name, serde = _only_one(config, "Deserializer", "OpenXJsonSerDe", "HiveJsonSerDe")
    if name == "OpenXJsonSerDe":
        settings: OpenXSettings | HiveJsonSettings = OpenXSettings(
            case_insensitive=serde.take("CaseInsensitive", True),  # noqa: FBT003
            dots_to_underscores=serde.take("ConvertDotsInJsonKeysToUnderscores", False),  # noqa: FBT003
            mappings=dict(serde.take("ColumnToJsonKeyMappings", {})),
        )
    else:
        formats = tuple(serde.take("TimestampFormats", ()))
        for pattern in formats:
            if not _is_joda(pattern):
                raise serde.refused("TimestampFormats", f"{pattern!r} is not a Joda pattern, nor millis")
        settings = HiveJsonSettings(formats)
    serde.reject_unknown()
    return settings


# The letters that a real stream refused; all 52 were tried. Quoted text is literal.
_NO_JODA_LETTERS = re.compile("[CIJPRTUVbfijloprt]")


def _is_joda(pattern: str) -> bool:
    unquoted = re.sub(r"'[^']*'", "", pattern)
    return pattern == "millis" or not ("'" in unquoted or _NO_JODA_LETTERS.search(unquoted))


def _parquet(config: Members) -> ParquetSettings:
    name, serde = _only_one(config, "Serializer", "ParquetSerDe", "OrcSerDe")
    if name == "OrcSerDe":
        raise config.unsupported("Serializer.OrcSerDe", "write ParquetSerDe")
    settings = ParquetSettings(
        compression=serde.take("Compression", "SNAPPY"),
        block_bytes=serde.take("BlockSizeBytes", 256 * MIB),
        page_bytes=serde.take("PageSizeBytes", MIB),
        dictionary=serde.take("EnableDictionaryCompression", False),  # noqa: FBT003
        writer_version=serde.take("WriterVersion", "V1"),
    )
    if serde.take("MaxPaddingBytes", 0):  # of HDFS blocks
        serde.report_ignored("MaxPaddingBytes")
    serde.reject_unknown()
    return settings


def _only_one(config: Members, part: str, *names: str) -> tuple[str, Members]:
    """Return the name and members of the one that a Serializer or Deserializer has."""
    choice = config.members(part)
    config.reject_unknown()
    present = [name for name in names if choice.has(name)]
    if len(present) != 1:
        raise config.refused(part, f"must have one of {' and '.join(names)}; it has {len(present)}")
    serde = choice.members(present[0])
    choice.reject_unknown()
    return present[0], serde


def _table(schema: Members, region: str, account: str) -> TableReference:
    for name in ("RoleARN", "DatabaseName", "TableName"):
        if not schema.has(name):
            raise schema.refused(name, "is required by format conversion")
    role_arn = schema.take("RoleARN")
    try:
        arns.role(role_arn)
    except ValueError as error:
        raise schema.refused("RoleARN", str(error), "InvalidParameterValueException") from None  # measured
    if arns.parts(role_arn).account != account:  # a role is passed within an account only: measured
        raise schema.refused("RoleARN", "must belong to the account of the destination's role", "AccessDeniedException")
    table = TableReference(
        database=schema.take("DatabaseName"),
        table=schema.take("TableName"),
        region=schema.take("Region", region),
        version=schema.take("VersionId", "LATEST"),
        catalog=schema.take("CatalogId", ""),
        role_arn=role_arn,
    )
    schema.reject_unknown()
    return table
