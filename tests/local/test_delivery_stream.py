"""Reading a request: what the data plane runs from, with Firehose's defaults."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from firehose.local.config.conversion_settings import (
    MIB,
    ConversionSettings,
    HiveJsonSettings,
    OpenXSettings,
    ParquetSettings,
    TableReference,
)
from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.prefix import Instance
from firehose.local.config.processing import DeAggregation, LambdaSettings, Processing
from firehose.local.config.query_keys import constructed_keys
from tests.firehose_streams import FUNCTION_ARN, ROLE_ARN, STREAM_ARN, request
from tests.stream_requests import (
    ERRORS,
    S3,
    asking,
    backed_up,
    calling,
    changed,
    conversion,
    converting,
    from_kinesis,
    partitioned,
    plain,
    processed,
    processor,
    s3_of,
)

AT = datetime(2025, 1, 2, 3, tzinfo=UTC)
DEFAULT_PARQUET = ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=False, writer_version="V1")


def test_our_own_request_is_read_whole() -> None:
    stream = read_delivery_stream(request("sales", buffer_seconds=120, lambda_retries=1))

    assert (stream.name, stream.region, s3_of(stream).bucket) == ("sales", "us-east-1", "lake")
    assert stream.arn == "arn:aws:firehose:us-east-1:123456789012:deliverystream/sales"
    assert stream.source_arn == STREAM_ARN
    assert s3_of(stream).prefix.keys == ("type", "date")
    assert (s3_of(stream).buffer_bytes, s3_of(stream).buffer_seconds) == (128 * MIB, 120)
    assert stream.processing == Processing(function=LambdaSettings(FUNCTION_ARN, 1, MIB, 60))
    assert s3_of(stream).extension == ".parquet"


def test_of_a_stream_with_only_what_is_required_the_rest_is_firehoses_defaults() -> None:
    stream = read_delivery_stream(plain())
    s3 = s3_of(stream)

    assert (s3.buffer_bytes, s3.buffer_seconds) == (5 * MIB, 300)
    assert (s3.compression, s3.extension, s3.time_zone) == ("UNCOMPRESSED", "", ZoneInfo("UTC"))
    assert (s3.partitioned, s3.conversion, stream.backup) == (False, None, None)
    assert stream.processing == Processing()
    assert stream.without_effect == ()
    assert (stream.version, read_delivery_stream(plain(), version=7).version) == (1, 7)


def test_a_stream_that_is_put_to_is_of_its_roles_account_and_the_given_region() -> None:
    direct = read_delivery_stream(plain(), region="eu-west-1")
    reading = read_delivery_stream(from_kinesis(), region="eu-west-1")

    assert (direct.source_arn, direct.region) == (None, "eu-west-1")
    assert direct.arn == "arn:aws:firehose:eu-west-1:123456789012:deliverystream/orders"
    assert (reading.source_arn, reading.region) == (STREAM_ARN, "us-east-1")


def test_a_stream_of_another_partition_has_its_partition() -> None:
    stream = read_delivery_stream(plain(RoleARN="arn:aws-cn:iam::123456789012:role/own"), region="cn-north-1")

    assert stream.arn == "arn:aws-cn:firehose:cn-north-1:123456789012:deliverystream/orders"


def test_every_processor_is_read_in_whatever_order() -> None:
    listed = [
        processor("AppendDelimiterToRecord"),
        asking("{type: .type}"),
        processor("RecordDeAggregation", SubRecordType="DELIMITED", Delimiter="fHw="),
        calling(NumberOfRetries="0", BufferSizeInMBs="0.2", BufferIntervalInSeconds="0"),
    ]

    forwards = read_delivery_stream(partitioned(*listed)).processing

    assert forwards == Processing(
        DeAggregation(b"||"), LambdaSettings(FUNCTION_ARN, 0, 209_715, 0), "{type: .type}", delimiter=True
    )
    assert read_delivery_stream(partitioned(*reversed(listed))).processing == forwards


def test_records_of_json_documents_have_no_delimiter() -> None:
    stream = read_delivery_stream(partitioned(processor("RecordDeAggregation", SubRecordType="JSON"), asking()))

    assert stream.processing.deaggregation == DeAggregation(delimiter=None)


def test_a_function_has_firehoses_defaults() -> None:
    assert read_delivery_stream(processed(calling())).processing.function == LambdaSettings(FUNCTION_ARN, 3, MIB, 60)


@pytest.mark.parametrize("enabled", [{}, {"Enabled": False}, {"Enabled": None}])
def test_processors_are_not_run_unless_processing_is_enabled(enabled: dict[str, Any]) -> None:
    # Decompression, too: it is not run by anybody.
    listed = [calling(), processor("Decompression", CompressionFormat="GZIP")]

    stream = read_delivery_stream(plain(ProcessingConfiguration={"Processors": listed, **enabled}))

    assert stream.processing == Processing()


def test_delimiters_are_appended_once_however_often_that_is_said() -> None:
    assert read_delivery_stream(processed(*[processor("AppendDelimiterToRecord")] * 2)).processing.delimiter


@pytest.mark.parametrize(
    ("compression", "extension"),
    [("UNCOMPRESSED", ""), ("GZIP", ".gz"), ("ZIP", ".zip"), ("Snappy", ".snappy"), ("HADOOP_SNAPPY", ".snappy")],
)
def test_a_compression_gives_its_extension_unless_another_is_given(compression: str, extension: str) -> None:
    by_default = read_delivery_stream(plain(CompressionFormat=compression, FileExtension=""))
    given = read_delivery_stream(plain(CompressionFormat=compression, FileExtension=".json"))

    assert (s3_of(by_default).compression, s3_of(by_default).extension) == (compression, extension)
    assert (s3_of(given).compression, s3_of(given).extension) == (compression, ".json")


def test_a_file_extension_replaces_that_of_parquet() -> None:
    assert s3_of(read_delivery_stream(converting(FileExtension=".pq"))).extension == ".pq"


def test_conversion_has_firehoses_defaults() -> None:
    stream = read_delivery_stream(converting())

    table = TableReference("db", "order", "us-east-1", "LATEST", "", ROLE_ARN)
    assert stream.destination.conversion == ConversionSettings(DEFAULT_PARQUET, table, OpenXSettings())
    assert (s3_of(stream).buffer_bytes, s3_of(stream).extension) == (128 * MIB, ".parquet")


def test_conversion_is_read_whole() -> None:
    openx = {
        "CaseInsensitive": False,
        "ConvertDotsInJsonKeysToUnderscores": True,
        "ColumnToJsonKeyMappings": {"a": "b"},
    }
    parquet = {
        "Compression": "GZIP",
        "BlockSizeBytes": 64 * MIB,
        "PageSizeBytes": 65_536,
        "EnableDictionaryCompression": True,
        "WriterVersion": "V2",
    }
    schema = {"RoleARN": ROLE_ARN, "DatabaseName": "d", "TableName": "t", "CatalogId": "1", "Region": "r"}
    members = conversion(
        InputFormatConfiguration={"Deserializer": {"OpenXJsonSerDe": openx}},
        OutputFormatConfiguration={"Serializer": {"ParquetSerDe": parquet}},
        SchemaConfiguration={**schema, "VersionId": "3"},
    )

    read = read_delivery_stream(plain(DataFormatConversionConfiguration=members)).destination.conversion

    assert read == ConversionSettings(
        ParquetSettings("GZIP", 64 * MIB, 65_536, dictionary=True, writer_version="V2"),
        TableReference("d", "t", "r", "3", "1", ROLE_ARN),
        OpenXSettings(case_insensitive=False, dots_to_underscores=True, mappings={"a": "b"}),
    )


@pytest.mark.parametrize("formats", [(), ("millis", "yyyy-MM-dd'T'HH:mm:ss.SSS")])
def test_the_hive_reader_has_its_timestamp_formats(formats: tuple[str, ...]) -> None:
    members = conversion(InputFormatConfiguration={"Deserializer": {"HiveJsonSerDe": {"TimestampFormats": formats}}})

    read = read_delivery_stream(plain(DataFormatConversionConfiguration=members)).destination.conversion

    assert read is not None
    assert read.reader == HiveJsonSettings(formats)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Enabled": False}, id="nothing else"),
        pytest.param(conversion(Enabled=False), id="kept for later"),
        pytest.param({"Enabled": False, "SchemaConfiguration": {"TableName": "t"}}, id="kept for later, in part"),
    ],
)
def test_conversion_that_is_disabled_changes_nothing(members: dict[str, Any]) -> None:
    s3 = s3_of(read_delivery_stream(plain(DataFormatConversionConfiguration=members)))

    assert (s3.conversion, s3.buffer_bytes, s3.extension) == (
        None,
        5 * MIB,
        "",
    )


def test_errors_go_below_a_prefix_without_expressions_when_they_have_none_of_their_own() -> None:
    stream = read_delivery_stream(plain(Prefix="data/"))

    at = Instance({}, AT, error_output_type="processing-failed")
    assert s3_of(stream).prefix.evaluate(at) == "data/2025/01/02/03/"
    assert s3_of(stream).error_prefix.evaluate(at) == "data/processing-failed/2025/01/02/03/"


def test_a_backup_has_its_own_place_buffer_and_compression() -> None:
    by_default = read_delivery_stream(backed_up()).backup
    request_ = backed_up(
        Prefix="!{timestamp:yyyy}/",
        ErrorOutputPrefix=ERRORS,
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60},
        CompressionFormat="GZIP",
    )
    stream = read_delivery_stream(request_)

    assert by_default is not None
    assert (by_default.bucket, by_default.buffer_bytes, by_default.buffer_seconds) == ("backup", 5 * MIB, 300)
    assert by_default.compression == "UNCOMPRESSED"
    assert stream.backup is not None
    assert stream.backup.prefix.evaluate(Instance({}, AT)) == "2025/"
    assert replace(stream.backup, prefix=by_default.prefix) == replace(
        by_default, buffer_bytes=MIB, buffer_seconds=60, compression="GZIP"
    )
    assert s3_of(stream).compression == "UNCOMPRESSED"


def test_a_backup_that_is_disabled_is_none() -> None:
    assert read_delivery_stream(changed(backed_up(), f"{S3}.S3BackupMode", "Disabled")).backup is None


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("{type: .type}", {"type"}),
        (' { "day" : .at[:10] , type } ', {"day", "type"}),
        ('{type: (.a | {b: "x,}"}), c: [.d, {e}]}', {"type", "c"}),
        ('{a: "\\"},{"}', {"a"}),
        ('{"a:b": .c}', {"a:b"}),
        (".", None),
        (".meta | {type}", None),
        ("{type} | {day}", None),
        ("{$type}", None),
        ("{(.name): 1}", None),
        ('{"\\(.name)": 1}', None),
        ("{}", set()),
    ],
)
def test_the_keys_of_a_query_that_is_one_object_are_read_from_its_text(query: str, keys: set[str] | None) -> None:
    assert constructed_keys(query) == keys
