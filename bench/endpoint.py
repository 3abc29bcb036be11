"""Put load on the local endpoint, and compare it with moto, which only stores what is put.

    python -m bench.endpoint [--seconds 60] [--clients 4]

Clients are processes that put full batches through boto3 as fast as they are answered, into a stream with a function,
dynamic partitioning and conversion to Parquet. Everything must be delivered in the end. Memory is that of the server's
process after the last delivery, less what it had before and less the bytes of the objects, which moto holds. The last
part puts records into a Kinesis stream, and measures the processor time of reading and delivering them.
"""

import argparse
import base64
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, cast
from urllib.request import Request, urlopen

import boto3
import pyarrow.parquet as pq

from bench.tables import table
from firehose.local.endpoint.server import endpoint_server

ROLE = "arn:aws:iam::123456789012:role/firehose"
BATCH = 500
BUCKET, STREAM = "lake", "orders"

FUNCTION = """
import base64, json

def handler(event, context):
    return {"records": [answer(record) for record in event["records"]]}

def answer(record):
    order = json.loads(base64.b64decode(record["data"]))
    keys = {"partitionKeys": {"day": order["day"]}}
    return {"recordId": record["recordId"], "result": "Ok", "data": record["data"], "metadata": keys}
"""

_ENDPOINT = [sys.executable, "-W", "ignore", "-m", "firehose.local"]
_MOTO = [
    sys.executable,
    "-c",
    "import sys; from moto.server import ThreadedMotoServer as S; s = S('127.0.0.1', 0, verbose=False); s.start();"
    "print('endpoint: http://127.0.0.1:%s' % s.get_host_and_port()[1], flush=True); sys.stdin.read()",
]


class Load(NamedTuple):
    """The records put, and the seconds of each call."""

    records: int
    calls: list[float]

    @property
    def p99_ms(self) -> float:
        """The time in which 99 of 100 calls were answered."""
        return sorted(self.calls)[int(len(self.calls) * 0.99)] * 1000

    @property
    def mean_ms(self) -> float:
        """The mean time of a call."""
        return sum(self.calls) / len(self.calls) * 1000


@contextmanager
def served(command: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the process id and address of a server."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process.pid, cast(IO[str], process.stdout).readline().removeprefix("endpoint: ").strip()
    finally:
        process.terminate()
        process.communicate()


def client(url: str, service: str) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )


def control(url: str, name: str, arguments: dict[str, Any]) -> Any:
    body = json.dumps(arguments).encode()
    with urlopen(Request(f"{url}/_firehose/{name}", data=body)) as answer:  # noqa: S310 - our own
        return json.load(answer)


def make_stream(url: str) -> None:
    client(url, "s3").create_bucket(Bucket=BUCKET)
    client(url, "iam").create_role(RoleName="firehose", AssumeRolePolicyDocument="{}")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("orders.py", FUNCTION)
    function = client(url, "lambda").create_function(
        FunctionName="transform",
        Role=ROLE,
        Runtime="python3.13",
        Handler="orders.handler",
        Code={"ZipFile": body.getvalue()},
        Timeout=60,
    )["FunctionArn"]
    client(url, "glue").create_database(DatabaseInput={"Name": "shop"})
    columns = [
        {"Name": name, "Type": kind} for name, kind in {"id": "string", "day": "string", "note": "string"}.items()
    ]
    client(url, "glue").create_table(
        DatabaseName="shop", TableInput={"Name": "orders", "StorageDescriptor": {"Columns": columns}}
    )
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": function}]
    client(url, "firehose").create_delivery_stream(
        DeliveryStreamName=STREAM,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "Prefix": "orders/day=!{partitionKeyFromLambda:day}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]},
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "shop", "TableName": "orders"},
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )


def make_moto_stream(url: str) -> None:
    client(url, "s3").create_bucket(Bucket=BUCKET)
    client(url, "firehose").create_delivery_stream(
        DeliveryStreamName=STREAM,
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}"},
    )


def batch(number: int) -> list[dict[str, bytes]]:
    day, note = f"2026-01-{number % 28 + 1:02}", "x" * 200
    return [{"Data": json.dumps({"id": f"{number}-{one}", "day": day, "note": note}).encode()} for one in range(BATCH)]


def put_batches(url: str, seconds: float) -> Load:
    """Put batches one after the other for so long, in a process of its own."""
    firehose = client(url, "firehose")
    calls: list[float] = []
    batches = [batch(number) for number in range(28)]
    ends = time.monotonic() + seconds
    refused = 0
    while time.monotonic() < ends:
        began = time.perf_counter()
        answer = firehose.put_record_batch(DeliveryStreamName=STREAM, Records=batches[len(calls) % len(batches)])
        calls.append(time.perf_counter() - began)
        refused += answer["FailedPutCount"]
    return Load(len(calls) * BATCH - refused, calls)


def load(url: str, seconds: float, clients: int) -> Load:
    with ProcessPoolExecutor(clients) as pool:
        loads = list(pool.map(put_batches, [url] * clients, [seconds] * clients))
    return Load(sum(one.records for one in loads), [call for one in loads for call in one.calls])


def resident_bytes(process: int) -> int:
    found = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)
    return int(found.stdout) * 1024


def stored(url: str) -> tuple[int, int]:
    """Return the rows and bytes of the objects in the bucket."""
    s3 = client(url, "s3")
    rows = size_bytes = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for one in page.get("Contents", []):
            body = s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            rows += pq.ParquetFile(io.BytesIO(body)).metadata.num_rows
            size_bytes += len(body)
    return rows, size_bytes


def kinesis_cost(records: int) -> float:
    """Return the microseconds of processor time in which a record is read from Kinesis and delivered.

    The records are laid into moto's shard: putting them through its API takes time that grows with their square.
    """
    from moto.kinesis.models import Record, kinesis_backends  # noqa: PLC0415 - not in the process of the clients

    with endpoint_server() as server:
        client(server.url, "s3").create_bucket(Bucket=BUCKET)
        client(server.url, "kinesis").create_stream(StreamName="changes", ShardCount=1)
        client(server.url, "firehose").create_delivery_stream(
            DeliveryStreamName=STREAM,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/changes",
                "RoleARN": ROLE,
            },
            ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}"},
        )
        ((_, shard),) = kinesis_backends["123456789012"]["us-east-1"].streams["changes"].shards.items()
        payloads = [base64.b64encode(one["Data"]).decode() for one in batch(1)]
        shard.records.update(
            {number: Record(str(number), payloads[number % BATCH], number, "") for number in range(1, records + 1)}
        )
        before = time.process_time()
        (counts,) = control(server.url, "flush", {})["streams"]
        taken = time.process_time() - before
    if counts["delivered"] != records:
        raise SystemExit(f"{records} records put into Kinesis, and these delivered: {counts}")
    return taken / records * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.endpoint")
    parser.add_argument("--seconds", type=float, default=60, help="how long each client puts batches")
    parser.add_argument("--clients", type=int, default=4, help="the number of clients")
    options = parser.parse_args()
    with served(_MOTO) as (_, url):
        make_moto_stream(url)
        moto = load(url, min(options.seconds, 20), options.clients)
    with served(_ENDPOINT) as (process, url):
        make_stream(url)
        load(url, options.seconds, options.clients)  # memory that the first load takes is used again by the second
        control(url, "flush", {})
        rows_before, bytes_before = stored(url)
        memory_before = resident_bytes(process)
        began = time.monotonic()
        ours = load(url, options.seconds, options.clients)
        put_seconds = time.monotonic() - began
        (counts,) = control(url, "flush", {})["streams"]
        delivered_seconds = time.monotonic() - began
        rows, size_bytes = stored(url)
        grown = resident_bytes(process) - memory_before - (size_bytes - bytes_before)
    lost = ours.records - (rows - rows_before)
    print(
        table(
            f"{options.clients} clients, batches of {BATCH} records of 250 bytes",
            ["server", "records/s put", "mean ms", "p99 ms"],
            [
                [name, f"{one.records / seconds:,.0f}", f"{one.mean_ms:.1f}", f"{one.p99_ms:.1f}"]
                for name, one, seconds in (
                    ("moto, stored as put", moto, min(options.seconds, 20)),
                    ("the endpoint", ours, put_seconds),
                )
            ],
        )
    )
    print(f"\nmean of a call: {ours.mean_ms / moto.mean_ms:.2f} times moto's")
    print(f"delivered {rows - rows_before:,} rows, {ours.records / delivered_seconds:,.0f} a second; lost {lost}")
    print(f"waiting {counts['waiting']}, failed {counts['failed']}")
    print(f"memory beside the objects' bytes: {grown / 2**20:+.1f} MiB, objects {size_bytes / 2**20:.1f} MiB")
    for records in (10_000, 100_000):
        with ProcessPoolExecutor(1) as own:
            cost = own.submit(kinesis_cost, records).result()
        print(f"Kinesis: {cost:.0f} us of processor time a record, of {records:,}")


if __name__ == "__main__":
    main()
