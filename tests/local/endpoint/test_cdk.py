"""The integration tests that aws-cdk asserts on real accounts, retold against the endpoint by boto3.

Their stacks are those of aws-kinesisfirehose: dynamic partitioning by a function and by an inline query, and record
format conversion. What they assert of S3 is asserted here.
"""

import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.endpoints import LocalAws, calling, plain
from tests.local.endpoint.test_firehose_api import code

pytestmark = pytest.mark.slow

RECORDS = [
    {"foo": "recordA", "bar": {"baz": "Partition1", "blah": "blah"}, "data": "data1"},
    {"foo": "recordB", "bar": {"baz": "Partition2", "blah": "quux"}, "data": "data2"},
]
KEYS = ["key1=recordA/key2=PARTITION1/", "key1=recordB/key2=PARTITION2/"]

# Theirs is JavaScript, whose JSON leaves a key without a value out.
FUNCTION = """
import base64, json

def handler(event, context):
    records = []
    for record in event["records"]:
        payload = json.loads(base64.b64decode(record["data"]))
        keys = {"key1": payload.get("foo"), "key2": payload.get("bar", {}).get("baz", "").upper()}
        keys = {name: value for name, value in keys.items() if value}
        records.append({**record, "result": "Ok", "metadata": {"partitionKeys": keys}})
    return {"records": records}
"""


def partitioned_by(namespace: str, *processors: dict[str, Any]) -> dict[str, Any]:
    split = {"Type": "RecordDeAggregation", "Parameters": [parameter("SubRecordType", "JSON")]}
    return plain(
        Prefix=f"key1=!{{{namespace}:key1}}/key2=!{{{namespace}:key2}}/",
        ErrorOutputPrefix="error-output/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={"Enabled": True, "Processors": [split, *processors]},
    )


def parameter(name: str, value: str) -> dict[str, str]:
    return {"ParameterName": name, "ParameterValue": value}


def put_in_one(aws: LocalAws, *records: dict[str, Any]) -> None:
    data = "".join(json.dumps(record, separators=(",", ":")) for record in records)
    aws.client("firehose").put_record(DeliveryStreamName="orders", Record={"Data": data})
    aws.advance(150)


def test_partitioned_by_a_function(aws: LocalAws) -> None:
    (processor,) = calling(aws.function(FUNCTION))["Processors"]
    aws.create(
        partitioned_by("partitionKeyFromLambda", processor),
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
    )

    put_in_one(aws, *RECORDS, {"data": "data3"})

    assert [len(aws.objects(prefix)) for prefix in (*KEYS, "error-output/partitioning-failed/")] == [1, 1, 1]
    assert len(aws.objects()) == 3


def test_partitioned_by_an_inline_query(aws: LocalAws) -> None:
    query = "{key1: .foo, key2: .bar.baz|ascii_upcase}"
    parameters = [parameter("MetadataExtractionQuery", query), parameter("JsonParsingEngine", "JQ-1.6")]
    aws.create(partitioned_by("partitionKeyFromQuery", {"Type": "MetadataExtraction", "Parameters": parameters}))

    put_in_one(aws, *RECORDS)

    assert [len(aws.objects(prefix)) for prefix in KEYS] == [1, 1]
    assert len(aws.objects()) == 2


PARQUET: dict[str, Any] = {"ParquetSerDe": {}}
OPENX: dict[str, Any] = {"OpenXJsonSerDe": {}}
CUSTOM = {
    "BlockSizeBytes": 128 * 1024 * 1024,
    "PageSizeBytes": 2 * 1024 * 1024,
    "Compression": "UNCOMPRESSED",
    "WriterVersion": "V2",
    "EnableDictionaryCompression": True,
    "MaxPaddingBytes": 100,
}


def converted(aws: LocalAws, reader: dict[str, Any], writer: dict[str, Any], table: str = "orders") -> None:
    schema = {"RoleARN": plain()["RoleARN"], "DatabaseName": "shop", "TableName": table}
    aws.create(
        plain(
            Prefix="success/",
            ErrorOutputPrefix="error/",
            BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 0},
            DataFormatConversionConfiguration={
                "SchemaConfiguration": schema,
                "InputFormatConfiguration": {"Deserializer": reader},
                "OutputFormatConfiguration": {"Serializer": writer},
            },
        )
    )


@pytest.mark.parametrize(
    ("reader", "writer", "codec"),
    [
        pytest.param(OPENX, PARQUET, "SNAPPY", id="DefaultOpenXJsonParquet"),
        pytest.param({"HiveJsonSerDe": {}}, PARQUET, "SNAPPY", id="hive json"),
        pytest.param(
            {"HiveJsonSerDe": {"TimestampFormats": ["millis", "yyyy-MM-dd"]}}, PARQUET, "SNAPPY", id="custom hive"
        ),
        pytest.param(
            OPENX, {"ParquetSerDe": {"Compression": "GZIP", "WriterVersion": "V1"}}, "GZIP", id="CustomParquetGzip"
        ),
        pytest.param(OPENX, {"ParquetSerDe": {"Compression": "SNAPPY"}}, "SNAPPY", id="CustomParquetSnappy"),
        pytest.param(OPENX, {"ParquetSerDe": CUSTOM}, "UNCOMPRESSED", id="CustomParquet"),
    ],
)
def test_converted(aws: LocalAws, reader: dict[str, Any], writer: dict[str, Any], codec: str) -> None:
    aws.table({"column_a": "string", "column_b": "string"})
    converted(aws, reader, writer)

    aws.put({"column_a": "foo", "column_b": "bar"})
    aws.advance(5)

    ((key, body),) = aws.objects("success/").items()
    file = pq.ParquetFile(io.BytesIO(body))
    assert key.endswith(".parquet")
    assert file.metadata.row_group(0).column(0).compression == codec
    assert file.read(use_threads=False).to_pylist() == [{"column_a": "foo", "column_b": "bar"}]


def test_converted_with_names_that_are_mapped(aws: LocalAws) -> None:
    aws.table({"column_yay": "string", "column_b": "string"})
    reader = {
        "CaseInsensitive": False,
        "ColumnToJsonKeyMappings": {"column_yay": "Column_A"},
        "ConvertDotsInJsonKeysToUnderscores": True,
    }
    converted(aws, {"OpenXJsonSerDe": reader}, PARQUET)

    aws.put({"Column_A": "foo", "column.b": "bar"})
    aws.advance(5)

    assert aws.rows("success/") == [{"column_yay": "foo", "column_b": "bar"}]


def test_records_that_do_not_convert_are_in_the_error_output(aws: LocalAws) -> None:
    aws.table({"column_a": "string", "column_b": "int"})
    converted(aws, OPENX, PARQUET)

    aws.put({"column_a": "foo", "column_b": "bar"})
    aws.advance(5)

    (error,) = aws.errors("error/")
    assert error["lastErrorCode"] == "DataFormatConversion.MalformedData"


def test_orc_is_refused_by_name(aws: LocalAws) -> None:
    aws.table({"column_a": "string"})

    refused = code(converted, aws=aws, reader=OPENX, writer={"OrcSerDe": {}})

    assert refused == "InvalidArgumentException 400"
