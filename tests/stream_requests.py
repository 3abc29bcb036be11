"""CreateDeliveryStream requests of each kind, and ways to change one member of them."""

import copy
from collections.abc import Mapping
from typing import Any

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.s3_destination import S3Destination
from tests.firehose_streams import FUNCTION_ARN, ROLE_ARN, STREAM_ARN

S3 = "ExtendedS3DestinationConfiguration"
ICEBERG = "IcebergDestinationConfiguration"
CONVERSION = f"{S3}.DataFormatConversionConfiguration"
PROCESSORS = f"{S3}.ProcessingConfiguration.Processors"
ERRORS = "errors/!{firehose:error-output-type}/"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/own"
ABSENT = object()


def plain(**members: Any) -> dict[str, Any]:
    """A stream that is put to and delivers what it gets: what the API requires, and these members unless ABSENT."""
    destination = {"RoleARN": ROLE_ARN, "BucketARN": "arn:aws:s3:::lake", **members}
    return {"DeliveryStreamName": "orders", S3: {name: it for name, it in destination.items() if it is not ABSENT}}


def from_kinesis(**members: Any) -> dict[str, Any]:
    """The same that reads a Kinesis stream."""
    source = {"KinesisStreamARN": STREAM_ARN, "RoleARN": ROLE_ARN}
    kind = {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}
    return {**plain(**members), **kind}


def s3_of(stream: DeliveryStream) -> S3Destination:
    """The stream's destination, which is S3."""
    assert isinstance(stream.destination, S3Destination)
    return stream.destination


def processor(kind: str, **parameters: str) -> dict[str, Any]:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": kind, "Parameters": listed}


def calling(**parameters: str) -> dict[str, Any]:
    """A Lambda processor."""
    return processor("Lambda", LambdaArn=FUNCTION_ARN, **parameters)


def asking(query: str = "{type: .type}", engine: str = "JQ-1.6") -> dict[str, Any]:
    """A MetadataExtraction processor."""
    return processor("MetadataExtraction", MetadataExtractionQuery=query, JsonParsingEngine=engine)


def processing(*processors: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A ProcessingConfiguration of these, enabled."""
    return {"Enabled": True, "Processors": list(processors), **members}


def processed(*processors: dict[str, Any], **members: Any) -> dict[str, Any]:
    return plain(ProcessingConfiguration=processing(*processors), **members)


def partitioned(*processors: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Dynamic partitioning by an inline key, or by what these processors give."""
    return plain(
        **{
            "Prefix": "data/!{partitionKeyFromQuery:type}/",
            "ErrorOutputPrefix": ERRORS,
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": processing(*(processors or [asking()])),
            **members,
        }
    )


def conversion(**members: Any) -> dict[str, Any]:
    """A DataFormatConversionConfiguration with what is required."""
    return {
        "SchemaConfiguration": {"RoleARN": ROLE_ARN, "DatabaseName": "db", "TableName": "order"},
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        **members,
    }


def converting(**members: Any) -> dict[str, Any]:
    return plain(**{"DataFormatConversionConfiguration": conversion(), **members})


def backed_up(**members: Any) -> dict[str, Any]:
    """All original records go to another bucket, too; `members` are those of the backup."""
    backup = {"RoleARN": ROLE_ARN, "BucketARN": "arn:aws:s3:::backup", **members}
    return plain(S3BackupMode="Enabled", S3BackupConfiguration=backup)


def iceberg(*processors: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A stream that is put to and delivers to Iceberg tables: what the API requires, and these members."""
    destination = {
        "RoleARN": ROLE_ARN,
        "CatalogConfiguration": {"CatalogARN": "arn:aws:glue:us-east-1:123456789012:catalog"},
        "S3Configuration": {"RoleARN": ROLE_ARN, "BucketARN": "arn:aws:s3:::lake"},
        **({"ProcessingConfiguration": processing(*processors)} if processors else {}),
        **members,
    }
    return {"DeliveryStreamName": "orders", ICEBERG: {name: it for name, it in destination.items() if it is not ABSENT}}


def only_table(database: str = "db", name: str = "orders", **members: Any) -> list[dict[str, Any]]:
    """A DestinationTableConfigurationList of one table."""
    return [{"DestinationDatabaseName": database, "DestinationTableName": name, **members}]


def changed(request: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A request with one member changed, or ABSENT: "A.B.0.C" is a path."""
    made = copy.deepcopy(dict(request))
    inner: Any = made
    *above, last = path.split(".")
    for step in above:
        inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
    if value is ABSENT:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return made
