"""What DescribeDeliveryStream answers is the stream that was made, whoever made it."""

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import boto3
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from moto import mock_aws
from msgspec.structs import fields

from firehose.local.config import api_model
from firehose.local.config.delivery_stream import DeliveryStream, read_delivery_stream
from firehose.local.config.described import create_request, read_json, region, version
from firehose.local.config.members import RefusedSettingError, SettingError, UnsupportedSettingError
from firehose.local.endpoint.deployed import stream_request
from firehose.local.user_error import UserError
from tests.firehose_streams import ROLE_ARN, avro_request, request
from tests.stream_requests import (
    ABSENT,
    ERRORS,
    KEY_ARN,
    S3,
    asking,
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
    processor,
)

ARN = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/orders"


@pytest.fixture
def firehose() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("firehose", region_name="us-east-1")


def answered(firehose: Any, made: dict[str, Any]) -> dict[str, Any]:
    firehose.create_delivery_stream(**made)
    found: dict[str, Any] = firehose.describe_delivery_stream(DeliveryStreamName=made["DeliveryStreamName"])
    return found


def described(made: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the service would answer for a request, with the defaults that it fills in."""
    destination = copy.deepcopy(made[S3])
    if "S3BackupConfiguration" in destination:
        destination["S3BackupDescription"] = destination.pop("S3BackupConfiguration")
    sources = {"KinesisStreamSourceDescription": {**made.get("KinesisStreamSourceConfiguration", {})}}
    sources["KinesisStreamSourceDescription"]["DeliveryStartTimestamp"] = 1.7e9
    kind = made.get("DeliveryStreamType", "DirectPut")
    return {
        "DeliveryStreamName": made["DeliveryStreamName"],
        "DeliveryStreamARN": ARN,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": kind,
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "VersionId": "1",
        "CreateTimestamp": 1.7e9,
        **({"Source": sources} if kind != "DirectPut" else {}),
        "Destinations": [
            {
                "DestinationId": "destinationId-000000000001",
                "ExtendedS3DestinationDescription": {
                    "CompressionFormat": "UNCOMPRESSED",
                    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                    "S3BackupMode": "Disabled",
                    "CloudWatchLoggingOptions": {"Enabled": False},
                    "Prefix": None,
                    **destination,
                },
                "S3DestinationDescription": {"BucketARN": destination["BucketARN"]},
            }
        ],
        "HasMoreDestinations": False,
        **more,
    }


def settings(stream: DeliveryStream) -> dict[str, Any]:
    """All that a stream was read into; a prefix by its text, since it is compiled anew each time."""
    found = {field.name: getattr(stream, field.name) for field in fields(stream)}
    if stream.backup:
        found["backup"] = {field.name: getattr(stream.backup, field.name) for field in fields(stream.backup)}
        found["backup"]["prefix"] = stream.backup.prefix.raw
    destination = stream.destination
    found["destination"] = {field.name: getattr(destination, field.name) for field in fields(destination)}
    prefixes = [name for name in found["destination"] if name.endswith("prefix")]
    found["destination"] |= {name: found["destination"][name].raw for name in prefixes}
    return found


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(request(), id="parquet"),
        pytest.param(avro_request(), id="avro"),
        pytest.param(plain(), id="put to"),
        pytest.param(backed_up(), id="backed up"),
        pytest.param(iceberg(calling(), DestinationTableConfigurationList=only_table()), id="iceberg"),
    ],
)
def test_a_stream_that_a_service_describes_is_the_stream_that_was_made(firehose: Any, made: dict[str, Any]) -> None:
    answer = answered(firehose, made)

    assert settings(read_json(answer)) == settings(read_json(made))
    assert settings(read_json(answer["DeliveryStreamDescription"])) == settings(read_json(made))


def test_a_description_has_its_version_and_its_region() -> None:
    stream = read_json({"DeliveryStreamDescription": described(plain(), VersionId="7")})

    assert (stream.version, stream.region, stream.arn) == (7, "eu-west-1", ARN)


def test_a_request_is_of_version_1_in_the_first_region() -> None:
    assert (version(plain()), region(plain())) == (1, "us-east-1")
    assert create_request(plain()) == plain()


def test_encryption_at_rest_is_reported_only_if_it_is_on() -> None:
    on = {"Status": "ENABLED", "KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": KEY_ARN}

    name = "DeliveryStreamEncryptionConfigurationInput"
    assert read_json(described(plain(), DeliveryStreamEncryptionConfiguration=on)).without_effect == (name,)
    assert read_json(described(plain())).without_effect == ()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(None, "request", id="nothing"),
        pytest.param([plain()], "request", id="a list"),
        pytest.param({"DeliveryStreamDescription": None}, "request", id="a description of nothing"),
        pytest.param(described(plain(), VersionId=7), "VersionId", id="a version that is no text"),
        pytest.param(described(plain(), VersionId="0"), "VersionId", id="version 0"),
        pytest.param(described(plain(), VersionId="9" * 5000), "VersionId", id="a version of 5000 digits"),
        pytest.param(described(plain(), DeliveryStreamARN="orders"), "DeliveryStreamARN", id="no ARN"),
        pytest.param(described(from_kinesis(), Source=[]), "Source", id="a source that is a list"),
        pytest.param(changed(described(plain()), "DeliveryStreamName", ABSENT), "DeliveryStreamName", id="no name"),
    ],
)
def test_what_describes_no_stream_is_refused(document: Any, path: str) -> None:
    with pytest.raises(RefusedSettingError) as refused:
        read_json(document)

    assert refused.value.path == path


@pytest.mark.parametrize("destinations", [[], None, [{"DestinationId": "1"}], [{}, {}], [None], "S3"])
def test_a_destination_that_is_not_extended_s3_is_not_supported(destinations: Any) -> None:
    with pytest.raises(UnsupportedSettingError, match=r"^Destinations: "):
        read_json(described(plain(), Destinations=destinations))


def test_dmd_up_names_the_stream_that_it_cannot_run() -> None:
    with pytest.raises(UserError, match="the delivery stream orders: Destinations: "):
        stream_request(described(plain(), Destinations=[{}]))


# What is generated by the API model is mostly refused by other rules; of these shapes there are better values.
_VALUES: dict[str, list[Any]] = {
    "RoleARN": [ROLE_ARN],
    "BucketARN": ["arn:aws:s3:::lake"],
    "Prefix": ["", "data/", "!{timestamp:yyyy}/", "!{partitionKeyFromQuery:type}/", "!{partitionKeyFromLambda:type}/"],
    "ErrorOutputPrefix": [ERRORS],
    "BufferingHints": [{"SizeInMBs": 64, "IntervalInSeconds": 60}, {"SizeInMBs": 1, "IntervalInSeconds": 0}],
    "CustomTimeZone": ["UTC", "Asia/Tokyo"],
    "ProcessorList": [[calling()], [asking(), calling()], [processor("AppendDelimiterToRecord")]],
    "NonEmptyStringWithoutWhitespace": [ROLE_ARN],
    "EncryptionConfiguration": [{"NoEncryptionConfig": "NoEncryption"}],
}


@cache
def _of(name: str) -> st.SearchStrategy[Any]:
    """Values that the API model takes for a shape."""
    shape = api_model._shapes()[name]
    if name in _VALUES:
        return st.sampled_from(_VALUES[name])
    if shape["type"] == "structure":
        parts = {member: _of(one["shape"]) for member, one in shape["members"].items()}
        required = {member: parts.pop(member) for member in shape.get("required", ())}
        return st.fixed_dictionaries(required, optional=parts)
    if shape["type"] == "list":
        return st.lists(_of(shape["member"]["shape"]), max_size=2)
    if shape["type"] == "map":
        return st.dictionaries(_of(shape["key"]["shape"]), _of(shape["value"]["shape"]), max_size=2)
    if shape["type"] == "boolean":
        return st.booleans()
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if shape["type"] == "string":
        texts = st.from_regex(api_model._java_pattern(shape["pattern"]), fullmatch=True)
        return texts.filter(lambda text: shape["min"] <= len(text) <= min(shape["max"], 64))
    numbers = st.integers if shape["type"] == "integer" else st.floats
    return numbers(shape["min"], shape.get("max", shape["min"] + 9))


_REQUESTS = st.builds(
    lambda base, members: base(**members),
    st.sampled_from([plain, from_kinesis]),
    _of("ExtendedS3DestinationConfiguration"),
)


@given(_REQUESTS)
def test_any_request_that_is_taken_is_the_same_stream_when_it_is_described(made: dict[str, Any]) -> None:
    api_model.check_request(made)
    try:
        stream = read_delivery_stream(made, region="eu-west-1")
    except SettingError as refused:
        note(str(refused))
        return  # of its own tests

    again = described(made)

    if stream.source_arn:
        again["DeliveryStreamARN"] = stream.arn
    assert settings(read_json(again)) == settings(stream)


def test_a_stream_of_each_kind_is_the_same_when_it_is_described() -> None:
    for made in (plain(), from_kinesis(), backed_up(), converting(), partitioned()):
        assert settings(read_json(described(made))) == settings(read_delivery_stream(made, region=_region(made)))


def _region(made: dict[str, Any]) -> str:
    return "us-east-1" if "DeliveryStreamType" in made else "eu-west-1"


_NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["!{", "!{timestamp:", "arn:aws:::", "\ud800", "9" * 5000, "{", "=", ABSENT]),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([{}]),
    st.just({"": 0}),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def _put(value: Any, path: tuple[Any, ...], nonsense: Any) -> Any:
    if not path:
        return None if nonsense is ABSENT else nonsense
    made = copy.copy(value)
    if nonsense is ABSENT and len(path) == 1:
        del made[path[0]]
    else:
        made[path[0]] = _put(value[path[0]], path[1:], nonsense)
    return made


_WHOLE = changed(
    partitioned(
        calling(RoleArn=plain()[S3]["RoleARN"], BufferSizeInMBs="1", BufferIntervalInSeconds="60"),
        asking(),
        Prefix="!{partitionKeyFromQuery:type}/!{timestamp:yyyy}/",
        DataFormatConversionConfiguration=conversion(),
        CustomTimeZone="Asia/Tokyo",
        S3BackupMode="Enabled",
        S3BackupConfiguration=backed_up()[S3]["S3BackupConfiguration"],
        CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"},
    ),
    "Tags",
    [{"Key": "team", "Value": "lake"}],
)
_DOCUMENTS = [_WHOLE, request(), described(_WHOLE), {"DeliveryStreamDescription": described(from_kinesis())}]


@given(st.sampled_from(_DOCUMENTS), st.data())
def test_nonsense_anywhere_in_a_good_document_is_refused_and_never_breaks(document: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        document = _put(document, data.draw(st.sampled_from(_places(document))), data.draw(_NONSENSE))

    with suppress(SettingError):
        assert isinstance(read_json(document), DeliveryStream)


RESOURCE = {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": plain()}
TERRAFORM = "aws_kinesis_firehose_delivery_stream"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param(plain()[S3], 'write {"DeliveryStreamName": "NAME", ', id="a destination alone"),
        pytest.param(RESOURCE, "save its Properties alone", id="a CloudFormation resource"),
        pytest.param({"Resources": {"Orders": RESOURCE}}, "is a CloudFormation resource", id="a template"),
        pytest.param({"name": "orders", "extended_s3_configuration": [{}]}, "is a Terraform resource", id="Terraform"),
        pytest.param({"resource": {TERRAFORM: {"orders": {}}}}, "is a Terraform resource", id="Terraform's JSON"),
        pytest.param(
            {"values": {"root_module": {"resources": [{"type": TERRAFORM}]}}}, "has other names", id="Terraform's state"
        ),
        pytest.param({"DeliveryStreamNames": ["orders"]}, "is a list of names", id="a list of streams"),
    ],
)
def test_a_document_of_another_form_is_recognised_and_the_way_to_the_right_one_said(
    document: dict[str, Any], says: str
) -> None:
    with pytest.raises(RefusedSettingError, match=f"^request: .*{re.escape(says)}"):
        read_json(document)
