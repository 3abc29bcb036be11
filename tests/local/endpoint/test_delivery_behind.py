"""What happens behind the API: functions, tables, objects, metrics and logs of the endpoint's own services."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from firehose.local.sources.kinesis import now_ms
from tests.endpoints import ERRORS, FUNCTION, LocalAws, calling, converting, package, partitioned, plain

pytestmark = pytest.mark.slow

ORDERS = [{"id": str(number), "qty": number, "day": f"2026-01-0{number % 2 + 1}"} for number in range(4)]
LOGGED = {"Enabled": True, "LogGroupName": "/firehose/orders", "LogStreamName": "delivery"}


def test_records_put_land_as_parquet_by_the_day_that_the_function_answers(aws: LocalAws) -> None:
    aws.table({"id": "string", "qty": "int"})
    aws.create(partitioned(aws.function(), DataFormatConversionConfiguration=converting()))

    aws.put(*ORDERS)
    waiting = aws.counts()["waiting"]
    aws.advance(150)

    assert waiting == 4
    assert [row["id"] for row in aws.rows("orders/day=2026-01-01/")] == ["0", "2"]
    assert [row["qty"] for row in aws.rows("orders/day=2026-01-02/")] == [1, 3]
    assert (aws.counts()["delivered"], aws.counts()["waiting"]) == (4, 0)


def test_a_buffer_interval_runs_by_the_endpoints_clock(aws: LocalAws) -> None:
    aws.create(plain(BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 120}))
    aws.put({"id": 1})

    aws.advance(100)
    before = aws.objects()
    aws.advance(30)

    assert before == {}
    assert list(aws.objects().values()) == [b'{"id": 1}']
    assert aws.control("clock")["moved_seconds"] == 130


def test_the_newest_version_of_the_table_holds(aws: LocalAws) -> None:
    aws.table({"id": "string"})
    aws.create(plain(Prefix="rows/", ErrorOutputPrefix=ERRORS, DataFormatConversionConfiguration=converting()))
    aws.put({"id": "1", "note": "a"})
    aws.advance(2)

    glue = aws.client("glue")
    columns = [{"Name": "id", "Type": "string"}, {"Name": "note", "Type": "string"}]
    glue.update_table(DatabaseName="shop", TableInput={"Name": "orders", "StorageDescriptor": {"Columns": columns}})
    aws.put({"id": "2", "note": "b"})
    aws.advance(2)  # it is looked up once a second
    aws.put({"id": "3", "note": "c"})
    aws.control("flush", {})

    found = {row["id"]: row.get("note") for row in aws.rows("rows/")}
    assert (found["1"], found["3"]) == (None, "c")
    assert set(found) == {"1", "2", "3"}


def test_records_of_a_kinesis_stream_put_before_the_creation_are_not_read(aws: LocalAws) -> None:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=2)
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
    kinesis.put_record(StreamName="changes", Data=b"before", PartitionKey="a")
    began = now_ms()
    while now_ms() == began:  # Kinesis has real time
        pass
    aws.create(
        plain(),
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": plain()["RoleARN"]},
    )

    aws.control("flush", {})

    assert aws.counts()["read"] == 0


@pytest.mark.parametrize("moved", [0, 3600])
def test_records_of_a_kinesis_stream_are_read_whatever_the_clock_was_moved_by(aws: LocalAws, moved: int) -> None:
    if moved:
        aws.advance(moved)
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=2)
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
    aws.create(
        plain(CompressionFormat="GZIP"),
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": plain()["RoleARN"]},
    )
    records = [{"Data": f"{number};".encode(), "PartitionKey": str(number)} for number in range(20)]
    kinesis.put_records(StreamName="changes", Records=records)

    aws.advance(301)

    (body,) = aws.objects().values()
    assert sorted(gzip.decompress(body).split(b";")[:-1]) == sorted(str(number).encode() for number in range(20))


def test_a_failing_functions_records_are_in_the_error_output_and_the_reasons_in_the_logs(aws: LocalAws) -> None:
    aws.client("logs").create_log_group(logGroupName="/firehose/orders")
    aws.create(partitioned(aws.function(), CloudWatchLoggingOptions=LOGGED))

    aws.put({"id": "1", "day": "x", "raise": True})
    aws.control("flush", {})

    (error,) = aws.errors("errors/processing-failed/")
    assert (error["errorCode"], error["attemptsMade"]) == ("Lambda.FunctionError", 4)
    lines = aws.log("/aws/lambda/transform")
    assert sum(line.startswith("START RequestId: ") for line in lines) == 4
    assert sum(line.startswith("[ERROR] ValueError: told to\nTraceback") for line in lines) == 4
    assert sum(line == "records: 1" for line in lines) == 4
    assert sum("\tBilled Duration: " in line for line in lines) == 4
    (event,) = aws.log("/firehose/orders")
    assert '"errorCode": "Lambda.FunctionError"' in event
    assert aws.counts()["function_problems"] == {"the function raised ValueError at orders.py:11": 4}


@pytest.mark.parametrize(
    ("metric", "total"),
    [
        ("AWS/Firehose IncomingRecords", 4),
        ("AWS/Firehose ExecuteProcessing.Success", 1),
        ("AWS/Firehose DeliveryToS3.Records", 4),
        ("AWS/Lambda Invocations", 1),
        ("AWS/Lambda Errors", 0),
    ],
)
def test_metrics_are_in_cloudwatch(aws: LocalAws, metric: str, total: float) -> None:
    aws.create(partitioned(aws.function()))
    aws.put(*ORDERS)
    aws.control("flush", {})
    namespace, name = metric.split()
    dimension = ("DeliveryStreamName", "orders") if namespace == "AWS/Firehose" else ("FunctionName", "transform")

    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": dimension[0], "Value": dimension[1]}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]

    assert sum(point["Sum"] for point in points) == total


SURROUNDINGS = """
import base64, json, os
import boto3

def handler(event, context):
    names = sorted(name for name in os.environ if name.startswith(("AWS_", "SHOP_")))
    told = {
        "names": names,
        "endpoint": os.environ["AWS_ENDPOINT_URL"],
        "buckets": [one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]],
        "left": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "log": [context.log_group_name, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]],
    }
    data = base64.b64encode(json.dumps(told).encode()).decode()
    return {"records": [{"recordId": one["recordId"], "result": "Ok", "data": data} for one in event["records"]]}
"""


def test_a_function_has_lambdas_surroundings_and_reaches_the_endpoint(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = aws.function(SURROUNDINGS, Environment={"Variables": {"SHOP_STAGE": "dev"}})
    aws.create(plain(ProcessingConfiguration=calling(arn)))

    aws.put({"id": 1})
    with monkeypatch.context() as users_own:
        users_own.setenv("AWS_PROFILE", "prod")
        users_own.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
        aws.control("flush", {})

    (body,) = aws.objects().values()
    told = json.loads(body)
    assert {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME", "SHOP_STAGE"} <= set(told["names"])
    assert "AWS_PROFILE" not in told["names"]
    assert b"the user's own" not in body
    assert (told["endpoint"], told["buckets"], told["arn"]) == (aws.url, ["lake"], arn)
    assert 5_000 < told["left"] <= 10_000
    assert told["log"][0] == "/aws/lambda/transform"
    assert (
        aws.client("logs").describe_log_streams(logGroupName=told["log"][0])["logStreams"][0]["logStreamName"]
        == (told["log"][1])
    )


def test_new_code_and_new_settings_hold_from_the_next_invocation_on(aws: LocalAws) -> None:
    arn = aws.function()
    aws.create(plain(ProcessingConfiguration=calling(arn)))
    aws.put({"id": 1})
    aws.control("flush", {})

    aws.client("lambda").update_function_code(
        FunctionName="transform", ZipFile=package(FUNCTION.replace('order.get("result", "Ok")', '"Dropped"'))
    )
    aws.put({"id": 2})
    aws.control("flush", {})

    assert (aws.counts()["delivered"], aws.counts()["dropped"]) == (1, 1)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"Runtime": "nodejs22.x"}, "its runtime is nodejs22.x; only Python's are run", id="node"),
        pytest.param({"Handler": "orders.nothing"}, "cannot be loaded", id="no handler"),
    ],
)
def test_a_function_that_cannot_run_here_fails_its_records_and_is_named(
    aws: LocalAws, more: dict[str, Any], reason: str
) -> None:
    aws.create(plain(ErrorOutputPrefix=ERRORS, ProcessingConfiguration=calling(aws.function(**more))))

    aws.put({"id": 1})
    aws.control("flush", {})

    assert [error["errorCode"] for error in aws.errors()] == ["Lambda.FunctionError"]
    (problem,) = aws.counts()["function_problems"]
    assert reason in problem


def test_layers_are_refused_by_name(aws: LocalAws) -> None:
    layer = aws.client("lambda").publish_layer_version(LayerName="shared", Content={"ZipFile": package("")})
    arn = aws.function(Layers=[layer["LayerVersionArn"]])
    aws.create(plain(ErrorOutputPrefix=ERRORS, ProcessingConfiguration=calling(arn)))

    aws.put({"id": 1})
    aws.control("flush", {})

    (problem,) = aws.counts()["function_problems"]
    assert f"it has layers ({layer['LayerVersionArn']})" in problem


def test_a_function_that_does_not_exist_fails_its_records(aws: LocalAws) -> None:
    missing = "arn:aws:lambda:us-east-1:123456789012:function:none"
    aws.create(plain(ErrorOutputPrefix=ERRORS, ProcessingConfiguration=calling(missing, NumberOfRetries="0")))

    aws.put({"id": 1})
    aws.control("flush", {})

    assert [error["errorCode"] for error in aws.errors()] == ["Lambda.ResourceNotFound"]


def test_a_function_that_sleeps_too_long_is_stopped(aws: LocalAws) -> None:
    code = "import time\ndef handler(event, context): time.sleep(60)\n"
    arn = aws.function(code, Timeout=1)
    aws.create(plain(ErrorOutputPrefix=ERRORS, ProcessingConfiguration=calling(arn, NumberOfRetries="0")))

    aws.put({"id": 1})
    aws.control("flush", {})

    assert [error["errorCode"] for error in aws.errors()] == ["Lambda.FunctionTimedOut"]
    assert any("timed out after 1 s" in line for line in aws.log("/aws/lambda/transform"))


def test_streams_of_another_account_use_that_accounts_services(aws: LocalAws) -> None:
    aws.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument="{}")
    role = "arn:aws:iam::111122223333:role/other"
    keys = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=aws.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    client("s3").create_bucket(Bucket="theirs")
    made = client("firehose").create_delivery_stream(
        DeliveryStreamName="orders",
        ExtendedS3DestinationConfiguration=plain(BucketARN="arn:aws:s3:::theirs", RoleARN=role),
    )
    client("firehose").put_record(DeliveryStreamName="orders", Record={"Data": b"x"})
    aws.control("flush", {})

    assert made["DeliveryStreamARN"] == "arn:aws:firehose:us-east-1:111122223333:deliverystream/orders"
    assert len(client("s3").list_objects_v2(Bucket="theirs")["Contents"]) == 1
    assert aws.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_bucket_that_is_missing_keeps_records_waiting_until_it_is_there(aws: LocalAws) -> None:
    aws.create(plain(BucketARN="arn:aws:s3:::later"))
    aws.put({"id": 1})

    aws.control("flush", {})
    refused = aws.counts()
    aws.bucket("later")
    aws.advance(61)

    assert (refused["waiting"], refused["refused_by_bucket"]) == (1, "s3://later cannot be written: NoSuchBucket")
    assert (aws.counts()["delivered"], aws.counts()["refused_by_bucket"]) == (1, "")


def test_a_stream_whose_kinesis_stream_is_deleted_says_so_and_stays(aws: LocalAws) -> None:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=1)
    source = {
        "KinesisStreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/changes",
        "RoleARN": plain()["RoleARN"],
    }
    aws.create(plain(), DeliveryStreamType="KinesisStreamAsSource", KinesisStreamSourceConfiguration=source)
    kinesis.put_record(StreamName="changes", Data=b"1", PartitionKey="1")
    aws.advance(2)

    kinesis.delete_stream(StreamName="changes")
    aws.advance(310)

    assert aws.counts()["reads_no_more"] == "kinesis://changes cannot be read: ResourceNotFoundException"
    assert list(aws.objects().values()) == [b"1"]
    described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName="orders")
    assert described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName="orders")
