"""The jobs over the lake as AWS Glue has them: off by default, and what they are where they are on."""

import json
import re

import pytest

from firehose.pipeline.glue_package import SCRIPT_NAME, WHEELS_NAME
from tests.terraform.planned import BUCKET, ERASURE_KEY, Plan

pytestmark = pytest.mark.slow

LAKE = BUCKET.removeprefix("arn:aws:s3:::")
JOBS = ("backfill", "compact", "erase", "reconcile")
OF_JOBS = (
    *("aws_glue_job", "aws_glue_trigger", "aws_s3_object", "aws_cloudwatch_event_rule"),
    *("aws_cloudwatch_event_target", "aws_glue_security_configuration"),
)


def test_by_default_there_is_nothing_of_a_job(least: Plan) -> None:
    planned = [one["address"] for one in least.document["resource_changes"]]

    assert least.of(*OF_JOBS) == {}
    assert [address for address in planned if re.search(r"job|glue_trigger|event_rule", address)] == []
    assert "dmd-jobs" not in json.dumps(least.document["planned_values"])
    assert "aws-glue" not in json.dumps(least.document["planned_values"])


def test_a_job_runs_our_script_with_our_wheels_and_what_its_starter_may_not_change(everything: Plan) -> None:
    jobs = {one["name"]: one for one in everything.of("aws_glue_job").values()}

    assert sorted(jobs) == [f"prd3292-dev1-dmnd-{job}" for job in JOBS]
    for name, job in jobs.items():
        (command,), (execution,) = job["command"], job["execution_property"]
        assert (job["glue_version"], job["worker_type"], job["number_of_workers"]) == ("5.1", "G.1X", 2)
        assert (job["timeout"], job["max_retries"], execution["max_concurrent_runs"]) == (480, 0, 1)
        assert (command["name"], command["python_version"]) == ("glueetl", "3")
        assert re.fullmatch(rf"s3://{LAKE}/dmd-code/[0-9a-f]{{16}}/{SCRIPT_NAME}", command["script_location"])
        options = dict(job["default_arguments"])
        wheels = options.pop("--additional-python-modules")
        assert re.fullmatch(rf"s3://{LAKE}/dmd-code/[0-9a-f]{{16}}/{WHEELS_NAME}", wheels)
        assert options.pop("--options", None) == ("--type sale" if name.endswith("compact") else None)
        assert options == {
            "--job-language": "python",
            "--job-bookmark-option": "job-bookmark-disable",
            "--python-modules-installer-option": "--no-index",
            "--custom-logGroup-prefix": f"/aws-glue/jobs/{name}",
        }
    assert {name.rpartition("-")[2]: job["non_overridable_arguments"] for name, job in jobs.items()} == {
        command.partition(" ")[0]: {"--command": command, "--lake": f"s3://{LAKE}", "--region": "us-east-1"}
        for command in (
            *(f"{job} --erasure-key {ERASURE_KEY}" for job in ("backfill", "erase")),
            *("compact", "reconcile --scratch s3://scratch"),
        )
    }


def test_only_a_job_with_a_schedule_starts_by_itself(everything: Plan, otherwise: Plan) -> None:
    (trigger,) = everything.of("aws_glue_trigger").values()
    (action,) = trigger["actions"]

    assert (trigger["type"], trigger["schedule"]) == ("SCHEDULED", "cron(0 3 * * ? *)")
    assert action["job_name"] == "prd3292-dev1-dmnd-compact"
    assert otherwise.of("aws_glue_trigger") == {}
    assert [one for one in otherwise.of("aws_cloudwatch_metric_alarm") if "missing" in one] == []


def test_runs_that_fail_or_take_too_long_are_counted_by_job(everything: Plan) -> None:
    rules = {
        one["name"]: json.loads(one["event_pattern"]) for one in everything.of("aws_cloudwatch_event_rule").values()
    }

    assert rules == {
        f"{name}-failed": {
            "source": ["aws.glue"],
            "detail-type": ["Glue Job State Change"],
            "detail": {"jobName": [name], "state": ["FAILED", "TIMEOUT"]},
        }
        for name in (f"prd3292-dev1-dmnd-{job}" for job in JOBS)
    }
