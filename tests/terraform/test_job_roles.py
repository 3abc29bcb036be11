"""Each job makes its calls under its own role, and needs no other."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.commands import result_of
from tests.compacting import NOW
from tests.exports import demand, full_export, make_table
from tests.given import s
from tests.terraform.planned import ACCOUNT, BUCKET, Plan

pytestmark = pytest.mark.slow

LAKE = BUCKET.removeprefix("arn:aws:s3:::")
DEV1_TABLE = "prd3292-dev1-us-east-1-demand-table"
EXPORT = ("--export", "s3://exports/tables", "--lake", f"s3://{LAKE}")
KEYS = ("--key", "pk", "--key", "sk")
ERRORS = f"{BUCKET}/data-pipeline/errors"

# The actions of the calls that jobs make.
ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "DescribeTable": "dynamodb:DescribeTable",
    "ListObjectVersions": "s3:ListBucketVersions",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "GenerateDataKey": "kms:GenerateDataKey",
    "Decrypt": "kms:Decrypt",
}


class Done(NamedTuple):
    """A command run under a role: the calls that were refused, and the statements that allowed the others."""

    exit_code: int
    report: Any
    refused: list[tuple[str, str]]
    used: set[tuple[str, str]]


def under_role(plan: Plan, job: str, folder: Path, *command: str, filled: bool = False) -> Done:
    """Run a command with what the role of a job allows."""
    return run_guarded(plan.policy(f'aws_iam_role_policy.job["{job}"]'), folder, command, filled=filled)


def run_guarded(statements: list[dict[str, Any]], folder: Path, command: tuple[str, ...], *, filled: bool) -> Done:
    """Run a command on an export, one of whose items fails, and on dev1's lake, which a backfill may have filled."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for bucket in (LAKE, "exports", "scratch"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        versioned = {"Status": "Enabled"}
        boto3.client("s3").put_bucket_versioning(Bucket=LAKE, VersioningConfiguration=versioned)
        make_table(name=DEV1_TABLE)
        items = [demand("a", phoneNumber=s("+4912345")), demand("broken", date={"S": "x"})], [demand("b")]
        table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{DEV1_TABLE}"
        full_export(folder / "export", *items, prefix="tables/", tableArn=table)
        for path in (folder / "export").rglob("*"):
            if path.is_file():
                key = f"tables/{path.relative_to(folder / 'export')}"
                boto3.client("s3").put_object(Bucket="exports", Key=key, Body=path.read_bytes())
        if filled:
            result_of("backfill", *EXPORT, *KEYS, "--state", str(folder / "filled"))
        refused: list[tuple[str, str]] = []
        used: set[tuple[str, str]] = set()
        guard(statements, patch, refused, used)
        result = result_of(*command, "--json")
        return Done(result.exit_code, json.loads(result.stdout), refused, used)


def guard(
    statements: list[dict[str, Any]],
    patch: pytest.MonkeyPatch,
    refused: list[tuple[str, str]],
    used: set[tuple[str, str]],
) -> None:
    """Carry out the calls that a statement allows, and refuse others as AWS does."""
    make = botocore.client.BaseClient._make_api_call

    def guarded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        resource = resource_of(parameters)
        action = ACTIONS[operation] + ("Version" if "VersionId" in parameters else "")
        allowed_by = set(allowing(statements, action, resource))
        if not allowed_by:
            refused.append((operation, resource))
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        used.update(allowed_by)
        return make(client, operation, parameters)

    patch.setattr(botocore.client.BaseClient, "_make_api_call", guarded)


def resource_of(parameters: dict[str, Any]) -> str:
    if "KeyId" in parameters:
        return str(parameters["KeyId"])
    if "TableName" in parameters:
        return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{parameters['TableName']}"
    return "/".join([f"arn:aws:s3:::{parameters['Bucket']}", *([parameters["Key"]] if "Key" in parameters else [])])


def allowing(statements: list[dict[str, Any]], action: str, resource: str) -> Iterator[tuple[str, str]]:
    for statement in statements:
        actions, patterns = (
            [one] if isinstance(one, str) else one for one in (statement["Action"], statement["Resource"])
        )
        if action in actions and "Condition" not in statement:
            yield from ((statement["Sid"], pattern) for pattern in patterns if fnmatchcase(resource, pattern))


def test_a_backfill_needs_no_more_than_its_role_allows(everything: Plan, tmp_path: Path) -> None:
    done = under_role(everything, "backfill", tmp_path, "backfill", *EXPORT, "--state", str(tmp_path / "state"))

    assert (done.report["delivered"], done.report["failed"]) == ({"demand": 2}, {"invalid": 1})
    assert done.refused == []
    assert {sid for sid, _ in done.used} == {
        *("ListObjects", "ReadObjects", "PutObjects", "DeleteObjects", "ReadExports", "DescribeTable"),
    }
    assert {pattern for sid, pattern in done.used if sid == "PutObjects"} == {
        f"{BUCKET}/data-pipeline/parquet/*", f"{BUCKET}/dmd-jobs/*", f"{ERRORS}/records/*", f"{ERRORS}/firehose/*",
    }  # fmt: skip


def test_a_backfill_may_compare_its_items_with_those_of_the_lake(everything: Plan, tmp_path: Path) -> None:
    arguments = [*EXPORT, *KEYS, "--state", str(tmp_path / "state")]

    done = under_role(everything, "backfill", tmp_path, "backfill", *arguments, filled=True)

    assert (done.exit_code, done.refused) == (0, [])
    assert ("ReadObjects", f"{BUCKET}/data-pipeline/parquet/*") in done.used


def test_a_compaction_needs_no_more_than_its_role_allows(everything: Plan, tmp_path: Path) -> None:
    done = under_role(everything, "compact", tmp_path, "compact", "--lake", f"s3://{LAKE}", *NOW, filled=True)

    assert (done.exit_code, done.report["files_after"], done.refused) == (0, 1, [])
    assert {sid for sid, _ in done.used} == {"ListObjects", "ReadObjects", "PutObjects", "DeleteObjects"}


def test_a_reconciliation_is_denied_firehoses_error_objects_alone_and_knows_the_failures_by_their_documents(
    everything: Plan, tmp_path: Path
) -> None:
    command = ["reconcile", *EXPORT, *KEYS, "--scratch", "s3://scratch"]

    done = under_role(everything, "reconcile", tmp_path, *command, filled=True)

    counts = done.report["types"]["demand"]
    assert (done.exit_code, counts["same"], counts["failed"]) == (0, 2, 1)
    assert {one.rpartition("/")[0] for _, one in done.refused} == {f"{ERRORS}/firehose/processing-failed"}
    assert ("ReadObjects", f"{ERRORS}/records/*") in done.used
    assert {pattern for sid, pattern in done.used if sid == "FillScratchLake"} == {"arn:aws:s3:::scratch/*"}


def test_an_erasure_needs_no_more_than_its_role_allows(everything: Plan, tmp_path: Path) -> None:
    (tmp_path / "subjects.txt").write_text("a\nbroken\n")
    command = ["erase", "--lake", f"s3://{LAKE}", "--subjects", str(tmp_path / "subjects.txt")]

    done = under_role(everything, "erase", tmp_path, *command, filled=True)

    assert (done.exit_code, done.refused) == (1, [])  # pending for a day
    assert done.report["subjects"] == {"erased": 0, "pending": 2, "failed": 0}
    assert done.report["versions"] > 0
    assert {sid for sid, _ in done.used} == {
        *("ListObjects", "ReadObjects", "PutObjects", "DeleteObjects", "ListVersions", "DeleteVersions"),
    }
    assert ("PutObjects", f"{ERRORS}/*") in done.used


def test_a_call_that_no_statement_allows_is_seen(everything: Plan, tmp_path: Path) -> None:
    done = under_role(everything, "reconcile", tmp_path, "compact", "--lake", f"s3://{LAKE}", *NOW, filled=True)

    assert done.exit_code == 1
    assert {operation for operation, _ in done.refused} == {"PutObject"}
