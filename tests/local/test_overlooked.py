"""No member of a request is overlooked: it is read, refused by name, or told where it changes nothing."""

import re
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.members import SettingError
from tests.firehose_streams import request
from tests.stream_requests import (
    ICEBERG,
    KEY_ARN,
    S3,
    backed_up,
    calling,
    changed,
    conversion,
    converting,
    from_kinesis,
    iceberg,
    only_table,
    partitioned,
    plain,
    processed,
    processor,
)

LOGGING = {"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"}
KMS = {"KMSEncryptionConfig": {"AWSKMSKeyARN": KEY_ARN}}
PADDED = conversion(OutputFormatConfiguration={"Serializer": {"ParquetSerDe": {"MaxPaddingBytes": 1}}})


@pytest.mark.parametrize(
    ("request_", "paths"),
    [
        pytest.param(
            plain(EncryptionConfiguration=KMS), [f"{S3}.EncryptionConfiguration.KMSEncryptionConfig"], id="KMS"
        ),
        pytest.param(
            backed_up(EncryptionConfiguration=KMS),
            [f"{S3}.S3BackupConfiguration.EncryptionConfiguration.KMSEncryptionConfig"],
            id="KMS of a backup",
        ),
        pytest.param(plain(EncryptionConfiguration={"NoEncryptionConfig": "NoEncryption"}), [], id="no KMS"),
        pytest.param(
            plain() | {"DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"}},
            ["DeliveryStreamEncryptionConfigurationInput"],
            id="encryption at rest",
        ),
        pytest.param(plain(CloudWatchLoggingOptions=LOGGING), [f"{S3}.CloudWatchLoggingOptions"], id="logging"),
        pytest.param(plain(CloudWatchLoggingOptions={"Enabled": False}), [], id="no logging"),
        pytest.param(
            plain(DataFormatConversionConfiguration=PADDED),
            [
                f"{S3}.DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe.MaxPaddingBytes"
            ],
            id="padding",
        ),
        pytest.param(
            plain(DynamicPartitioningConfiguration={"RetryOptions": {"DurationInSeconds": 10}}),
            [f"{S3}.DynamicPartitioningConfiguration.RetryOptions.DurationInSeconds"],
            id="how long S3 is tried",
        ),
        pytest.param(
            processed(calling(Delimiter="x")),
            [f"{S3}.ProcessingConfiguration.Processors[0].Parameters[1].ParameterName"],
            id="a parameter of another processor",
        ),
        pytest.param(
            from_kinesis() | {"DeliveryStreamType": "DirectPut"},
            ["KinesisStreamSourceConfiguration"],
            id="a Kinesis source of a stream that is put to, which Firehose overlooks, too",
        ),
        pytest.param(
            plain() | {"DirectPutSourceConfiguration": {"ThroughputHintInMBs": 5}},
            ["DirectPutSourceConfiguration"],
            id="a throughput hint",
        ),
        pytest.param(
            changed(iceberg(), f"{ICEBERG}.S3Configuration.BufferingHints", {"SizeInMBs": 1, "IntervalInSeconds": 60}),
            [f"{ICEBERG}.S3Configuration.BufferingHints"],
            id="the buffer of an Iceberg stream's errors",
        ),
        pytest.param(
            iceberg(CloudWatchLoggingOptions=LOGGING), [f"{ICEBERG}.CloudWatchLoggingOptions"], id="logging of Iceberg"
        ),
        pytest.param(plain() | {"Tags": [{"Key": "team", "Value": "lake"}]}, [], id="tags"),
    ],
)
def test_what_was_given_and_changes_nothing_is_told_by_its_path(request_: dict[str, Any], paths: list[str]) -> None:
    assert read_delivery_stream(request_).without_effect == tuple(paths)


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
    ours = [path for path in members if path.startswith((S3, ICEBERG, "KinesisStream")) or "." not in path]
    assert len(ours) > 100

    for path in ours:
        nonsense = changed(iceberg() if ICEBERG in path else request(), path, {"NoSuchMember": 1})
        with pytest.raises(SettingError):
            read_delivery_stream(nonsense)


def structures(value: Any, path: str = "") -> list[str]:
    """The paths of the structures of a request."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if isinstance(value, dict) else []
    return found + [one for key, member in inner for one in structures(member, f"{path}.{key}".strip("."))]


HIVE = {"Deserializer": {"HiveJsonSerDe": {"TimestampFormats": ["millis"]}}}
WHOLE = [
    partitioned(
        DynamicPartitioningConfiguration={"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
        DataFormatConversionConfiguration=conversion(),
        CloudWatchLoggingOptions=LOGGING,
        EncryptionConfiguration=KMS,
    ),
    backed_up(CloudWatchLoggingOptions=LOGGING, EncryptionConfiguration=KMS),
    converting(DataFormatConversionConfiguration=conversion(InputFormatConfiguration=HIVE)),
    from_kinesis(),
    iceberg(
        calling(),
        DestinationTableConfigurationList=only_table(),
        RetryOptions={"DurationInSeconds": 60},
        SchemaEvolutionConfiguration={"Enabled": False},
        CloudWatchLoggingOptions=LOGGING,
    ),
    plain() | {"DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"}},
]


@pytest.mark.parametrize(
    ("whole", "path"),
    [(whole, path) for whole in WHOLE for path in structures(whole)],
)
def test_a_member_that_a_newer_api_adds_is_refused_and_not_overlooked(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, Any], path: str
) -> None:
    monkeypatch.setattr("firehose.local.config.delivery_stream.check_request", lambda _: None)
    read_delivery_stream(whole)

    with pytest.raises(SettingError) as refused:
        read_delivery_stream(changed(whole, f"{path}.New".strip("."), 1))

    assert re.sub(r"\[(\d+)\]", r".\1", refused.value.path) == f"{path}.New".strip(".")
    assert refused.value.code == "Unsupported"


def test_a_processor_that_a_newer_api_adds_is_refused_and_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firehose.local.config.delivery_stream.check_request", lambda _: None)

    with pytest.raises(
        SettingError,
        match=r"Processors\[0\]\.Type: AWS takes Python, .*: leave the processor out$",
    ):
        read_delivery_stream(plain(ProcessingConfiguration={"Processors": [processor("Python")]}))
