"""Every statement of every role and of every resource's policy: exact lists of actions, resources and conditions."""

import json
from typing import Any

import pytest

from glue.schema import load
from tests.terraform.planned import (
    ACCOUNT,
    BUCKET,
    CENTRAL,
    CENTRAL_KEY,
    ERASURE_KEY,
    EXPORTS_KEY,
    KEY,
    SCRATCH_KEY,
    SOURCE,
    SOURCE_KEY,
    Plan,
)

pytestmark = pytest.mark.slow

TYPES = sorted(load())
KEYS = [*TYPES, "avro"]
OBJECTS = f"{BUCKET}/data-pipeline"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"
GLUE = f"arn:aws:glue:us-east-1:{ACCOUNT}"
DATABASES = tuple(f"prd3292_dev1_dmnd_pipeline{end}" for end in ("", "_iceberg", "_parquet"))
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/prd3292-dev1-us-east-1-demand-table"


def name(key: str) -> str:
    return f"prd3292-dev1-dmnd-{key}"


def allow(
    sid: str, actions: str | list[str], resources: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A statement of a role's policy."""
    granted = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return granted if condition is None else {**granted, "Condition": condition}


THROUGH_S3 = {
    "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
    "StringLike": {"kms:EncryptionContext:aws:s3:arn": [BUCKET, f"{BUCKET}/*"]},
}


def through_kinesis(stream: str) -> dict[str, Any]:
    return {
        "StringEquals": {
            "kms:ViaService": "kinesis.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:kinesis:arn": stream,
        }
    }


JOBS = ("backfill", "compact", "erase", "reconcile")


def of_function(key: str) -> list[dict[str, Any]]:
    folders = ["errors/records", "avro"] if key == "avro" else ["errors/records"]
    return [
        allow("WriteObjects", "s3:PutObject", [f"{OBJECTS}/{folder}/*" for folder in folders]),
        allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOGS}:/aws/lambda/{name(key)}:*"),
    ]


def of_delivery(key: str) -> list[dict[str, Any]]:
    own_errors = f"{OBJECTS}/errors/firehose/*/{name(key)}-*"
    alias = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name(key)}:live"
    schema = [f"{GLUE}:catalog", f"{GLUE}:database/{DATABASES[2]}", f"{GLUE}:table/{DATABASES[2]}/{key}"]
    return [
        allow(
            "ReadChanges",
            ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"],
            SOURCE,
        ),
        allow("Transform", ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"], alias),
        allow("FindBucket", ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], BUCKET),
        allow(
            "Deliver",
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
            [own_errors] if key == "avro" else [f"{OBJECTS}/parquet/{key}/*", own_errors],
        ),
        allow("WriteLogs", "logs:PutLogEvents", f"{LOGS}:/aws/kinesisfirehose/{name(key)}:log-stream:S3Delivery"),
        *(
            []
            if key == "avro"
            else [allow("ReadSchema", ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], schema)]
        ),
    ]


ARCHIVE = [f"{OBJECTS}/avro/*", f"{OBJECTS}/parquet/*"]
NOTES = f"{BUCKET}/dmd-jobs/*"
CODE = f"{BUCKET}/dmd-code/*"
EXPORTS, SCRATCH = "arn:aws:s3:::exports", "arn:aws:s3:::scratch"


def of_job(
    job: str, *, lists: list[str], reads: list[str], puts: list[str], deletes: list[str]
) -> list[dict[str, Any]]:
    groups = [f"{LOGS}:/aws-glue/jobs/{name(job)}/{kind}:*" for kind in ("output", "error")]
    return [
        allow("ListObjects", "s3:ListBucket", [BUCKET, *lists]),
        allow("ReadObjects", "s3:GetObject", [*reads, NOTES, CODE]),
        allow("PutObjects", "s3:PutObject", [*puts, NOTES]),
        allow("DeleteObjects", "s3:DeleteObject", [*deletes, NOTES]),
        allow(
            "PutMetrics",
            "cloudwatch:PutMetricData",
            "*",
            {"StringEquals": {"cloudwatch:namespace": "dmd-pipeline"}},
        ),
        allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], groups),
    ]


def through_s3(bucket: str) -> dict[str, Any]:
    return {**THROUGH_S3, "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]}}


ENCRYPTS = allow("EncryptObjects", ["kms:GenerateDataKey", "kms:Decrypt"], KEY, THROUGH_S3)
READS_EXPORTS = [
    allow("ReadExports", "s3:GetObject", f"{EXPORTS}/tables/*"),
    allow("DescribeTable", "dynamodb:DescribeTable", TABLE),
]
USES_ERASURE_KEY = allow("UseErasureKey", ["kms:GenerateDataKey", "kms:Decrypt"], ERASURE_KEY)
DECRYPTS_EXPORTS = allow("UseExportsKey", ["kms:Decrypt"], EXPORTS_KEY, through_s3(EXPORTS))


def test_compaction_replaces_objects_of_the_archive(everything: Plan) -> None:
    assert everything.policy('aws_iam_role_policy.job["compact"]') == [
        *of_job("compact", lists=[], reads=ARCHIVE, puts=ARCHIVE, deletes=ARCHIVE),
        ENCRYPTS,
    ]


def test_a_backfill_reads_exports_and_puts_what_functions_and_streams_put(everything: Plan) -> None:
    puts = [*ARCHIVE, f"{OBJECTS}/errors/records/*", f"{OBJECTS}/errors/firehose/*"]

    assert everything.policy('aws_iam_role_policy.job["backfill"]') == [
        *of_job("backfill", lists=[EXPORTS], reads=ARCHIVE, puts=puts, deletes=ARCHIVE),
        *READS_EXPORTS,
        USES_ERASURE_KEY,
        ENCRYPTS,
        DECRYPTS_EXPORTS,
    ]


def test_erasure_alone_rewrites_what_failed_and_deletes_versions(everything: Plan) -> None:
    places = [*ARCHIVE, f"{OBJECTS}/errors/*"]

    assert everything.policy('aws_iam_role_policy.job["erase"]') == [
        *of_job("erase", lists=[], reads=places, puts=places, deletes=[]),
        allow("ListVersions", ["s3:GetBucketVersioning", "s3:ListBucketVersions"], BUCKET),
        allow("DeleteVersions", ["s3:GetObjectVersion", "s3:DeleteObjectVersion"], places),
        USES_ERASURE_KEY,
        ENCRYPTS,
    ]


ICEBERG = f"{OBJECTS}/iceberg/*"


def uses_tables(*actions: str) -> dict[str, Any]:
    names = [f"{GLUE}:table/{DATABASES[1]}/{one}{end}" for end in ("", "_current") for one in TYPES]
    resources = [f"{GLUE}:catalog", f"{GLUE}:database/{DATABASES[1]}", *names]
    return allow("UseTables", [f"glue:{one}" for one in actions], resources)


def test_erasure_alone_rewrites_iceberg_tables_where_that_mode_is_on(tables: Plan, everything: Plan) -> None:
    places = [*ARCHIVE, f"{OBJECTS}/errors/*", ICEBERG]

    assert tables.policy('aws_iam_role_policy.job["erase"]') == [
        *of_job("erase", lists=[], reads=places, puts=places, deletes=[ICEBERG]),
        allow("ListVersions", ["s3:GetBucketVersioning", "s3:ListBucketVersions"], BUCKET),
        allow("DeleteVersions", ["s3:GetObjectVersion", "s3:DeleteObjectVersion"], places),
        uses_tables("GetDatabase", "GetTable", "UpdateTable"),
        allow("AbortUploads", "s3:AbortMultipartUpload", [ICEBERG]),
        USES_ERASURE_KEY,
        ENCRYPTS,
    ]
    for job in ("backfill", "compact"):
        address = f'aws_iam_role_policy.job["{job}"]'
        assert tables.policy(address) == everything.policy(address), job


def test_a_reconciliation_reads_iceberg_tables_where_that_mode_is_on(tables: Plan) -> None:
    reads = [*ARCHIVE, f"{OBJECTS}/errors/records/*", f"{BUCKET}/dmd-replay/*", ICEBERG]
    own = of_job("reconcile", lists=[EXPORTS, SCRATCH], reads=reads, puts=[], deletes=[])

    assert tables.policy('aws_iam_role_policy.job["reconcile"]')[: len(own) + 1] == [
        *own,
        uses_tables("GetDatabase", "GetTable"),
    ]


def test_a_reconciliation_changes_nothing_but_its_scratch_lake_and_notes(everything: Plan) -> None:
    reads = [*ARCHIVE, f"{OBJECTS}/errors/records/*", f"{BUCKET}/dmd-replay/*"]

    assert everything.policy('aws_iam_role_policy.job["reconcile"]') == [
        *of_job("reconcile", lists=[EXPORTS, SCRATCH], reads=reads, puts=[], deletes=[]),
        *READS_EXPORTS,
        allow("FillScratchLake", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{SCRATCH}/*"),
        ENCRYPTS,
        DECRYPTS_EXPORTS,
        allow("UseScratchKey", ["kms:GenerateDataKey", "kms:Decrypt"], SCRATCH_KEY, through_s3(SCRATCH)),
    ]


@pytest.mark.parametrize("key", KEYS)
def test_a_function_writes_its_own_objects_and_lines_and_reads_nothing(key: str, everything: Plan) -> None:
    assert everything.policy(f'aws_iam_role_policy.function["{key}"]') == [
        *of_function(key),
        allow("EncryptObjects", ["kms:GenerateDataKey"], KEY, THROUGH_S3),
        allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
    ]


@pytest.mark.parametrize("key", KEYS)
def test_a_delivery_stream_reads_the_source_and_writes_its_own_objects(key: str, everything: Plan) -> None:
    assert everything.policy(f'aws_iam_role_policy.delivery["{key}"]') == [
        *of_delivery(key),
        allow("EncryptObjects", ["kms:GenerateDataKey", "kms:Decrypt"], KEY, THROUGH_S3),
        allow("DecryptChanges", "kms:Decrypt", SOURCE_KEY, through_kinesis(SOURCE)),
    ]


@pytest.mark.parametrize("key", TYPES)
def test_without_keys_and_tracing_roles_use_none(key: str, least: Plan) -> None:
    assert least.policy(f'aws_iam_role_policy.function["{key}"]') == of_function(key)
    assert least.policy(f'aws_iam_role_policy.delivery["{key}"]') == of_delivery(key)


def test_the_ci_role_changes_its_own_items_and_reads_the_partition_of_its_rows(everything: Plan) -> None:
    partitions = [f"data-pipeline/{mode}/*/partition_date=1999-09-09/*" for mode in ("avro", "iceberg", "parquet")]
    read = [*partitions, "data-pipeline/iceberg/*/metadata/*"]

    assert everything.policy("aws_iam_role_policy.ci[0]") == [
        allow("DescribeTable", ["dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination"], TABLE),
        allow(
            "ChangeTestItems",
            ["dynamodb:PutItem", "dynamodb:DeleteItem"],
            TABLE,
            {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["e2e-*"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        ),
        allow(
            "Query",
            [
                "athena:GetWorkGroup",
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
            ],
            f"arn:aws:athena:us-east-1:{ACCOUNT}:workgroup/{name('ci')}",
        ),
        allow(
            "ReadTables",
            ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"],
            [
                f"{GLUE}:catalog",
                *(f"{GLUE}:database/{database}" for database in DATABASES),
                *(f"{GLUE}:table/{database}/*" for database in DATABASES),
            ],
        ),
        allow("FindBucket", "s3:GetBucketLocation", BUCKET),
        allow(
            "ListObjects",
            "s3:ListBucket",
            BUCKET,
            {"StringLike": {"s3:prefix": [*read, "data-pipeline/errors/*", "data-pipeline/test/*"]}},
        ),
        allow("ReadObjects", "s3:GetObject", [*(f"{BUCKET}/{one}" for one in read), f"{OBJECTS}/test/*"]),
        allow("WriteObjects", ["s3:PutObject", "s3:AbortMultipartUpload"], f"{OBJECTS}/test/*"),
        allow("DeleteTestObjects", "s3:DeleteObject", f"{OBJECTS}/test/*"),
        {
            "Sid": "KeepTables",
            "Effect": "Deny",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"],
            "Resource": [f"{OBJECTS}/iceberg/*"],
        },
        allow("EncryptObjects", ["kms:GenerateDataKey", "kms:Decrypt"], KEY, THROUGH_S3),
    ]


def test_the_logs_role_writes_to_the_central_stream(everything: Plan) -> None:
    assert everything.policy("aws_iam_role_policy.logs[0]") == [
        allow("Forward", "kinesis:PutRecord", CENTRAL),
        allow("EncryptLogs", "kms:GenerateDataKey", CENTRAL_KEY, through_kinesis(CENTRAL)),
    ]


def trust(principal: dict[str, Any], condition: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return [trusted if condition is None else {**trusted, "Condition": condition}]


def test_each_role_is_assumed_by_the_one_service_or_principal_that_needs_it(everything: Plan) -> None:
    firehose = trust({"Service": "firehose.amazonaws.com"}, {"StringEquals": {"sts:ExternalId": ACCOUNT}})
    groups = {"StringLike": {"aws:SourceArn": f"{LOGS}:/aws/lambda/prd3292-dev1-dmnd-*"}}

    roles = everything.of("aws_iam_role")

    assert {address: everything.policy(address, "assume_role_policy") for address in roles} == {
        **{f'aws_iam_role.function["{key}"]': trust({"Service": "lambda.amazonaws.com"}) for key in KEYS},
        **{f'aws_iam_role.delivery["{key}"]': firehose for key in KEYS},
        **{f'aws_iam_role.job["{job}"]': trust({"Service": "glue.amazonaws.com"}) for job in JOBS},
        "aws_iam_role.ci[0]": trust({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/ci"]}),
        "aws_iam_role.logs[0]": trust({"Service": "logs.us-east-1.amazonaws.com"}, groups),
    }


# The bucket's own is not planned on a local endpoint; contract.tftest.hcl sees it attached.
def test_roles_have_no_other_policies(everything: Plan) -> None:
    policies = [
        one["address"].removeprefix("module.pipeline.")
        for one in everything.document["resource_changes"]
        if "policy" in one["type"] or one["type"] == "aws_lambda_permission"
    ]

    assert sorted(policies) == sorted(
        [f'aws_iam_role_policy.{of}["{key}"]' for key in KEYS for of in ("function", "delivery")]
        + [f'aws_iam_role_policy.job["{job}"]' for job in JOBS]
        + ["aws_iam_role_policy.ci[0]", "aws_iam_role_policy.logs[0]"]
        + ["aws_sns_topic_policy.alarms[0]"]
    )
    assert all(
        not role.get("managed_policy_arns") and not role.get("inline_policy")
        for role in everything.of("aws_iam_role").values()
    )


def test_the_bucket_denies_plain_http_and_every_way_to_read_what_failed(everything: Plan) -> None:
    read_by = [f"arn:aws:iam::{ACCOUNT}:role/{name(key)}-delivery" for key in sorted([*KEYS, "iceberg"])]
    read_by += [f"arn:aws:iam::{ACCOUNT}:role/{name(job)}-job" for job in ("erase", "reconcile")]

    tls, errors = json.loads(bucket_rules(everything)["policy"])["Statement"]

    assert tls == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET, f"{BUCKET}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert set(errors.pop("Action")) == DISCLOSING
    assert errors == {
        "Sid": "ErrorsForTheirReadersOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Resource": f"{OBJECTS}/errors/*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": [*read_by, f"arn:aws:iam::{ACCOUNT}:role/operations"]}},
    }


def test_the_key_encrypts_the_logs_of_jobs_where_there_are_any(otherwise: Plan) -> None:
    (logs,) = [one for one in otherwise.policy("aws_kms_key.pipeline[0]") if one["Sid"] == "Logs"]

    groups = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert groups[2:] == [f"{LOGS}:/aws-glue/jobs/{name('compact')}/*"]


# Every action on objects of the access levels read, tagging and permissions management, and restoring, which can copy.
# Source: service authorization reference, "Actions, resources, and condition keys for Amazon S3".
DISCLOSING = {
    *("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTorrent", "s3:GetObjectVersionTorrent"),
    *("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", "s3:GetObjectVersionForReplication"),
    *("s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
    *("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
    *("s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
    *("s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:RestoreObject"),
}


def bucket_rules(plan: Plan) -> dict[str, Any]:
    """The output for a bucket's owners, which are the rules of a managed bucket as well."""
    rules: dict[str, Any] = plan.document["planned_values"]["outputs"]["bucket_rules"]["value"]
    return rules


def test_the_key_is_for_the_account_the_logs_and_the_alarms(least: Plan) -> None:
    used = [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "kms:GenerateDataKey",
        "kms:DescribeKey",
    ]

    assert least.policy("aws_kms_key.pipeline[0]") == [
        {
            **allow("Account", "kms:*", "*"),
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        },
        {
            **allow("Logs", used, "*"),
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        f"{LOGS}:/aws/lambda/prd3292-dev1-dmnd-*",
                        f"{LOGS}:/aws/kinesisfirehose/prd3292-dev1-dmnd-*",
                    ]
                }
            },
        },
        {
            **allow("Alarms", ["kms:GenerateDataKey", "kms:Decrypt"], "*"),
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    ]
