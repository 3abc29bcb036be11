"""Settings that Firehose refuses beyond its API model, and those that are not supported here: each by its member."""

import re
from typing import Any

import pytest

from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.members import RefusedSettingError, SettingError, UnsupportedSettingError
from tests.firehose_streams import FUNCTION_ARN, ROLE_ARN
from tests.stream_requests import (
    ABSENT,
    CONVERSION,
    ERRORS,
    KEY_ARN,
    PROCESSORS,
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
    processing,
    processor,
)

HINTS = f"{S3}.BufferingHints"
BACKUP = f"{S3}.S3BackupConfiguration"
PARAMETERS = f"{PROCESSORS}[0].Parameters"
SERDE = f"{CONVERSION}.InputFormatConfiguration.Deserializer"
HIVE = {"Deserializer": {"HiveJsonSerDe": {"TimestampFormats": ["bbbb"]}}}
FROM_LAMBDA = "data/!{partitionKeyFromLambda:type}/"
SSE = "DeliveryStreamEncryptionConfigurationInput"


def hints(size: int, seconds: int) -> dict[str, int]:
    return {"SizeInMBs": size, "IntervalInSeconds": seconds}


def refusal(request: dict[str, Any]) -> SettingError:
    with pytest.raises(SettingError) as refused:
        read_delivery_stream(request)
    return refused.value


SOURCES = [
    pytest.param(plain() | {"DeliveryStreamType": "KinesisStreamAsSource"}, "KinesisStreamSourceConfiguration",
                 id="a Kinesis source without its configuration"),
    pytest.param(changed(from_kinesis(), "KinesisStreamSourceConfiguration.KinesisStreamARN",
                         "arn:a:b:kinesis:us-east-1:123456789012:stream/x"),
                 "KinesisStreamSourceConfiguration.KinesisStreamARN", id="a source that is no ARN"),
    pytest.param(from_kinesis() | {SSE: {"KeyType": "AWS_OWNED_CMK"}}, SSE, id="encryption of a Kinesis stream's copy"),
    pytest.param(plain() | {SSE: {"KeyType": "CUSTOMER_MANAGED_CMK"}}, f"{SSE}.KeyARN", id="a customer's key, unnamed"),
    pytest.param(plain() | {SSE: {"KeyType": "AWS_OWNED_CMK", "KeyARN": KEY_ARN}}, f"{SSE}.KeyARN",
                 id="AWS's own key, named"),
    pytest.param({"DeliveryStreamName": "orders"}, S3, id="no destination"),
    pytest.param(plain() | {"S3DestinationConfiguration": plain()[S3]}, S3, id="two destinations"),
]  # fmt: skip

PREFIXES = [
    pytest.param(plain(Prefix="a/!{timestamp:yyyy}/"), f"{S3}.ErrorOutputPrefix",
                 id="an expression in Prefix without ErrorOutputPrefix"),
    pytest.param(plain(Prefix="a/!{timestamp:yyyy}/", ErrorOutputPrefix=""), f"{S3}.ErrorOutputPrefix",
                 id="an expression in Prefix and an empty ErrorOutputPrefix"),
    pytest.param(plain(ErrorOutputPrefix="e/!{timestamp:yyyy}/"), f"{S3}.ErrorOutputPrefix",
                 id="expressions in ErrorOutputPrefix without error-output-type"),
    pytest.param(plain(Prefix=ERRORS, ErrorOutputPrefix=ERRORS), f"{S3}.Prefix", id="error-output-type in Prefix"),
    pytest.param(partitioned(calling(), Prefix=FROM_LAMBDA, ErrorOutputPrefix=ERRORS + FROM_LAMBDA),
                 f"{S3}.ErrorOutputPrefix", id="a partition key in ErrorOutputPrefix"),
    pytest.param(plain(Prefix="a/!{date:yyyy}/", ErrorOutputPrefix=ERRORS), f"{S3}.Prefix",
                 id="a namespace that there is not"),
    pytest.param(plain(Prefix="a/!{firehose:bogus}/", ErrorOutputPrefix=ERRORS), f"{S3}.Prefix",
                 id="a value of firehose that there is not"),
    pytest.param(plain(Prefix="a/!{timestamp:yyyy", ErrorOutputPrefix=ERRORS), f"{S3}.Prefix",
                 id="an expression that is not closed"),
    pytest.param(plain(Prefix="a!{b/", ErrorOutputPrefix=ERRORS), f"{S3}.Prefix", id="'!{' in a name"),
    pytest.param(plain(Prefix="a/!{timestamp:bbb}/", ErrorOutputPrefix=ERRORS), f"{S3}.Prefix",
                 id="pattern letters that there are not"),
    pytest.param(plain(Prefix="x/" * 257), f"{S3}.Prefix", id="a prefix of 514 characters"),
    pytest.param(plain(Prefix=FROM_LAMBDA, ErrorOutputPrefix=ERRORS), f"{S3}.Prefix",
                 id="a partition key without dynamic partitioning"),
]  # fmt: skip

PARTITIONING = [
    pytest.param(partitioned(Prefix="data/"), f"{S3}.Prefix", id="no partition key in Prefix"),
    pytest.param(partitioned(Prefix=ABSENT), f"{S3}.Prefix", id="no Prefix"),
    pytest.param(partitioned(ErrorOutputPrefix=ABSENT), f"{S3}.ErrorOutputPrefix", id="no ErrorOutputPrefix"),
    pytest.param(partitioned(BufferingHints=hints(63, 60)), f"{HINTS}.SizeInMBs", id="a buffer of 63 MiB"),
    pytest.param(partitioned(BufferingHints=ABSENT), f"{HINTS}.SizeInMBs", id="the default buffer"),
    pytest.param(partitioned(BufferingHints=hints(64, 59)), f"{HINTS}.IntervalInSeconds", id="an interval of 59 s"),
    pytest.param(partitioned(ProcessingConfiguration=ABSENT), PROCESSORS, id="no processing"),
    pytest.param(partitioned(ProcessingConfiguration=processing(asking(), Enabled=False)), PROCESSORS,
                 id="processing that is disabled"),
    pytest.param(partitioned(ProcessingConfiguration={"Processors": [asking()]}), PROCESSORS,
                 id="processing that does not say whether it is enabled"),
    pytest.param(partitioned(processor("AppendDelimiterToRecord")), PROCESSORS, id="no processor that gives keys"),
    pytest.param(partitioned(calling()), f"{S3}.Prefix", id="a key of a query, and only a function"),
    pytest.param(partitioned(Prefix=FROM_LAMBDA), f"{S3}.Prefix", id="a key of a function, and only a query"),
    pytest.param(partitioned(asking("{type: .a, day: .b}")), PROCESSORS, id="a key of the query that Prefix has not"),
    pytest.param(partitioned(asking("{day: .b, type: .c} "), Prefix="!{partitionKeyFromQuery:type}/"
                             "!{partitionKeyFromQuery:day}/!{partitionKeyFromQuery:region}/"), f"{S3}.Prefix",
                 id="a key of Prefix that the query has not"),
    pytest.param(processed(asking()), PROCESSORS, id="a query without dynamic partitioning"),
    pytest.param(processed(processor("RecordDeAggregation", SubRecordType="JSON")), PROCESSORS,
                 id="de-aggregation without dynamic partitioning"),
]  # fmt: skip


def converted(**members: Any) -> dict[str, Any]:
    return converting(DataFormatConversionConfiguration=conversion(**members))


BOTH_READERS: dict[str, Any] = {"Deserializer": {"OpenXJsonSerDe": {}, "HiveJsonSerDe": {}}}
BOTH_WRITERS: dict[str, Any] = {"Serializer": {"ParquetSerDe": {}, "OrcSerDe": {}}}

CONVERSIONS = [
    pytest.param(converting(CompressionFormat="GZIP"), f"{S3}.CompressionFormat", id="conversion and compression"),
    pytest.param(converting(BufferingHints=hints(63, 60)), f"{HINTS}.SizeInMBs", id="conversion below 64 MiB"),
    pytest.param(converted(InputFormatConfiguration=None), f"{CONVERSION}.InputFormatConfiguration", id="no input"),
    pytest.param(converted(OutputFormatConfiguration=None), f"{CONVERSION}.OutputFormatConfiguration", id="no output"),
    pytest.param(converted(SchemaConfiguration=None), f"{CONVERSION}.SchemaConfiguration", id="no schema"),
    pytest.param(converting(DataFormatConversionConfiguration={}), f"{CONVERSION}.InputFormatConfiguration",
                 id="conversion of nothing by nothing"),
    pytest.param(converted(InputFormatConfiguration={}), SERDE, id="no deserializer"),
    pytest.param(converted(InputFormatConfiguration={"Deserializer": {}}), SERDE, id="an empty deserializer"),
    pytest.param(converted(InputFormatConfiguration=BOTH_READERS), SERDE, id="two deserializers"),
    pytest.param(converted(OutputFormatConfiguration={"Serializer": {}}),
                 f"{CONVERSION}.OutputFormatConfiguration.Serializer", id="no serializer"),
    pytest.param(converted(OutputFormatConfiguration=BOTH_WRITERS),
                 f"{CONVERSION}.OutputFormatConfiguration.Serializer", id="two serializers"),
    pytest.param(changed(converting(), f"{CONVERSION}.SchemaConfiguration.RoleARN", ABSENT),
                 f"{CONVERSION}.SchemaConfiguration.RoleARN", id="a schema without a role"),
    pytest.param(changed(converting(), f"{CONVERSION}.SchemaConfiguration.DatabaseName", ABSENT),
                 f"{CONVERSION}.SchemaConfiguration.DatabaseName", id="a schema without a database"),
    pytest.param(changed(converting(), f"{CONVERSION}.SchemaConfiguration.TableName", ABSENT),
                 f"{CONVERSION}.SchemaConfiguration.TableName", id="a schema without a table"),
    pytest.param(converted(InputFormatConfiguration=HIVE), f"{SERDE}.HiveJsonSerDe.TimestampFormats",
                 id="a timestamp format that is none of Joda's"),
]  # fmt: skip

BACKUPS = [
    pytest.param(plain(S3BackupMode="Enabled"), BACKUP, id="a backup without its configuration"),
    pytest.param(backed_up(BufferingHints=hints(5, 59)), f"{BACKUP}.BufferingHints.IntervalInSeconds",
                 id="a backup every 59 s"),
    pytest.param(backed_up(Prefix=FROM_LAMBDA, ErrorOutputPrefix=ERRORS), f"{BACKUP}.Prefix",
                 id="a backup by partition keys"),
    pytest.param(backed_up(Prefix="!{timestamp:yyyy}/"), f"{BACKUP}.ErrorOutputPrefix",
                 id="a backup with an expression and no ErrorOutputPrefix"),
    pytest.param(changed(backed_up(BufferingHints=hints(5, 59)), f"{S3}.S3BackupMode", "Disabled"),
                 f"{BACKUP}.BufferingHints.IntervalInSeconds", id="a disabled backup every 59 s"),
]  # fmt: skip

ONE_VALUE = f"{PARAMETERS}[1].ParameterValue"
WITHOUT_AN_ARN = processor("Lambda", NumberOfRetries="2")
OTHERS = [processor("AppendDelimiterToRecord")] * 6

PROCESSING = [
    pytest.param(processed(), PROCESSORS, id="processing without processors"),
    pytest.param(processed(*OTHERS), PROCESSORS, id="six processors"),
    pytest.param(processed(calling(), calling(NumberOfRetries="0")), PROCESSORS, id="two Lambda processors"),
    pytest.param(processed(WITHOUT_AN_ARN), PARAMETERS, id="a Lambda processor without its function"),
    pytest.param(processed(processor("Lambda", LambdaArn="transform")), f"{PARAMETERS}[0].ParameterValue",
                 id="a function that is no ARN"),
    pytest.param(processed(processor("Lambda", LambdaArn=FUNCTION_ARN + "/a b")), f"{PARAMETERS}[0].ParameterValue",
                 id="a function with a space in its name"),
    pytest.param(processed(calling(RoleArn="x")), ONE_VALUE, id="a role of the function that is no ARN"),
    pytest.param(processed(calling(BufferSizeInMBs="1")), PARAMETERS, id="the function's size without its interval"),
    pytest.param(processed(calling(BufferIntervalInSeconds="60")), PARAMETERS,
                 id="the function's interval without its size"),
    pytest.param(processed(calling(BufferSizeInMBs="0.1", BufferIntervalInSeconds="60")), ONE_VALUE, id="0.1 MB"),
    pytest.param(processed(calling(BufferSizeInMBs="3.1", BufferIntervalInSeconds="60")), ONE_VALUE, id="3.1 MB"),
    pytest.param(processed(calling(BufferSizeInMBs="nan", BufferIntervalInSeconds="60")), ONE_VALUE, id="nan MB"),
    pytest.param(processed(calling(BufferIntervalInSeconds="901", BufferSizeInMBs="1")), ONE_VALUE, id="901 s"),
    pytest.param(processed(calling(BufferIntervalInSeconds="-1", BufferSizeInMBs="1")), ONE_VALUE, id="-1 s"),
    pytest.param(processed(calling(NumberOfRetries="301")), ONE_VALUE, id="301 retries"),
    pytest.param(processed(calling(NumberOfRetries="-1")), ONE_VALUE, id="-1 retries"),
    pytest.param(processed(calling(NumberOfRetries="1.5")), ONE_VALUE, id="a retry and a half"),
    pytest.param(processed(calling(NumberOfRetries="9" * 5000)), ONE_VALUE, id="a number of 5000 digits"),
    pytest.param(partitioned(asking(engine="JQ-1.7")), ONE_VALUE, id="a later jq"),
    pytest.param(partitioned(processor("MetadataExtraction", JsonParsingEngine="JQ-1.6")), PARAMETERS, id="no query"),
    pytest.param(partitioned(processor("MetadataExtraction", MetadataExtractionQuery=".")), PARAMETERS, id="no engine"),
    pytest.param(partitioned(processor("RecordDeAggregation"), asking()), PARAMETERS, id="no SubRecordType"),
    pytest.param(partitioned(processor("RecordDeAggregation", SubRecordType="CSV"), asking()),
                 f"{PARAMETERS}[0].ParameterValue", id="a SubRecordType that there is not"),
    pytest.param(partitioned(processor("RecordDeAggregation", SubRecordType="DELIMITED"), asking()), PARAMETERS,
                 id="DELIMITED without a delimiter"),
    pytest.param(partitioned(processor("RecordDeAggregation", SubRecordType="DELIMITED", Delimiter="||"), asking()),
                 ONE_VALUE, id="a delimiter that is not base64"),
    pytest.param(processed(processor("CloudWatchLogProcessing", DataMessageExtraction="true")), PROCESSORS,
                 id="log processing without decompression"),
    pytest.param(processed(processor("Decompression", CompressionFormat="ZIP")), f"{PARAMETERS}[0].ParameterValue",
                 id="decompression of ZIP"),
    pytest.param(processed(processor("CloudWatchLogProcessing")), PARAMETERS, id="log processing without its switch"),
    pytest.param(processed(processor("CloudWatchLogProcessing", DataMessageExtraction="yes")),
                 f"{PARAMETERS}[0].ParameterValue", id="log processing that says yes"),
    pytest.param(plain(ProcessingConfiguration={"Processors": [WITHOUT_AN_ARN]}), PARAMETERS,
                 id="a bad processor where processing is disabled"),
]  # fmt: skip

REST = [
    pytest.param(plain(BufferingHints={"SizeInMBs": 5}), f"{HINTS}.IntervalInSeconds", id="a size without an interval"),
    pytest.param(plain(BufferingHints={"IntervalInSeconds": 60}), f"{HINTS}.SizeInMBs",
                 id="an interval without a size"),
    pytest.param(plain(CustomTimeZone="Mars/Olympus"), f"{S3}.CustomTimeZone", id="a time zone that there is not"),
    pytest.param(plain(CustomTimeZone="EST"), f"{S3}.CustomTimeZone", id="a time zone of three letters"),
    pytest.param(plain(CustomTimeZone="Asia/Kolkata"), f"{S3}.CustomTimeZone", id="a time zone by its newer name"),
    pytest.param(plain(RoleARN="arn:a:b:iam::123456789012:role/x"), f"{S3}.RoleARN", id="a role that is no ARN"),
    pytest.param(plain(BucketARN="arn:a:b:s3:::lake"), f"{S3}.BucketARN", id="a bucket that is no ARN"),
    pytest.param(plain(EncryptionConfiguration={}), f"{S3}.EncryptionConfiguration", id="neither encryption nor none"),
    pytest.param(plain(EncryptionConfiguration={"NoEncryptionConfig": "NoEncryption",
                                                "KMSEncryptionConfig": {"AWSKMSKeyARN": KEY_ARN}}),
                 f"{S3}.EncryptionConfiguration", id="encryption and none"),
    pytest.param(plain(CloudWatchLoggingOptions={"Enabled": True, "LogStreamName": "S3Delivery"}),
                 f"{S3}.CloudWatchLoggingOptions.LogGroupName", id="logging without a group"),
    pytest.param(plain(CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "a"}),
                 f"{S3}.CloudWatchLoggingOptions.LogStreamName", id="logging without a stream"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "path"), [*SOURCES, *PREFIXES, *PARTITIONING, *CONVERSIONS, *BACKUPS, *PROCESSING, *REST]
)
def test_firehose_refuses(request_: dict[str, Any], path: str) -> None:
    refused = refusal(request_)

    assert isinstance(refused, RefusedSettingError)
    assert (refused.code, refused.path) == ("InvalidArgumentException", path)
    assert str(refused).startswith(f"{path}: ")


def test_a_missing_error_prefix_is_said_to_be_missing() -> None:
    # And not that Prefix, which else stands in for it, lacks error-output-type.
    assert refusal(plain(Prefix="a/!{timestamp:yyyy}/")).reason == "is required, since Prefix has expressions"


def test_a_missing_function_is_said_to_be_missing_once() -> None:
    assert refusal(processed(WITHOUT_AN_ARN)).reason == "LambdaArn is required"


def test_the_role_of_a_schema_has_a_code_of_its_own() -> None:
    refused = refusal(changed(converting(), f"{CONVERSION}.SchemaConfiguration.RoleARN", "nonsense"))

    assert refused.code == "InvalidParameterValueException"
    assert refused.path == f"{CONVERSION}.SchemaConfiguration.RoleARN"


def test_a_parameter_given_twice_is_refused() -> None:
    twice = processor("Lambda", NumberOfRetries="1")
    twice["Parameters"] *= 2

    refused = refusal(processed(twice))

    # Before the missing function is.
    assert (refused.code, refused.path) == ("InvalidArgumentException", ONE_VALUE.replace("[1]", "[0]"))
    assert "NumberOfRetries" in refused.reason


def test_the_model_is_asked_before_any_other_rule() -> None:
    refused = refusal(plain(S3BackupMode="Enabled", BufferingHints=hints(5, 901)))

    assert refused.code == "ValidationException"


REDSHIFT = {
    "RoleARN": ROLE_ARN,
    "ClusterJDBCURL": "jdbc:redshift://own.us-east-1.redshift.amazonaws.com:5439/db",
    "CopyCommand": {"DataTableName": "t"},
    "S3Configuration": plain()[S3],
}
MSK = {
    "MSKClusterARN": "arn:aws:kafka:us-east-1:123456789012:cluster/c",
    "TopicName": "t",
    "AuthenticationConfiguration": {"RoleARN": ROLE_ARN, "Connectivity": "PRIVATE"},
}


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        pytest.param(plain() | {"DeliveryStreamType": "MSKAsSource", "MSKSourceConfiguration": MSK},
                     "DeliveryStreamType", id="a Kafka source"),
        pytest.param(plain() | {"DeliveryStreamType": "DatabaseAsSource"}, "DeliveryStreamType", id="a database"),
        pytest.param(from_kinesis() | {"MSKSourceConfiguration": MSK}, "MSKSourceConfiguration", id="two sources"),
        pytest.param({"DeliveryStreamName": "orders", "S3DestinationConfiguration": plain()[S3]},
                     "S3DestinationConfiguration", id="the older S3 destination"),
        pytest.param({"DeliveryStreamName": "orders", "RedshiftDestinationConfiguration": REDSHIFT},
                     "RedshiftDestinationConfiguration", id="Redshift"),
        pytest.param(converted(OutputFormatConfiguration={"Serializer": {"OrcSerDe": {}}}),
                     f"{CONVERSION}.OutputFormatConfiguration.Serializer.OrcSerDe", id="ORC"),
        pytest.param(processed(processor("Decompression", CompressionFormat="GZIP")), PROCESSORS, id="decompression"),
        pytest.param(processed(processor("Decompression"), processor("CloudWatchLogProcessing",
                     DataMessageExtraction="False")), PROCESSORS, id="log processing"),
        pytest.param(partitioned(asking(), asking("{type: .b}")), PROCESSORS, id="two queries"),
        pytest.param(plain(Prefix="/abs/"), f"{S3}.Prefix", id="a prefix that leaves the lake"),
        pytest.param(plain(ErrorOutputPrefix="/abs/"), f"{S3}.ErrorOutputPrefix", id="errors that leave the lake"),
        pytest.param(backed_up(Prefix="a/../"), f"{BACKUP}.Prefix", id="a backup that leaves the lake"),
        pytest.param(plain(Prefix="x" * 256 + "/"), f"{S3}.Prefix", id="a name that a folder cannot have"),
    ],
)  # fmt: skip
def test_what_firehose_takes_and_is_not_supported_is_refused_as_ours(request_: dict[str, Any], path: str) -> None:
    refused = refusal(request_)

    assert isinstance(refused, UnsupportedSettingError)
    assert (refused.code, refused.path) == ("Unsupported", path)
    assert re.fullmatch(r"AWS takes .+, and the local Firehose does not support it: (leave|write) .+", refused.reason)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(plain(), id="only what is required"),
        pytest.param(from_kinesis(), id="a Kinesis source"),
        pytest.param(plain(BufferingHints=hints(1, 0)), id="the least buffer"),
        pytest.param(plain(BufferingHints=hints(128, 900)), id="the largest buffer"),
        pytest.param(plain(Prefix="x/" * 256), id="a prefix of 512 characters"),
        pytest.param(plain(Prefix="!{timestamp:yyyy}/!{firehose:random-string}/", ErrorOutputPrefix=ERRORS),
                     id="expressions"),
        pytest.param(partitioned(BufferingHints=hints(64, 60)), id="partitioning with the least buffer"),
        pytest.param(partitioned(DataFormatConversionConfiguration=conversion(), BufferingHints=ABSENT),
                     id="partitioning and conversion with the default buffer"),
        pytest.param(partitioned(asking(".a | {type}")), id="a query whose keys cannot be told"),
        pytest.param(partitioned(calling(), asking(), Prefix=FROM_LAMBDA + "!{partitionKeyFromQuery:type}/"),
                     id="keys of both"),
        pytest.param(converting(BufferingHints=hints(64, 0)), id="conversion with the least buffer"),
        pytest.param(backed_up(BufferingHints=hints(1, 60)), id="a backup with the least buffer"),
        pytest.param(processed(*OTHERS[:5]), id="five processors"),
        pytest.param(processed(calling(NumberOfRetries="0")), id="0 retries"),
        pytest.param(processed(calling(NumberOfRetries="9")), id="9 retries"),
        pytest.param(processed(calling(NumberOfRetries="300")), id="300 retries"),
        pytest.param(processed(calling(BufferSizeInMBs="0.2", BufferIntervalInSeconds="0")), id="0.2 MB, 0 s"),
        pytest.param(processed(calling(BufferSizeInMBs="3", BufferIntervalInSeconds="900")), id="3 MB, 900 s"),
        pytest.param(processed(processor("Lambda", LambdaArn=FUNCTION_ARN + ":$LATEST")), id="a function's version"),
        pytest.param(plain(CustomTimeZone="Asia/Calcutta"), id="a time zone by its older name"),
        pytest.param(plain(DataFormatConversionConfiguration={"Enabled": False}, CompressionFormat="GZIP"),
                     id="compression where conversion is disabled"),
        pytest.param(plain(ProcessingConfiguration={"Processors": []}), id="no processors where none are enabled"),
    ],
)  # fmt: skip
def test_firehose_takes(request_: dict[str, Any]) -> None:
    assert read_delivery_stream(request_).name == request_["DeliveryStreamName"]
