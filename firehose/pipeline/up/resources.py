"""The resources of terraform/test, made under the same names by our own builders where terraform is not installed."""

import json
from collections.abc import Iterable, Mapping

import msgspec

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.sinks import S3
from firehose.pipeline.modes import MODES
from firehose.pipeline.names import Names
from firehose.pipeline.streams import ModeStream, mode_streams
from glue.layout import Format, format_prefix
from glue.model import RecordType
from glue.schema import load
from glue.tables import with_bucket

ENVIRONMENT = "test"
SHARDS = 2

_NAMES = Names(ENVIRONMENT)
TABLE = _NAMES.table
STREAM = _NAMES.stream
BUCKET = _NAMES.bucket

# Needed only if somebody assumes the role: a local endpoint merely checks that the role exists.
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


class _Made(msgspec.Struct, frozen=True):
    """The resources that delivery streams refer to."""

    role_arn: str
    stream_arn: str
    package: bytes


def make_resources(endpoint: Endpoint, modes: Iterable[Format], package: bytes) -> None:
    """Make bucket, table, Kinesis stream, and the Glue tables, functions and delivery streams of these modes.

    Raises:
        UserError: the endpoint refuses one of them.
    """
    types = load()
    with as_user_errors(endpoint.url, "set up"):
        made = _Made(_role(endpoint), _stand_ins(endpoint), package)
        for mode in modes:
            _glue(endpoint, mode, types)
            for stream in mode_streams(_NAMES, mode, types):
                _delivery(endpoint, stream, made)


def make_iceberg_tables(endpoint: Endpoint) -> None:
    """Make the Iceberg tables, which neither Terraform nor make_resources() does: before the first change arrives."""
    from firehose.local.iceberg_catalogs import glue_catalog  # noqa: PLC0415 - loads PyIceberg
    from firehose.pipeline.iceberg_tables import TablePlace, make_tables  # noqa: PLC0415

    catalog = glue_catalog(endpoint.client("glue"), **endpoint.file_properties)
    address = f"{S3}{BUCKET}/{format_prefix(Format.ICEBERG)}".rstrip("/")
    make_tables(TablePlace(catalog, _NAMES.database(Format.ICEBERG), address), load())


def _role(endpoint: Endpoint) -> str:
    role = endpoint.client("iam").create_role(RoleName=f"{_NAMES.prefix}-local", AssumeRolePolicyDocument=_TRUST)
    return str(role["Role"]["Arn"])


def _stand_ins(endpoint: Endpoint) -> str:
    """Make the resources that a real environment already has; return the ARN of the Kinesis stream."""
    endpoint.client("s3").create_bucket(Bucket=BUCKET)
    endpoint.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    kinesis = endpoint.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    arn = str(kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"])
    endpoint.client("dynamodb").enable_kinesis_streaming_destination(TableName=TABLE, StreamArn=arn)
    return arn


def _glue(endpoint: Endpoint, mode: Format, types: Mapping[str, RecordType]) -> None:
    client, database = endpoint.client("glue"), _NAMES.database(mode)
    client.create_database(DatabaseInput={"Name": database})
    if make_table := MODES[mode].table:
        for record_type in types.values():
            client.create_table(DatabaseName=database, TableInput=with_bucket(make_table(record_type), BUCKET))


def _delivery(endpoint: Endpoint, stream: ModeStream, made: _Made) -> None:
    request = stream.request(
        stream_arn=made.stream_arn,
        function_arn=_function(endpoint, stream, made),
        bucket=BUCKET,
        role_arn=made.role_arn,
        region=endpoint.region,
    )
    endpoint.client("firehose").create_delivery_stream(**request)


def _function(endpoint: Endpoint, stream: ModeStream, made: _Made) -> str:
    answer = endpoint.client("lambda").create_function(
        FunctionName=stream.name,
        Role=made.role_arn,
        Runtime="python3.13",
        Handler="transform.handler.lambda_handler",
        Code={"ZipFile": made.package},
        Timeout=stream.mode.timeout_seconds,
        MemorySize=stream.mode.memory_mib,
        Environment={"Variables": stream.variables(BUCKET)},
    )
    return str(answer["FunctionArn"])
