"""DataFormatConversionConfiguration read into what record format conversion runs from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from firehose.stream import arns
from firehose.stream.members import Members

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParquetSettings:
    """ParquetSerDe, with Firehose's defaults filled in.

    `int64_timestamps` is no setting of Firehose's, which writes INT96: microseconds instead, for readers that need it.
    """

    compression: str
    block_bytes: int
    page_bytes: int
    dictionary: bool
    writer_version: str
    int64_timestamps: bool = False


@dataclass(frozen=True, slots=True)
class OpenXSettings:
    """OpenXJsonSerDe, with Firehose's defaults filled in. `mappings` are column to JSON key."""

    case_insensitive: bool = True
    dots_to_underscores: bool = False
    mappings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HiveJsonSettings:
    """HiveJsonSerDe. `timestamp_formats` are Joda patterns or `millis`; none is java.sql.Timestamp's own form."""

    timestamp_formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableReference:
    """The Glue table whose columns the Parquet has, as error records name it."""

    database: str
    table: str
    region: str
    version: str
    catalog: str
    role_arn: str


@dataclass(frozen=True, slots=True)
class ConversionSettings:
    """JSON rows to Parquet, by a Glue table."""

    parquet: ParquetSettings
    table: TableReference
    reader: OpenXSettings | HiveJsonSettings = field(default_factory=OpenXSettings)


def read_conversion(destination: Members, region: str) -> ConversionSettings | None:
    """What a destination says of record format conversion; None where it says nothing, or that there is none.

    {"DataFormatConversionConfiguration": {"Enabled": False}} -> None

    Present and without `Enabled` it is enabled (API reference, "DataFormatConversionConfiguration"). Disabled, the rest
    may stand there for later; it is read, since Firehose would refuse what it cannot read.

    Raises:
        UnsupportedSettingError: naming the first member that is not carried out.
    """
    name = "DataFormatConversionConfiguration"
    if not destination.has(name):
        return None
    conversion = destination.members(name)
    enabled = conversion.flag("Enabled", default=True)
    readers: dict[str, Callable[[Members], Any]] = {
        "InputFormatConfiguration": _openx,
        "OutputFormatConfiguration": _parquet,
        "SchemaConfiguration": partial(_table, region=region),
    }
    read = {
        part: reader(conversion.members(part)) for part, reader in readers.items() if enabled or conversion.has(part)
    }
    conversion.end()
    return ConversionSettings(read["OutputFormatConfiguration"], read["SchemaConfiguration"]) if enabled else None


def _openx(reader: Members) -> None:
    deserializer = reader.members("Deserializer")
    openx = deserializer.members("OpenXJsonSerDe")
    openx.only("CaseInsensitive", True)  # noqa: FBT003  the value that is carried out
    openx.only("ConvertDotsInJsonKeysToUnderscores", False)  # noqa: FBT003
    openx.only("ColumnToJsonKeyMappings", {})
    for members in (openx, deserializer, reader):
        members.end()


def _parquet(writer: Members) -> ParquetSettings:
    serializer = writer.members("Serializer")
    parquet = serializer.members("ParquetSerDe")
    settings = ParquetSettings(
        compression=parquet.only("Compression", "SNAPPY", "GZIP", "UNCOMPRESSED"),
        block_bytes=parquet.whole("BlockSizeBytes", 256 * MIB, 64 * MIB, 2**40),
        page_bytes=parquet.whole("PageSizeBytes", MIB, 64 * 1024, 2**31 - 1),
        dictionary=parquet.flag("EnableDictionaryCompression", default=False),
        writer_version=parquet.only("WriterVersion", "V1", "V2"),
    )
    parquet.only("MaxPaddingBytes", 0)
    for members in (parquet, serializer, writer):
        members.end()
    return settings


def _table(schema: Members, region: str) -> TableReference:
    table = TableReference(
        database=schema.text("DatabaseName"),
        table=schema.text("TableName"),
        region=schema.text("Region", region),
        version=schema.only("VersionId", "LATEST"),
        catalog=schema.text("CatalogId", ""),
        role_arn=schema.parsed("RoleARN", arns.role),
    )
    schema.end()
    return table
