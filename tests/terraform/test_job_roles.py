"""Each job makes its calls under its own role, and needs no other."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from firehose.local.endpoint.application import EndpointApplication
from firehose.local.endpoint.endpoint import Endpoint
from tests.commands import result_of
from tests.compacting import NOW
from tests.erased_tables import make_environment
from tests.exports import demand, full_export, make_table
from tests.given import s
from tests.local_aws import local_aws
from tests.terraform.planned import ACCOUNT, BUCKET, Plan

pytestmark = pytest.mark.slow

LAKE = BUCKET.removeprefix("arn:aws:s3:::")
DEV1_TABLE = "prd3292-dev1-us-east-1-demand-table"
EXPORT = ("--export", "s3://exports/tables", "--lake", f"s3://{LAKE}")
KEYS = ("--key", "pk", "--key", "sk")
ERRORS = f"{BUCKET}/data-pipeline/errors"
ICEBERG = f"{BUCKET}/data-pipeline/iceberg/*"

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
    "GetDatabase": "glue:GetDatabase",
    "GetTable": "glue:GetTable",
    "UpdateTable": "glue:UpdateTable",
}
# Of the requests to S3 that Arrow makes for PyIceberg. Parts of an upload are put, too.
ACTIONS_OF_ARROW = {
    "HEAD": "s3:GetObject",
    "GET": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
ARROWS_AGENT = "aws-sdk-cpp"


class Done(NamedTuple):
    """A command run under a role: the calls that were refused, and the statements that allowed the others."""

    exit_code: int
    report: Any
    refused: list[tuple[str, str]]
    used: set[tuple[str, str]]


class Guard(NamedTuple):
    """Carries out the calls that statements of a role allow, and refuses others as AWS does."""

    statements: list[dict[str, Any]]
    refused: list[tuple[str, str]]
    used: set[tuple[str, str]]

    def allows(self, operation: str, action: str, resources: list[str]) -> bool:
        allowed = [set(allowing(self.statements, action, one)) for one in resources]
        if not all(allowed):
            self.refused.append((operation, resources[-1]))
            return False
        self.used.update(*allowed)
        return True

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Guard the calls of boto3, and those of Arrow to an endpoint in this process."""
        make, answer = botocore.client.BaseClient._make_api_call, EndpointApplication.__call__

        def guarded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            action = ACTIONS[operation] + ("Version" if {"Key", "VersionId"} <= parameters.keys() else "")
            if not self.allows(operation, action, resources_of(parameters)):
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
            return make(client, operation, parameters)

        def guarded_answer(application: Any, environ: dict[str, Any], start_response: Any) -> Any:
            if ARROWS_AGENT in environ.get("HTTP_USER_AGENT", ""):
                action, resource = call_of_arrow(environ)
                if not self.allows(environ["REQUEST_METHOD"], action, [resource]):
                    start_response("403 Forbidden", [])
                    return [b""]
            return answer(application, environ, start_response)

        patch.setattr(botocore.client.BaseClient, "_make_api_call", guarded)
        patch.setattr(EndpointApplication, "__call__", guarded_answer)


def under_role(plan: Plan, job: str, folder: Path, *command: str, filled: bool = False, file_format: str = "") -> Done:
    """Run a command with what the role of a job allows.

    It finds an export, one of whose items fails, and dev1's lake, which a backfill may have filled.
    """
    with pytest.MonkeyPatch.context() as patch, aws(patch, file_format):
        for bucket in ("exports", "scratch"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        make_table(name=DEV1_TABLE)
        items = [demand("a", phoneNumber=s("+4912345")), demand("broken", date={"S": "x"})], [demand("b")]
        table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{DEV1_TABLE}"
        full_export(folder / "export", *items, prefix="tables/", tableArn=table)
        for path in (folder / "export").rglob("*"):
            if path.is_file():
                key = f"tables/{path.relative_to(folder / 'export')}"
                boto3.client("s3").put_object(Bucket="exports", Key=key, Body=path.read_bytes())
        if filled:
            written = ("--format", file_format) if file_format else ()
            result_of("backfill", *EXPORT, *KEYS, "--state", str(folder / "filled"), *written)
        guard = Guard(plan.policy(f'aws_iam_role_policy.job["{job}"]'), [], set())
        guard.watch(patch)
        result = result_of(*command, "--json")
        return Done(result.exit_code, json.loads(result.stdout), guard.refused, guard.used)


@contextmanager
def aws(patch: pytest.MonkeyPatch, file_format: str) -> Iterator[None]:
    """Yield while AWS has dev1's bucket. Arrow, which reads and writes Iceberg tables, reaches an endpoint, no mock."""
    if file_format == "iceberg":
        with local_aws() as address:
            for name, value in Endpoint(address).variables.items():
                patch.setenv(name, value)
            make_environment()
            yield
        return
    with mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket=LAKE)
        versioned = {"Status": "Enabled"}
        boto3.client("s3").put_bucket_versioning(Bucket=LAKE, VersioningConfiguration=versioned)
        yield


def resources_of(parameters: Mapping[str, Any]) -> list[str]:
    """The resources on all of which a call needs its action."""
    if "KeyId" in parameters:
        return [str(parameters["KeyId"])]
    if "TableName" in parameters:
        return [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{parameters['TableName']}"]
    if "Bucket" in parameters:
        return ["arn:aws:s3:::" + "/".join(parameters[one] for one in ("Bucket", "Key") if one in parameters)]
    # Glue's; a table needs the action on all that it is in (Glue guide, "Specifying AWS Glue resource ARNs").
    name = parameters.get("TableInput", parameters)["Name"]
    database = parameters.get("DatabaseName")
    within = [f"database/{database}", f"table/{database}/{name}"] if database else [f"database/{name}"]
    return [f"arn:aws:glue:us-east-1:{ACCOUNT}:{one}" for one in ("catalog", *within)]


def call_of_arrow(environ: Mapping[str, Any]) -> tuple[str, str]:
    """The action of a request to S3, and its resource."""
    path = environ["PATH_INFO"].strip("/")
    action = ACTIONS_OF_ARROW[environ["REQUEST_METHOD"]] if "/" in path else "s3:ListBucket"
    return action, f"arn:aws:s3:::{path}"


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


def test_an_erasure_in_iceberg_tables_needs_no_more_than_its_role_allows(tables: Plan, tmp_path: Path) -> None:
    (tmp_path / "subjects.txt").write_text("a\n")
    command = ["erase", "--lake", f"s3://{LAKE}", "--subjects", str(tmp_path / "subjects.txt")]

    done = under_role(tables, "erase", tmp_path, *command, filled=True, file_format="iceberg")

    assert (done.exit_code, done.refused) == (1, [])  # pending for a day
    assert [done.report[name] for name in ("rows", "found_in_second_pass", "undone")] == [1, 0, []]
    assert done.report["versions"] > 0
    assert {("DeleteObjects", ICEBERG), ("DeleteVersions", ICEBERG), ("PutObjects", ICEBERG)} <= done.used
    assert {sid for sid, _ in done.used} >= {"UseTables", "ListVersions"}


def test_a_reconciliation_of_iceberg_tables_needs_no_more_than_its_role_allows(tables: Plan, tmp_path: Path) -> None:
    command = ["reconcile", *EXPORT, *KEYS, "--scratch", "s3://scratch"]

    done = under_role(tables, "reconcile", tmp_path, *command, filled=True, file_format="iceberg")

    counts = done.report["types"]["demand"]
    assert (done.exit_code, counts["same"], counts["failed"]) == (0, 2, 1)
    assert {one.rpartition("/")[0] for _, one in done.refused} == {f"{ERRORS}/firehose/processing-failed"}
    assert {("ReadObjects", ICEBERG)} <= done.used
    assert "UseTables" in {sid for sid, _ in done.used}


def test_a_call_that_no_statement_allows_is_seen(everything: Plan, tmp_path: Path) -> None:
    done = under_role(everything, "reconcile", tmp_path, "compact", "--lake", f"s3://{LAKE}", *NOW, filled=True)

    assert done.exit_code == 1
    assert {operation for operation, _ in done.refused} == {"PutObject"}
