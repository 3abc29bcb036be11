"""Where terraform is not at hand: the resources of terraform/test by our own builders, under the same names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.endpoint import Endpoint
from firehose.pipeline.names import Names
from firehose.pipeline.stream_requests import create_avro_delivery_stream, create_delivery_stream
from glue.layout import ERROR_DOCUMENTS, Format
from glue.model import RecordType
from glue.schema import load
from glue.tables import avro_table, parquet_table, with_bucket

ENVIRONMENT = "test"
SHARDS = 2

_NAMES = Names(ENVIRONMENT)
TABLE = _NAMES.table
STREAM = _NAMES.stream
BUCKET = _NAMES.bucket

_TABLES = {Format.PARQUET: parquet_table, Format.AVRO: avro_table}

# Only looked at where somebody assumes it: a local endpoint asks whether the role is there.
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


@dataclass(frozen=True, slots=True)
class _Made:
    """What delivery streams are made of."""

    role_arn: str
    stream_arn: str
    package: bytes


def make_resources(endpoint: Endpoint, modes: Iterable[Format], package: bytes) -> None:
    """Bucket, table, Kinesis stream, Glue tables, functions and delivery streams of these modes.

    Raises:
        UserError: the endpoint refuses one of them.
    """
    types = load()
    with as_user_errors(endpoint.url, "set up"):
        made = _Made(_role(endpoint), _stand_ins(endpoint), package)
        for mode in modes:
            _glue(endpoint, mode, types)
            _delivery(endpoint, mode, types, made)


def _role(endpoint: Endpoint) -> str:
    role = endpoint.client("iam").create_role(RoleName=f"{_NAMES.prefix}-local", AssumeRolePolicyDocument=_TRUST)
    return str(role["Role"]["Arn"])


def _stand_ins(endpoint: Endpoint) -> str:
    """What a real environment has already; the ARN of the Kinesis stream."""
    endpoint.client("s3").create_bucket(Bucket=BUCKET)
    endpoint.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        # What the bridge reads.
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    kinesis = endpoint.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    return str(described["StreamARN"])


def _glue(endpoint: Endpoint, mode: Format, types: Mapping[str, RecordType]) -> None:
    client = endpoint.client("glue")
    client.create_database(DatabaseInput={"Name": _NAMES.database(mode)})
    for record_type in types.values():
        table = with_bucket(_TABLES[mode](record_type), BUCKET)
        client.create_table(DatabaseName=_NAMES.database(mode), TableInput=table)


def _delivery(endpoint: Endpoint, mode: Format, types: Mapping[str, RecordType], made: _Made) -> None:
    client = endpoint.client("firehose")
    # In Parquet mode the first by name claims what has no type, as in terraform/.
    served = [[name] for name in types] if mode is Format.PARQUET else [list(types)]
    for names in served:
        name = f"{_NAMES.prefix}-{names[0] if mode is Format.PARQUET else mode}"
        surroundings: dict[str, Any] = {
            "name": name,
            "stream_arn": made.stream_arn,
            "function_arn": _function(endpoint, name, mode, names, claims=names == served[0], made=made),
            "bucket": BUCKET,
            "role_arn": made.role_arn,
        }
        if mode is Format.PARQUET:
            request = create_delivery_stream(
                names[0], database=_NAMES.database(mode), region=endpoint.region, **surroundings
            )
        else:
            request = create_avro_delivery_stream(**surroundings)
        client.create_delivery_stream(**request)


def _function(endpoint: Endpoint, name: str, mode: Format, names: list[str], *, claims: bool, made: _Made) -> str:
    answer = endpoint.client("lambda").create_function(
        FunctionName=name,
        Role=made.role_arn,
        Runtime="python3.13",
        Handler="transform.handler.lambda_handler",
        Code={"ZipFile": made.package},
        Timeout=300 if mode is Format.AVRO else 60,
        MemorySize=1024,
        Environment={
            "Variables": {
                "FORMAT": mode,
                "RECORD_TYPES": ",".join(names),
                "CLAIMS_UNREADABLE": "true" if claims else "false",
                "BUCKET": BUCKET,
                "ERROR_PREFIX": ERROR_DOCUMENTS,
            }
        },
    )
    return str(answer["FunctionArn"])
