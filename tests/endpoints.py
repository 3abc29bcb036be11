"""The local AWS endpoint as specifications use it: clients, its control path, and streams of a stranger's."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from firehose.local.endpoint.server import endpoint_server
from firehose.local.tested_endpoint import TestedEndpoint

ROLE = "arn:aws:iam::123456789012:role/firehose"
BUCKET = "lake"
ERRORS = "errors/!{firehose:error-output-type}/"

# Answers each order with its day as a partition key; raises at one that says so.
FUNCTION = """
import base64, json

def handler(event, context):
    print("records:", len(event["records"]))
    return {"records": [answer(record) for record in event["records"]]}

def answer(record):
    order = json.loads(base64.b64decode(record["data"]))
    if order.get("raise"):
        raise ValueError("told to")
    data = base64.b64encode(json.dumps(order).encode() + b"\\n").decode()
    return {
        "recordId": record["recordId"],
        "result": order.get("result", "Ok"),
        "data": data,
        "metadata": {"partitionKeys": {"day": order.get("day", "")}},
    }
"""


class LocalAws(TestedEndpoint):
    """An endpoint that runs in this process: that of anybody's tests, and short ways to make a stranger's streams."""

    def http(
        self, path: str, arguments: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        data = None if arguments is None else json.dumps(arguments).encode()
        try:
            with urlopen(Request(self.url + path, data=data, headers=dict(headers or {}))) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def counts(self, stream: str = "orders") -> dict[str, Any]:
        return super().counts(stream)

    def objects(self, prefix: str = "", bucket: str = BUCKET) -> dict[str, bytes]:
        return super().objects(prefix, bucket=bucket)

    def rows(self, prefix: str = "", bucket: str = BUCKET) -> list[dict[str, Any]]:
        return super().rows(prefix, bucket=bucket)

    def errors(self, prefix: str = "errors/", bucket: str = BUCKET) -> list[dict[str, Any]]:
        return super().errors(prefix, bucket=bucket)

    def bucket(self, name: str = BUCKET) -> None:
        self.client("s3").create_bucket(Bucket=name)

    def function(self, code: str = FUNCTION, name: str = "transform", **more: Any) -> str:
        """Deploy a function, and return its ARN."""
        self.client("iam").create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument="{}")
        made = self.client("lambda").create_function(
            **{
                "FunctionName": name,
                "Role": f"arn:aws:iam::123456789012:role/{name}-role",
                "Runtime": "python3.13",
                "Handler": "orders.handler",
                "Code": {"ZipFile": package(code)},
                "Timeout": 10,
                **more,
            }
        )
        return str(made["FunctionArn"])

    def table(self, columns: Mapping[str, str], name: str = "orders") -> None:
        glue = self.client("glue")
        if not glue.get_databases()["DatabaseList"]:
            glue.create_database(DatabaseInput={"Name": "shop"})
        glue.create_table(DatabaseName="shop", TableInput=table_input(columns, name))

    def create(self, destination: Mapping[str, Any], **more: Any) -> str:
        """Make a delivery stream, and return its ARN."""
        made = self.client("firehose").create_delivery_stream(
            **{"DeliveryStreamName": "orders", "ExtendedS3DestinationConfiguration": dict(destination), **more}
        )
        return str(made["DeliveryStreamARN"])

    def put(self, *orders: Mapping[str, Any], stream: str = "orders") -> dict[str, Any]:
        records = [{"Data": json.dumps(order).encode()} for order in orders]
        answer: dict[str, Any] = self.client("firehose").put_record_batch(DeliveryStreamName=stream, Records=records)
        return answer

    def log(self, group: str) -> list[str]:
        """The messages of a log group."""
        return [event["message"] for event in self.client("logs").filter_log_events(logGroupName=group)["events"]]


def package(code: str, **more: bytes) -> bytes:
    """A function's zip."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("orders.py", code)
        for name, content in more.items():
            archive.writestr(name, content)
    return body.getvalue()


def table_input(columns: Mapping[str, str], name: str = "orders") -> dict[str, Any]:
    described = [{"Name": column, "Type": kind} for column, kind in columns.items()]
    return {"Name": name, "StorageDescriptor": {"Columns": described}}


def plain(**members: Any) -> dict[str, Any]:
    """A destination with what the API requires."""
    return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}", **members}


def calling(arn: str, **parameters: str) -> dict[str, Any]:
    """A ProcessingConfiguration with a Lambda processor."""
    values = {"LambdaArn": arn, **parameters}
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


def converting(**members: Any) -> dict[str, Any]:
    """A DataFormatConversionConfiguration to Parquet."""
    return {
        "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "shop", "TableName": "orders"},
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        **members,
    }


def partitioned(arn: str, **members: Any) -> dict[str, Any]:
    """A destination partitioned by the day that a function answers."""
    return plain(
        **{
            "Prefix": "orders/day=!{partitionKeyFromLambda:day}/",
            "ErrorOutputPrefix": ERRORS,
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": calling(arn),
            **members,
        }
    )


@contextmanager
def local_endpoint(**options: Any) -> Iterator[LocalAws]:
    """An empty endpoint: what moto holds belongs to the process, and would outlive a server."""
    with endpoint_server(**options) as server:
        aws = LocalAws(server.url)
        aws.control("reset", {})
        yield aws
