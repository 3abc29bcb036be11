"""Makes the bucket, role, function, Glue table and delivery stream, where AWS_ENDPOINT_URL says."""

import io
import json
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).parent


def make_stream() -> None:
    """Make everything; what exists already is an error, as on AWS."""
    boto3.client("s3").create_bucket(Bucket="web-orders")
    role = boto3.client("iam").create_role(RoleName="web-orders", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName="web-orders",
        Role=role,
        Runtime="python3.13",
        Handler="orders.handler",
        Code={"ZipFile": package()},
        Timeout=60,
    )
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "shop"})
    glue.create_table(DatabaseName="shop", TableInput=json.loads((HERE / "table.json").read_text()))
    boto3.client("firehose").create_delivery_stream(**json.loads((HERE / "stream.json").read_text()))


def package() -> bytes:
    """Return the function's zip."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.write(HERE / "orders.py", "orders.py")
    return body.getvalue()


if __name__ == "__main__":
    make_stream()
