"""The script of AWS Glue's jobs: its command, what it keeps, and what it says of a failure."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.cli import aws_glue_job
from firehose.local.user_error import UserError

GLUES = ["job.py", "--JOB_ID", "j_1", "--enable-metrics", "true", "--JOB_NAME", "compact-1", "--JOB_RUN_ID", "jr_1"]
OURS = ["--command", "compact --dry-run", "--lake", "s3://lake", "--region", "us-east-1"]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", ["job.py"])
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        yield


def running(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], *options: str) -> int:
    monkeypatch.setattr(aws_glue_job, "run_dmd", command)
    return aws_glue_job.main([*GLUES, *OURS, *options, "--job-language", "python"])


def prints(text: str, code: int = 0) -> Callable[[], None]:
    def command() -> None:
        sys.stdout.write(text)
        sys.exit(code)

    return command


def metrics() -> dict[str, Any]:
    listed = boto3.client("cloudwatch").list_metrics(Namespace="dmd-pipeline")["Metrics"]
    assert all(one["Dimensions"] == [{"Name": "job", "Value": "compact-1"}] for one in listed)
    return {one["MetricName"]: one for one in listed}


def reports() -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="lake").get("Contents", [])]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], []),
        (["--options", "--type demand --type sale"], ["--type", "demand", "--type", "sale"]),
        (["--options", "--dry-run"], ["--dry-run"]),
        (["--options", "--export 's3://a b/c'"], ["--export", "s3://a b/c"]),
    ],
)
def test_it_runs_the_command_with_the_options_of_whoever_starts_it(
    options: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    running(monkeypatch, lambda: ran.append(sys.argv), *options)

    fixed = ["dmd", "compact", "--dry-run", "--lake", "s3://lake", "--engine", "spark", "--json"]
    assert ran == [[*fixed, *expected]]


def test_what_the_command_prints_is_kept_and_its_numbers_are_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.dumps({"files_before": 3, "seconds": 1.5, "undone": [], "would": False, "rows": None})

    assert running(monkeypatch, prints(printed)) == 0

    assert reports() == ["dmd-jobs/reports/compact-1/jr_1.json"]
    body = boto3.client("s3").get_object(Bucket="lake", Key=reports()[0])["Body"].read()
    assert body == printed.encode()
    assert set(metrics()) == {"succeeded", "files_before", "seconds"}
    assert capsys.readouterr() == ("", "report: s3://lake/dmd-jobs/reports/compact-1/jr_1.json\n")


def test_a_command_that_fails_leaves_its_report_and_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running(monkeypatch, prints('{"unexplained": 4}', code=1)) == 1

    assert len(reports()) == 1


def test_without_a_report_it_says_that_the_run_did_not_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running(monkeypatch, prints("", code=2)) == 2

    assert reports() == []
    assert set(metrics()) == {"succeeded"}


def test_a_bug_is_named_by_its_place_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise ValueError("+49 123 456")

    assert running(monkeypatch, command) == 1

    said = capsys.readouterr().err
    assert said.startswith("our own code failed: ValueError at ")
    assert "test_aws_glue_job.py:" in said
    assert "456" not in said


def test_a_report_that_cannot_be_put_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = ["--command", "compact", "--lake", "s3://gone", "--region", "us-east-1"]
    monkeypatch.setattr(aws_glue_job, "run_dmd", prints("{}"))

    with pytest.raises(UserError, match="s3://gone"):
        aws_glue_job.main([*GLUES, *elsewhere])
