"""Reading a request: what is carried out is read, and everything else is refused by its name."""

import copy
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from firehose.prefix import Instance
from firehose.stream.conversion_settings import MIB, ParquetSettings
from firehose.stream.delivery_stream import UnsupportedSettingError, read_delivery_stream
from firehose.stream.processing import LambdaSettings, Processing
from tests.firehose_streams import FUNCTION_ARN, STREAM_ARN, request

S3 = "ExtendedS3DestinationConfiguration"
PARQUET = f"{S3}.DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe"
OPENX = f"{S3}.DataFormatConversionConfiguration.InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
PROCESSOR = f"{S3}.ProcessingConfiguration.Processors.0"
ABSENT = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(request())
    inner: Any = made
    *above, last = path.split(".")
    for step in above:
        inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return made


def parameters(**values: str) -> dict[str, Any]:
    given = {"LambdaArn": FUNCTION_ARN, **values}
    listed = [{"ParameterName": key, "ParameterValue": value} for key, value in given.items()]
    return changed(f"{PROCESSOR}.Parameters", listed)


def test_our_own_request_is_carried_out_whole() -> None:
    stream = read_delivery_stream(request("sales", buffer_seconds=120, lambda_retries=1))

    assert (stream.name, stream.region, stream.bucket) == ("sales", "us-east-1", "lake")
    assert stream.arn == "arn:aws:firehose:us-east-1:123456789012:deliverystream/sales"
    assert stream.source_arn == STREAM_ARN
    assert stream.prefix.keys == ("type", "date")
    assert (stream.buffer_bytes, stream.buffer_seconds) == (128 * MIB, 120)
    assert stream.processing == Processing(function=LambdaSettings(FUNCTION_ARN, 1, MIB, 60))
    assert stream.extension == ".parquet"


def test_what_is_left_out_has_firehoses_defaults() -> None:
    stream = read_delivery_stream(changed(PARQUET, {}))
    bare = read_delivery_stream(parameters())

    assert stream.conversion is not None
    assert stream.conversion.parquet == ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=False, writer_version="V1")
    assert bare.processing == Processing(function=LambdaSettings(FUNCTION_ARN, 3, MIB, 60))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("DeliveryStreamType", "DirectPut"),
        ("DeliveryStreamEncryptionConfigurationInput", {"KeyType": "AWS_OWNED_CMK"}),
        (f"{S3}.S3BackupMode", "Enabled"),
        (f"{S3}.CompressionFormat", "GZIP"),
        (f"{S3}.EncryptionConfiguration.KMSEncryptionConfig", {"AWSKMSKeyARN": "arn"}),
        (f"{S3}.BufferingHints.SizeInMBs", 63),
        (f"{S3}.BufferingHints.SizeInMBs", True),
        (f"{S3}.BufferingHints.IntervalInSeconds", 0),
        (f"{S3}.BufferingHints.SizeInGBs", 1),
        (f"{S3}.CustomTimeZone", "Mars/Olympus"),
        (f"{S3}.Prefix", "data/!{partitionKeyFromQuery:type}/"),
        (f"{S3}.Prefix", ABSENT),
        (f"{S3}.Prefix", "/abs/!{partitionKeyFromLambda:type}/"),
        (f"{S3}.Prefix", "!{timestamp:[yyyy]}/!{partitionKeyFromLambda:type}/"),
        (f"{S3}.ErrorOutputPrefix", "/abs/!{firehose:error-output-type}/"),
        (f"{S3}.ErrorOutputPrefix", "x" * 240 + "!{firehose:error-output-type}/"),
        (f"{S3}.BucketARN", "nonsense"),
        (f"{S3}.BucketARN", "arn:aws:s3:::a/b"),
        (f"{S3}.RoleARN", 7),
        (f"{S3}.RoleARN", "nonsense"),
        ("KinesisStreamSourceConfiguration.RoleARN", 7),
        (f"{S3}.DataFormatConversionConfiguration.SchemaConfiguration.RoleARN", "nonsense"),
        (f"{S3}.DynamicPartitioningConfiguration.RetryOptions.DurationInSeconds", 7201),
        (f"{S3}.DynamicPartitioningConfiguration.RetryOptions.Foo", 1),
        (f"{S3}.CloudWatchLoggingOptions.Foo", 1),
        (f"{S3}.CloudWatchLoggingOptions.Enabled", "yes"),
        (f"{S3}.CloudWatchLoggingOptions.LogGroupName", ABSENT),
        ("Tags", "nonsense"),
        ("Tags", [{"Key": "a", "Value": "b", "Foo": "c"}]),
        ("Tags", [{"Value": "b"}]),
        ("DeliveryStreamName", "a/b"),
        (f"{S3}.FileExtension", "/../x"),
        (f"{S3}.ErrorOutputPrefix", ABSENT),
        (f"{S3}.ProcessingConfiguration.Enabled", ABSENT),
        (f"{S3}.ProcessingConfiguration.Enabled", 1),
        (f"{S3}.ProcessingConfiguration.Processors", []),
        (f"{PROCESSOR}.Type", "AppendDelimiterToRecord"),
        (f"{S3}.DataFormatConversionConfiguration", {}),
        (f"{S3}.DataFormatConversionConfiguration", {"Enabled": False, "Foo": 1}),
        (f"{S3}.DataFormatConversionConfiguration.Enabled", "no"),
        (f"{S3}.DataFormatConversionConfiguration.SchemaConfiguration", ABSENT),
        (f"{S3}.DataFormatConversionConfiguration.SchemaConfiguration.VersionId", "3"),
        (f"{OPENX}.CaseInsensitive", False),
        (f"{OPENX}.ColumnToJsonKeyMappings", {"id": "Id"}),
        (f"{OPENX}.ConvertDotsInJsonKeysToUnderscores", True),
        (f"{PARQUET}.MaxPaddingBytes", 1),
        (f"{PARQUET}.Compression", "ZSTD"),
        (f"{PARQUET}.BlockSizeBytes", 1),
    ],
)
def test_a_setting_that_is_not_carried_out_is_refused_by_name(path: str, value: Any) -> None:
    named = path.replace(".0", "[0]").rsplit(".KMS", 1)[0]

    with pytest.raises(UnsupportedSettingError) as refused:
        read_delivery_stream(changed(path, value))

    assert refused.value.path.startswith(named)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"NumberOfRetries": "-1"}, "NumberOfRetries"),
        ({"NumberOfRetries": "1.5"}, "NumberOfRetries"),
        ({"NumberOfRetries": "many"}, "NumberOfRetries"),
        ({"BufferSizeInMBs": "0.1", "BufferIntervalInSeconds": "60"}, "BufferSizeInMBs"),
        ({"BufferSizeInMBs": "nan", "BufferIntervalInSeconds": "60"}, "BufferSizeInMBs"),
        ({"BufferSizeInMBs": "1", "BufferIntervalInSeconds": "901"}, "BufferIntervalInSeconds"),
        ({"BufferSizeInMBs": "1"}, "both or neither"),
        ({"Delimiter": "x"}, "Delimiter"),
        ({"RoleArn": "x"}, "RoleArn"),
    ],
)
def test_a_processor_parameter_out_of_bounds_is_refused_by_name(values: dict[str, str], name: str) -> None:
    with pytest.raises(UnsupportedSettingError, match=name):
        read_delivery_stream(parameters(**values))


def test_a_parameter_given_twice_is_refused() -> None:
    twice = parameters()
    twice[S3]["ProcessingConfiguration"]["Processors"][0]["Parameters"] *= 2

    with pytest.raises(UnsupportedSettingError, match="LambdaArn"):
        read_delivery_stream(twice)


def unpartitioned(**more: Any) -> dict[str, Any]:
    made = changed(f"{S3}.DynamicPartitioningConfiguration", ABSENT)
    made[S3] = {**made[S3], **more}
    return made


def test_errors_go_below_a_prefix_without_expressions_when_they_have_none_of_their_own() -> None:
    made = unpartitioned(Prefix="data/")
    del made[S3]["ErrorOutputPrefix"]

    stream = read_delivery_stream(made)

    at = Instance({}, datetime(2025, 1, 2, 3, tzinfo=UTC), error_output_type="processing-failed")
    assert stream.prefix.evaluate(at) == "data/2025/01/02/03/"
    assert stream.error_prefix.evaluate(at) == "data/processing-failed/2025/01/02/03/"


def test_a_prefix_with_expressions_needs_an_error_prefix() -> None:
    made = unpartitioned(Prefix="data/!{timestamp:yyyy}/")
    del made[S3]["ErrorOutputPrefix"]

    with pytest.raises(UnsupportedSettingError, match="ErrorOutputPrefix: is required"):
        read_delivery_stream(made)


def unconverted(**more: Any) -> dict[str, Any]:
    made = unpartitioned(Prefix="data/", **more)
    del made[S3]["DataFormatConversionConfiguration"]
    return made


@pytest.mark.parametrize(
    "conversion",
    [
        pytest.param(None, id="left out"),
        pytest.param({"Enabled": False}, id="disabled"),
        pytest.param(request()[S3]["DataFormatConversionConfiguration"] | {"Enabled": False}, id="kept for later"),
    ],
)
def test_without_format_conversion_there_are_firehoses_other_defaults(conversion: Any) -> None:
    made = unconverted(BufferingHints={})
    if conversion:
        made[S3]["DataFormatConversionConfiguration"] = conversion

    stream = read_delivery_stream(made)

    assert stream.conversion is None
    assert (stream.buffer_bytes, stream.buffer_seconds, stream.extension) == (5 * MIB, 300, "")


def test_conversion_that_is_kept_for_later_is_read_too() -> None:
    made = unconverted()
    made[S3]["DataFormatConversionConfiguration"] = {"Enabled": False, "SchemaConfiguration": {"TableName": "sale"}}

    with pytest.raises(UnsupportedSettingError, match=r"SchemaConfiguration\.DatabaseName"):
        read_delivery_stream(made)


@pytest.mark.parametrize("mib", [1, 128])
def test_without_format_conversion_the_buffer_takes_its_bounds(mib: int) -> None:
    stream = read_delivery_stream(unconverted(BufferingHints={"SizeInMBs": mib, "IntervalInSeconds": 0}))

    assert (stream.buffer_bytes, stream.buffer_seconds) == (mib * MIB, 0)


@pytest.mark.parametrize("hints", [{"SizeInMBs": 0}, {"SizeInMBs": 129}, {"IntervalInSeconds": 901}])
def test_a_buffer_that_firehose_would_refuse_is_refused(hints: dict[str, int]) -> None:
    with pytest.raises(UnsupportedSettingError, match="BufferingHints"):
        read_delivery_stream(unconverted(BufferingHints=hints))


@pytest.mark.parametrize(("hints", "taken"), [({"SizeInMBs": 64}, True), ({"SizeInMBs": 63}, False), ({}, False)])
def test_dynamic_partitioning_alone_wants_64_mib_and_has_a_default_of_5(hints: dict[str, int], taken: bool) -> None:
    made = changed(f"{S3}.DataFormatConversionConfiguration", ABSENT)
    made[S3]["BufferingHints"] = hints

    if taken:
        assert read_delivery_stream(made).buffer_bytes == 64 * MIB
    else:
        with pytest.raises(UnsupportedSettingError, match="SizeInMBs"):
            read_delivery_stream(made)


def every_member(shape: Shape, path: str = "") -> list[str]:
    """Every member below `shape`, a list's by its first element."""
    if shape.type_name == "list":
        return every_member(shape.member, f"{path}.0")
    if shape.type_name != "structure":
        return []
    paths = []
    for name, member in shape.members.items():
        paths += [f"{path}.{name}".strip("."), *every_member(member, f"{path}.{name}")]
    return paths


def test_no_member_of_the_api_is_silently_ignored() -> None:
    """Each member that AWS's model knows is read or refused by name, those without effect here among them."""
    model = botocore.session.get_session().get_service_model("firehose")
    members = every_member(model.operation_model("CreateDeliveryStream").input_shape)
    ours = [path for path in members if path.startswith((S3, "KinesisStream")) or "." not in path]
    assert len(ours) > 60

    for path in ours:
        nonsense = changed(path, {"NoSuchMember": 1})
        with pytest.raises(UnsupportedSettingError):
            read_delivery_stream(nonsense)
