"""What is watched and asked: every graph of the dashboard, every log group, every workgroup of Athena."""

import json

import pytest

from glue.schema import load
from tests.terraform.planned import KEY, Plan

pytestmark = pytest.mark.slow

KEYS = [*load(), "avro"]
JOBS = ("backfill", "compact", "erase", "reconcile")
BUCKET = "prd3292.dev1.us-east-1.demand-capture.tmaws"


def graphs(plan: Plan) -> dict[str, set[str]]:
    """The metrics of each graph: {"Records read": {"AWS/Firehose DataReadFromKinesisStream.Records"}, ...}."""
    body = json.loads(plan.of("aws_cloudwatch_dashboard")["aws_cloudwatch_dashboard.this"]["dashboard_body"])
    shown = [one["properties"] for one in body["widgets"] if "metrics" in one["properties"]]
    return {one["title"]: {f"{namespace} {name}" for namespace, name, *_ in one["metrics"]} for one in shown}


def test_every_graph_of_the_dashboard_is_this_one(everything: Plan) -> None:
    assert graphs(everything) == {
        "Not yet read from Kinesis (ms)": {"AWS/Firehose KinesisMillisBehindLatest"},
        "Not yet in the lake (s)": {"AWS/Firehose DeliveryToS3.DataFreshness"},
        "Records read": {"AWS/Firehose DataReadFromKinesisStream.Records"},
        "Records failed, by reason": {"dmd-pipeline RecordsFailed"},
        "Objects under errors/": {"AWS/S3 PutRequests"},
        "Rows that did not fit the table": {"AWS/Firehose FailedConversion.Records"},
        "Calls of the function that failed": {"AWS/Firehose ExecuteProcessing.Success"},
        "Duration of a call, longest (ms)": {"AWS/Lambda Duration"},
        "Calls throttled": {"AWS/Lambda Throttles"},
        "Age of changes on arrival (ms)": {"dmd-pipeline ChangeAge"},
        "Source stream": {
            "AWS/Kinesis IncomingRecords",
            "AWS/Kinesis ReadProvisionedThroughputExceeded",
            "AWS/Kinesis WriteProvisionedThroughputExceeded",
        },
        "Active partitions": {"AWS/Firehose PartitionCount"},
        "Rows delivered": {"dmd-pipeline RecordsDelivered"},
        "Calls under way": {"AWS/Lambda ConcurrentExecutions"},
        "Reads throttled": {"AWS/Firehose ThrottledGetRecords"},
        "Files before and after compaction": {
            f"dmd-pipeline {one}" for one in ("files_before", "files_after", "partitions")
        },
        "Bytes before and after compaction": {f"dmd-pipeline {one}" for one in ("bytes_before", "bytes_after")},
        "Items that reconciliation cannot explain": {"dmd-pipeline unexplained"},
    }


def test_every_log_group_is_the_one_that_aws_writes_to_kept_for_a_year_and_encrypted(everything: Plan) -> None:
    found = everything.of("aws_cloudwatch_log_group").values()

    # Lambda writes to the group of this name, and would make one that never expires if it were not there.
    names = [f"/aws/{service}/prd3292-dev1-dmnd-{key}" for service in ("lambda", "kinesisfirehose") for key in KEYS]
    # Glue 5 writes to two of a job (Glue guide, "Logging for AWS Glue jobs").
    names += [f"/aws-glue/jobs/prd3292-dev1-dmnd-{job}/{kind}" for job in JOBS for kind in ("output", "error")]
    assert sorted(one["name"] for one in found) == sorted(names)
    assert {(one["retention_in_days"], one["kms_key_id"]) for one in found} == {(365, KEY)}


@pytest.mark.parametrize(
    ("key", "name", "results"),
    [("analysts", "prd3292-dev1-dmnd", "athena/results"), ("ci", "prd3292-dev1-dmnd-ci", "test/athena/results")],
)
def test_a_workgroup_decides_where_results_lie_encrypted_and_what_a_query_may_scan(
    everything: Plan, key: str, name: str, results: str
) -> None:
    group = everything.of("aws_athena_workgroup")[f'aws_athena_workgroup.this["{key}"]']

    (settings,) = group["configuration"]
    (result,) = settings["result_configuration"]
    assert (group["name"], group["state"]) == (name, "ENABLED")
    assert settings["enforce_workgroup_configuration"]
    assert settings["engine_version"][0]["selected_engine_version"] == "Athena engine version 3"
    assert settings["bytes_scanned_cutoff_per_query"] == 200 * 1024**3
    assert result["output_location"] == f"s3://{BUCKET}/data-pipeline/{results}/"
    assert result["encryption_configuration"] == [{"encryption_option": "SSE_KMS", "kms_key_arn": KEY}]
