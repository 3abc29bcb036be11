"""Firehose's API by boto3: what it answers, what it adds, and the codes of what it refuses."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoints import ERRORS, ROLE, LocalAws, calling, converting, partitioned, plain

pytestmark = pytest.mark.slow

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:transform"
NAMED = {"DeliveryStreamName": "orders"}


def code(call: Any, **arguments: Any) -> str:
    """The error code and HTTP status with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return f"{response['Error']['Code']} {response['ResponseMetadata']['HTTPStatusCode']}"


def described(aws: LocalAws, name: str = "orders") -> dict[str, Any]:
    answer = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
    found: dict[str, Any] = answer["DeliveryStreamDescription"]
    return found


def destination(aws: LocalAws) -> dict[str, Any]:
    found: dict[str, Any] = described(aws)["Destinations"][0]["ExtendedS3DestinationDescription"]
    return found


def update(aws: LocalAws, version: int = 1, **changes: Any) -> None:
    aws.client("firehose").update_destination(
        **NAMED,
        CurrentDeliveryStreamVersionId=str(version),
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate=changes,
    )


def test_a_stream_is_described_with_the_defaults_that_firehose_adds(aws: LocalAws) -> None:
    arn = aws.create(plain())

    description = described(aws)
    (only,) = description.pop("Destinations")

    assert description.pop("CreateTimestamp")
    assert description == {
        "DeliveryStreamName": "orders",
        "DeliveryStreamARN": arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": "DirectPut",
        "VersionId": "1",
        "HasMoreDestinations": False,
    }
    s3 = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::lake",
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    assert only == {
        "DestinationId": "destinationId-000000000001",
        "S3DestinationDescription": s3,
        "ExtendedS3DestinationDescription": {**s3, "S3BackupMode": "Disabled"},
    }


def test_a_processors_parameters_are_described_in_firehoses_order_with_defaults(aws: LocalAws) -> None:
    aws.create(plain(ProcessingConfiguration=calling(FUNCTION_ARN, NumberOfRetries="5")))

    (processor,) = destination(aws)["ProcessingConfiguration"]["Processors"]

    assert [(one["ParameterName"], one["ParameterValue"]) for one in processor["Parameters"]] == [
        ("LambdaArn", FUNCTION_ARN),
        ("NumberOfRetries", "5"),
        ("RoleArn", ROLE),
        ("BufferSizeInMBs", "1"),
        ("BufferIntervalInSeconds", "60"),
    ]


def test_conversion_is_described_with_its_table_and_a_larger_buffer(aws: LocalAws) -> None:
    aws.table({"id": "string"})
    aws.create(plain(DataFormatConversionConfiguration=converting()))

    found = destination(aws)

    assert found["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 300}
    assert found["DataFormatConversionConfiguration"]["Enabled"] is True
    schema = found["DataFormatConversionConfiguration"]["SchemaConfiguration"]
    assert (schema["Region"], schema["VersionId"]) == ("us-east-1", "LATEST")


def test_a_stream_that_reads_kinesis_says_from_when(aws: LocalAws) -> None:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=1)
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
    aws.create(
        plain(),
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": ROLE},
    )

    found = described(aws)

    source = found["Source"]["KinesisStreamSourceDescription"]
    assert source.pop("DeliveryStartTimestamp") == found["CreateTimestamp"]
    assert source == {"KinesisStreamARN": arn, "RoleARN": ROLE}
    put = aws.client("firehose").put_record
    assert code(put, **NAMED, Record={"Data": b"x"}) == "InvalidArgumentException 400"
    start = aws.client("firehose").start_delivery_stream_encryption
    assert code(start, **NAMED) == "InvalidArgumentException 400"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(
            {"BufferingHints": {"SizeInMBs": 200, "IntervalInSeconds": 60}}, "ValidationException", id="model"
        ),
        pytest.param({"Prefix": "!{partitionKeyFromLambda:x}/"}, "InvalidArgumentException", id="a rule"),
        pytest.param({"DataFormatConversionConfiguration": converting()}, "InvalidArgumentException", id="no table"),
        pytest.param(
            {
                "DataFormatConversionConfiguration": converting(
                    OutputFormatConfiguration={"Serializer": {"OrcSerDe": {}}}
                )
            },
            "InvalidArgumentException",
            id="what is not supported here",
        ),
    ],
)
def test_a_stream_is_refused_with_firehoses_code(aws: LocalAws, members: dict[str, Any], expected: str) -> None:
    assert code(aws.create, destination=plain(**members)) == f"{expected} 400"
    assert aws.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_stream_of_a_kinesis_stream_that_does_not_exist_is_refused(aws: LocalAws) -> None:
    source = {"KinesisStreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/none", "RoleARN": ROLE}
    more = {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}

    assert code(aws.create, destination=plain(), **more) == "InvalidArgumentException 400"


def test_a_name_is_taken_once_in_a_region(aws: LocalAws) -> None:
    aws.create(plain())

    assert code(aws.create, destination=plain()) == "ResourceInUseException 400"
    elsewhere = aws.client("firehose", "eu-west-1")
    made = elsewhere.create_delivery_stream(**NAMED, ExtendedS3DestinationConfiguration=plain())
    assert made["DeliveryStreamARN"] == "arn:aws:firehose:eu-west-1:123456789012:deliverystream/orders"


def test_more_streams_than_the_quota_are_refused(aws: LocalAws) -> None:
    for number in range(100):
        aws.create(plain(), DeliveryStreamName=f"orders-{number}")

    assert code(aws.create, destination=plain()) == "LimitExceededException 400"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("describe_delivery_stream", {}),
        ("delete_delivery_stream", {}),
        ("put_record", {"Record": {"Data": b"x"}}),
        ("put_record_batch", {"Records": [{"Data": b"x"}]}),
        ("list_tags_for_delivery_stream", {}),
        ("tag_delivery_stream", {"Tags": [{"Key": "a"}]}),
        ("untag_delivery_stream", {"TagKeys": ["a"]}),
        ("start_delivery_stream_encryption", {}),
        ("stop_delivery_stream_encryption", {}),
    ],
)
def test_a_stream_that_does_not_exist_is_not_found(aws: LocalAws, operation: str, arguments: dict[str, Any]) -> None:
    call = getattr(aws.client("firehose"), operation)

    assert code(call, **NAMED, **arguments) == "ResourceNotFoundException 400"


def test_streams_are_listed_a_page_at_a_time_by_type(aws: LocalAws) -> None:
    for name in ("b", "a", "c"):
        aws.create(plain(), DeliveryStreamName=name)
    listed = aws.client("firehose").list_delivery_streams

    first = listed(Limit=2)
    second = listed(Limit=2, ExclusiveStartDeliveryStreamName="b")

    assert (first["DeliveryStreamNames"], first["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    assert (second["DeliveryStreamNames"], second["HasMoreDeliveryStreams"]) == (["c"], False)
    assert listed(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"] == []


def test_an_update_changes_what_it_names_and_keeps_the_rest(aws: LocalAws) -> None:
    aws.table({"id": "string"})
    aws.create(
        partitioned(
            FUNCTION_ARN,
            DataFormatConversionConfiguration=converting(),
            EncryptionConfiguration={
                "KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:123456789012:key/a"}
            },
        )
    )
    before = destination(aws)

    update(aws, Prefix="new/day=!{partitionKeyFromLambda:day}/")

    assert destination(aws) == {**before, "Prefix": "new/day=!{partitionKeyFromLambda:day}/"}
    assert described(aws)["VersionId"] == "2"
    assert described(aws)["LastUpdateTimestamp"] >= described(aws)["CreateTimestamp"]


def test_conversion_is_kept_unless_an_update_disables_it(aws: LocalAws) -> None:
    aws.table({"id": "string"})
    aws.create(plain(DataFormatConversionConfiguration=converting()))

    update(aws, Prefix="a/")
    update(aws, 2, DataFormatConversionConfiguration={"Enabled": False})

    assert destination(aws)["DataFormatConversionConfiguration"] == {"Enabled": False}
    assert destination(aws)["Prefix"] == "a/"


def test_an_update_that_changes_nothing_keeps_the_version(aws: LocalAws) -> None:
    aws.create(plain(Prefix="a/"))

    update(aws, Prefix="a/")

    assert described(aws)["VersionId"] == "1"


@pytest.mark.parametrize(
    ("version", "changes", "expected"),
    [
        pytest.param(2, {"Prefix": "b/"}, "ConcurrentModificationException", id="another version"),
        pytest.param(1, {"Prefix": "!{x}"}, "InvalidArgumentException", id="a setting that is refused"),
        pytest.param(
            1,
            {"DynamicPartitioningConfiguration": {"Enabled": True}},
            "InvalidArgumentException",
            id="partitioning, late",
        ),
        pytest.param(1, {"S3BackupMode": "Disabled"}, "InvalidArgumentException", id="no backup any more"),
    ],
)
def test_an_update_is_refused_and_changes_nothing(
    aws: LocalAws, version: int, changes: dict[str, Any], expected: str
) -> None:
    backup = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake", "Prefix": "backup/"}
    aws.create(plain(Prefix="a/", S3BackupMode="Enabled", S3BackupConfiguration=backup))
    before = described(aws)

    assert code(update, aws=aws, version=version, **changes) == f"{expected} 400"
    assert described(aws) == before


def test_a_backup_is_merged_too(aws: LocalAws) -> None:
    backup = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake", "Prefix": "backup/"}
    aws.create(plain(S3BackupMode="Enabled", S3BackupConfiguration=backup))

    update(aws, S3BackupUpdate={"CompressionFormat": "GZIP"})

    found = destination(aws)["S3BackupDescription"]
    assert (found["Prefix"], found["CompressionFormat"]) == ("backup/", "GZIP")


def test_what_was_buffered_is_delivered_under_the_settings_before_an_update(aws: LocalAws) -> None:
    aws.create(plain(Prefix="a/", ErrorOutputPrefix=ERRORS))
    aws.put({"id": 1})

    update(aws, Prefix="b/")
    aws.put({"id": 2})
    aws.control("flush", {})

    keys = sorted(key[:2] + key.split("/orders-")[1][0] for key in aws.objects())
    assert keys == ["a/1", "b/2"]  # prefix, and the version in the name
    assert (aws.counts()["delivered"], aws.counts()["waiting"]) == (2, 0)


def test_a_stream_has_tags(aws: LocalAws) -> None:
    aws.create(plain(), Tags=[{"Key": "team", "Value": "shop"}, {"Key": "old"}])
    firehose = aws.client("firehose")

    firehose.tag_delivery_stream(**NAMED, Tags=[{"Key": "stage", "Value": "dev"}])
    firehose.untag_delivery_stream(**NAMED, TagKeys=["old", "none"])

    listed = firehose.list_tags_for_delivery_stream(**NAMED)
    assert listed["Tags"] == [{"Key": "stage", "Value": "dev"}, {"Key": "team", "Value": "shop"}]
    assert firehose.list_tags_for_delivery_stream(**NAMED, Limit=1)["HasMoreTags"] is True
    too_many = [{"Key": f"k{number}"} for number in range(49)]
    assert code(firehose.tag_delivery_stream, **NAMED, Tags=too_many) == "LimitExceededException 400"


def test_encryption_is_taken_and_described(aws: LocalAws) -> None:
    aws.create(plain())
    firehose = aws.client("firehose")

    firehose.start_delivery_stream_encryption(**NAMED)
    encrypted = described(aws)["DeliveryStreamEncryptionConfiguration"]
    assert firehose.put_record(**NAMED, Record={"Data": b"x"})["Encrypted"] is True
    firehose.stop_delivery_stream_encryption(**NAMED)

    assert encrypted == {"Status": "ENABLED", "KeyType": "AWS_OWNED_CMK"}
    assert described(aws)["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}


def test_a_deleted_stream_has_delivered_what_it_had(aws: LocalAws) -> None:
    aws.create(plain())
    aws.put({"id": 1})

    aws.client("firehose").delete_delivery_stream(**NAMED)

    assert list(aws.objects().values()) == [b'{"id": 1}']
    assert code(aws.client("firehose").describe_delivery_stream, **NAMED) == "ResourceNotFoundException 400"
