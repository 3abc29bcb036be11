"""What AWS's own model of the API forbids is refused, in AWS's words, by the member's path."""

from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from firehose.local.config import api_model
from firehose.local.config.api_model import check_request
from firehose.local.config.members import RefusedSettingError
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
    converting,
    plain,
    processed,
)

OPENX = f"{CONVERSION}.InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
HIVE = f"{CONVERSION}.InputFormatConfiguration.Deserializer.HiveJsonSerDe"
PARQUET = f"{CONVERSION}.OutputFormatConfiguration.Serializer.ParquetSerDe"
HINTS = f"{S3}.BufferingHints"
TAGS = [{"Key": "team", "Value": "lake"}]


def refusal(request: Any) -> RefusedSettingError:
    with pytest.raises(RefusedSettingError) as refused:
        check_request(request)
    return refused.value


def test_a_violation_is_said_as_aws_says_it_behind_the_path_of_the_member() -> None:
    refused = refusal(plain(BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 901}))

    assert refused.code == "ValidationException"
    assert refused.path == f"{HINTS}.IntervalInSeconds"
    assert str(refused) == (
        f"{HINTS}.IntervalInSeconds: 1 validation error detected: Value at "
        "'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: "
        "Member must have value less than or equal to 900"
    )


def test_all_violations_are_said_at_once_and_lists_are_counted_from_one() -> None:
    processors = [{"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": ""}]}]

    refused = refusal(plain(ProcessingConfiguration={"Processors": processors}))

    where = "extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.1.member"
    assert refused.path == f"{PROCESSORS}[0].Parameters[0].ParameterValue"
    assert refused.reason == (
        f"2 validation errors detected: Value at '{where}.parameterValue' failed to satisfy constraint: Member must "
        f"have length greater than or equal to 1; Value at '{where}.parameterValue' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^(?!\s*$).+"
    )


def test_the_rules_of_a_maps_entries_are_said_once_however_many_break_them() -> None:
    refused = refusal(changed(converting(), f"{OPENX}.ColumnToJsonKeyMappings", {"a b": "c", "d e": "", "f": " "}))

    assert refused.path == f"{OPENX}.ColumnToJsonKeyMappings"
    assert refused.reason.startswith("2 validation errors detected: ")
    assert (
        "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have "
        r"length greater than or equal to 1, Member must satisfy regular expression pattern: ^\S+$]"
    ) in refused.reason
    assert "Map value must satisfy constraint: [" in refused.reason


FORBIDDEN = [
    pytest.param("DeliveryStreamName", ABSENT, id="no name"),
    pytest.param("DeliveryStreamName", "a/b", id="a name with a slash"),
    pytest.param("DeliveryStreamName", "x" * 65, id="a name of 65 characters"),
    pytest.param("DeliveryStreamName", "", id="an empty name"),
    pytest.param("DeliveryStreamName", "größe", id="a name with a letter beyond ASCII"),
    pytest.param("DeliveryStreamType", "S3AsSource", id="a type that there is not"),
    pytest.param(f"{S3}.RoleARN", ABSENT, id="no role"),
    pytest.param(f"{S3}.RoleARN", "nonsense", id="a role that is no ARN"),
    pytest.param(f"{S3}.BucketARN", ABSENT, id="no bucket"),
    pytest.param(f"{S3}.BucketARN", "arn:aws:s3:us-east-1:123456789012:lake", id="a bucket with a region"),
    pytest.param(f"{S3}.BucketARN", "arn:aws:s3:::a/b", id="a bucket with a slash"),
    pytest.param(f"{HINTS}.SizeInMBs", 0, id="size 0"),
    pytest.param(f"{HINTS}.SizeInMBs", 129, id="size 129"),
    pytest.param(f"{HINTS}.IntervalInSeconds", -1, id="interval -1"),
    pytest.param(f"{HINTS}.IntervalInSeconds", 901, id="interval 901"),
    pytest.param(f"{S3}.CompressionFormat", "SNAPPY", id="a compression in the wrong case"),
    pytest.param(f"{S3}.S3BackupMode", "AllData", id="a backup mode of another destination"),
    pytest.param(f"{S3}.FileExtension", "json", id="an extension without a dot"),
    pytest.param(f"{S3}.FileExtension", ".JSON", id="an extension in upper case"),
    pytest.param(f"{S3}.FileExtension", "." + "x" * 128, id="an extension of 129 characters"),
    pytest.param(f"{S3}.CustomTimeZone", "Etc/GMT+1", id="a time zone with a digit"),
    pytest.param(f"{S3}.CustomTimeZone", "Europe/Zürich", id="a time zone with a letter beyond ASCII"),
    pytest.param(f"{S3}.CustomTimeZone", "x" * 51, id="a time zone of 51 characters"),
    pytest.param(f"{S3}.Prefix", "x" * 1025, id="a prefix of 1025 characters"),
    pytest.param(f"{S3}.Prefix", "a\rb", id="a prefix with what Java calls a line end"),
    pytest.param(f"{S3}.CloudWatchLoggingOptions.LogStreamName", "a:b", id="a log stream with a colon"),
    pytest.param(f"{S3}.EncryptionConfiguration.NoEncryptionConfig", "None", id="no such encryption"),
    pytest.param(f"{S3}.EncryptionConfiguration.KMSEncryptionConfig", {"AWSKMSKeyARN": "own"}, id="no ARN of a key"),
    pytest.param(f"{S3}.DynamicPartitioningConfiguration.RetryOptions.DurationInSeconds", 7201, id="retries of 7201 s"),
    pytest.param(f"{S3}.ProcessingConfiguration.Processors", [{"Type": "Python"}], id="a processor that there is not"),
    pytest.param(f"{S3}.ProcessingConfiguration.Processors", [{}], id="a processor without a type"),
    pytest.param(f"{PARQUET}.BlockSizeBytes", 64 * 2**20 - 1, id="blocks a byte below 64 MiB"),
    pytest.param(f"{PARQUET}.PageSizeBytes", 64 * 2**10 - 1, id="pages a byte below 64 KiB"),
    pytest.param(f"{PARQUET}.MaxPaddingBytes", -1, id="negative padding"),
    pytest.param(f"{PARQUET}.Compression", "ZSTD", id="a codec that Firehose has not"),
    pytest.param(f"{PARQUET}.WriterVersion", "V3", id="writer version 3"),
    pytest.param(f"{HIVE}.TimestampFormats", [" "], id="a blank timestamp format"),
    pytest.param(f"{CONVERSION}.SchemaConfiguration.TableName", "a b", id="a table with a space"),
    pytest.param(f"{CONVERSION}.SchemaConfiguration.Region", "", id="an empty region"),
    pytest.param("Tags", [], id="no tags in the list of tags"),
    pytest.param("Tags", TAGS * 51, id="51 tags"),
    pytest.param("Tags", [{"Value": "lake"}], id="a tag without a key"),
    pytest.param("Tags", [{"Key": "aws:team"}], id="a tag of AWS's own"),
    pytest.param("Tags", [{"Key": "a&b"}], id="a tag with an ampersand"),
    pytest.param("Tags", [None], id="a tag that is null"),
    pytest.param("DirectPutSourceConfiguration.ThroughputHintInMBs", 101, id="a throughput hint of 101"),
    pytest.param(f"{S3}.Prefixes", "a", id="a member that there is not"),
]


@pytest.mark.parametrize(("path", "value"), FORBIDDEN)
def test_what_the_model_forbids_is_refused_by_the_path_of_the_member(path: str, value: Any) -> None:
    refused = refusal(changed(converting(), path, value))

    assert refused.code == "ValidationException"
    assert refused.path.startswith(path)


TAKEN = [
    pytest.param("DeliveryStreamName", "x" * 64, id="a name of 64 characters"),
    pytest.param(HINTS, {"SizeInMBs": 1, "IntervalInSeconds": 0}, id="the least buffer"),
    pytest.param(HINTS, {"SizeInMBs": 128, "IntervalInSeconds": 900}, id="the largest buffer"),
    pytest.param(f"{S3}.FileExtension", "." + "x" * 127, id="an extension of 128 characters"),
    pytest.param(f"{S3}.FileExtension", "", id="an empty extension"),
    pytest.param(f"{S3}.CustomTimeZone", "", id="an empty time zone"),
    pytest.param(f"{S3}.Prefix", "x" * 1024, id="a prefix of 1024 characters"),
    pytest.param(f"{S3}.DynamicPartitioningConfiguration.RetryOptions.DurationInSeconds", 7200, id="retries of 7200 s"),
    pytest.param(f"{PARQUET}.BlockSizeBytes", 64 * 2**20, id="blocks of 64 MiB"),
    pytest.param(f"{PARQUET}.PageSizeBytes", 64 * 2**10, id="pages of 64 KiB"),
    pytest.param(f"{PARQUET}.MaxPaddingBytes", 0, id="no padding"),
    pytest.param(f"{HIVE}.TimestampFormats", ["millis"], id="a timestamp format"),
    pytest.param("Tags", TAGS * 50, id="50 tags"),
    pytest.param("Tags", [{"Key": "größe", "Value": "\u00a0\u0663"}], id="letters, spaces and digits beyond ASCII"),
    pytest.param(f"{OPENX}.ColumnToJsonKeyMappings", {"a\u00a0b": "c"}, id="a column with a no-break space"),
    pytest.param(f"{OPENX}.ColumnToJsonKeyMappings", {"a": "\u3000"}, id="a key that is an ideographic space"),
    pytest.param("Tags", None, id="a null, which is an absent member"),
    pytest.param("DirectPutSourceConfiguration.ThroughputHintInMBs", 100, id="a throughput hint of 100"),
]


@pytest.mark.parametrize(("path", "value"), TAKEN)
def test_what_the_model_allows_is_taken(path: str, value: Any) -> None:
    assert_taken(changed(converting(), path, value))


def assert_taken(request: Any) -> None:
    """Nothing is wrong with the request: of all its members, one that is made wrong on purpose is refused alone."""
    check_request(request)

    refused = refusal(changed(request, "DeliveryStreamName", "a/b"))

    assert (refused.path, refused.reason[:25]) == ("DeliveryStreamName", "1 validation error detect")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(f"{HINTS}.SizeInMBs", "5", id="a text for a number"),
        pytest.param(f"{HINTS}.SizeInMBs", True, id="a truth for a number"),
        pytest.param(f"{HINTS}.SizeInMBs", 5.0, id="a fraction for a whole number"),
        pytest.param(f"{HINTS}.SizeInMBs", 2**31, id="more than 32 bits"),
        pytest.param(HINTS, 5, id="a number for a structure"),
        pytest.param(f"{S3}.Prefix", 5, id="a number for a text"),
        pytest.param(f"{S3}.ProcessingConfiguration.Enabled", "true", id="a text for a truth"),
        pytest.param("Tags", {"team": "lake"}, id="a structure for a list"),
        pytest.param(f"{OPENX}.ColumnToJsonKeyMappings", {"a": 1}, id="a number in a map of texts"),
        pytest.param(f"{HIVE}.TimestampFormats", [1], id="a number in a list of texts"),
    ],
)
def test_a_value_of_another_type_is_no_request_at_all(path: str, value: Any) -> None:
    refused = refusal(changed(changed(converting(), path, value), "DeliveryStreamName", "a/b"))

    assert (refused.path, refused.code) == (path, "SerializationException")


@pytest.mark.parametrize("request_", [None, [], "{}", 7])
def test_a_document_that_is_no_structure_is_no_request(request_: Any) -> None:
    assert refusal(request_).path == "request"


@pytest.mark.parametrize("probability", [float("nan"), 1.1, -0.1])
def test_a_fraction_is_within_its_bounds(probability: float) -> None:
    path = f"{CONVERSION}.OutputFormatConfiguration.Serializer.OrcSerDe.DictionaryKeyThreshold"

    assert refusal(changed(converting(), path, probability)).path == path


def test_good_requests_pass() -> None:
    good = [plain(), converting(), processed(calling(), asking()), backed_up(ErrorOutputPrefix=ERRORS)]
    good.append(changed(plain(), f"{S3}.EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN", KEY_ARN))

    for request in good:
        assert_taken(request)


def shapes_below(shape: Shape, seen: dict[str, Shape]) -> dict[str, Shape]:
    if shape.name not in seen:
        seen[shape.name] = shape
        members = list(getattr(shape, "members", {}).values())
        for one in [*members, *(getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part))]:
            shapes_below(one, seen)
    return seen


def test_every_type_and_pattern_of_the_model_is_known() -> None:
    """So that a newer botocore cannot bring what would be passed over."""
    model = botocore.session.get_session().get_service_model("firehose")
    below = shapes_below(model.operation_model("CreateDeliveryStream").input_shape, {})
    assert len(below) > 150

    for shape in below.values():
        assert shape.type_name in api_model._TYPES
        assert set(shape.metadata) <= {"required", "min", "max", "pattern", "enum", "sensitive", "box"}
        if "pattern" in shape.metadata:
            api_model._java_pattern(shape.metadata["pattern"])
