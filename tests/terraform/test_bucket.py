"""The rules of the bucket: what expires when, and what is set where it is managed."""

import json
from typing import Any

import pytest

from tests.terraform.planned import Plan

pytestmark = pytest.mark.slow

BUCKET = "prd3292.dev1.us-east-1.demand-capture.tmaws"
SETTINGS = (
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
)


def rules(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """The lifecycle rules: {"errors": (prefix, days, noncurrent days, days of unfinished uploads), ...}."""
    found = {}
    for rule in plan.of("aws_s3_bucket_lifecycle_configuration")["aws_s3_bucket_lifecycle_configuration.this[0]"][
        "rule"
    ]:
        (where,), expiration = rule["filter"], rule["expiration"]
        noncurrent, (unfinished,) = rule["noncurrent_version_expiration"], rule["abort_incomplete_multipart_upload"]
        assert rule["status"] == "Enabled"
        assert not rule["transition"]
        found[rule["id"]] = (
            where["prefix"],
            expiration[0].get("days") if expiration else None,
            noncurrent[0]["noncurrent_days"] if noncurrent else None,
            unfinished["days_after_initiation"],
        )
    return found


def test_the_archive_never_expires_and_what_was_deleted_from_it_soon_does(everything: Plan) -> None:
    assert rules(everything) == {
        "errors": ("data-pipeline/errors/", 90, 30, 1),
        "results": ("data-pipeline/athena/results/", 30, 1, 1),
        "test": ("data-pipeline/test/", 7, 1, 1),
        "parquet": ("data-pipeline/parquet/", None, 30, 1),
        "avro": ("data-pipeline/avro/", None, 30, 1),
        "iceberg": ("data-pipeline/iceberg/", None, 30, 1),
        "notes": ("dmd-jobs/", None, 30, 1),
        "code": ("dmd-code/", None, 30, 1),
        "unfinished": ("data-pipeline/", None, None, 1),
    }


def test_the_days_are_those_that_are_given(otherwise: Plan) -> None:
    found = rules(otherwise)

    assert found["errors"][1:3] == (20, 7)
    assert (found["parquet"][1:3], found["avro"][1:3]) == ((None, 7), (None, 7))


def test_a_managed_bucket_is_private_owned_versioned_and_encrypted(everything: Plan) -> None:
    settings = everything.of(*SETTINGS)

    assert {one["bucket"] for one in settings.values()} == {BUCKET}
    block = settings["aws_s3_bucket_public_access_block.this[0]"]
    assert {flag for flag, value in block.items() if value is True} >= {
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    }
    assert settings["aws_s3_bucket_ownership_controls.this[0]"]["rule"] == [{"object_ownership": "BucketOwnerEnforced"}]
    (versioning,) = settings["aws_s3_bucket_versioning.this[0]"]["versioning_configuration"]
    assert versioning["status"] == "Enabled"
    (encryption,) = settings["aws_s3_bucket_server_side_encryption_configuration.this[0]"]["rule"]
    assert encryption["bucket_key_enabled"]
    assert [one["sse_algorithm"] for one in encryption["apply_server_side_encryption_by_default"]] == ["aws:kms"]


def test_a_bucket_of_others_gets_no_rules_and_is_told_them(least: Plan) -> None:
    outputs = least.document["planned_values"]["outputs"]["bucket_rules"]["value"]

    assert least.of(*SETTINGS, "aws_s3_bucket_policy") == {}
    assert set(outputs["expiries"]) == {"errors", "results", "test", "parquet", "avro", "iceberg"}
    assert "ErrorsForTheirReadersOnly" in json.dumps(outputs["policy"])


def test_a_bucket_of_others_is_looked_at_and_a_managed_one_is_not(everything: Plan, least: Plan) -> None:
    checked = [
        [check["address"]["to_display"] for check in plan.document["checks"] if check["address"]["kind"] == "check"]
        for plan in (everything, least)
    ]

    assert "module.bucket_check.check.bucket_rules" in checked[1]
    statuses = {
        check["address"]["to_display"]: [one.get("status") for one in check.get("instances", [])]
        for plan in (everything,)
        for check in plan.document["checks"]
    }
    assert not statuses.get("module.bucket_check.check.bucket_rules")
