"""The script of AWS Glue's jobs, run by spark-submit with the arguments that Glue gives; run by make test-spark."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.pipeline.glue_package import SCRIPT, SCRIPT_NAME
from tests.commands import result_of
from tests.compacting import NOW
from tests.erased_tables import fill, make_environment, table_rows
from tests.exports import demand, full_export, item
from tests.lake.test_spark import needs_spark
from tests.local_aws import local_aws

pytestmark = [pytest.mark.spark, needs_spark]

# What Glue adds, some before and some behind those of the job.
GLUES_BEFORE = ["--JOB_ID", "j_1", "--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://elsewhere/t/"]
GLUES_BEHIND = [
    "--enable-metrics",
    "true",
    "--job-language",
    "python",
    "--python-modules-installer-option",
    "--no-index",
]

# The broken one becomes an error record.
FILES = [
    [demand("SECRET-a"), demand("b", "2025-01-02")],
    [item("sale", "1"), demand("c"), demand("broken", date={"S": "SECRET"})],
    [demand("d")],
]
KEYS = "--key pk --key sk"


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Moto with an export in s3://exports and empty lakes, as processes find it."""
    with local_aws() as address:
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        s3 = boto3.client("s3")
        for bucket in ("exports", "local", "lake", "scratch"):
            s3.create_bucket(Bucket=bucket)
        full_export(tmp_path / "export", *FILES)
        for path in (tmp_path / "export").rglob("*"):
            if path.is_file():
                key = f"exports/{path.relative_to(tmp_path / 'export')}"
                s3.put_object(Bucket="exports", Key=key, Body=path.read_bytes())
        yield address


def submitted(
    command: str, options: str, lake: str = "s3://lake", job: str = "prd3292-dev1-dmnd-job"
) -> "subprocess.CompletedProcess[str]":
    """Run the script as Glue does, from a folder where it lies alone."""
    ours = ["--command", command, "--lake", lake, "--region", "us-east-1", "--options", options]
    named = ["--JOB_NAME", job, "--JOB_RUN_ID", "jr_5f2c"]
    spark_submit = Path(sys.executable).with_name("spark-submit")
    # spark-submit sends both outputs of the script to its own standard output, as Glue does to one log group.
    with tempfile.TemporaryDirectory() as folder:
        script = shutil.copyfile(SCRIPT, Path(folder, SCRIPT_NAME))
        return subprocess.run(
            [str(spark_submit), "--master", "local[2]", str(script), *GLUES_BEFORE, *named, *ours, *GLUES_BEHIND],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONWARNINGS": "ignore"},
        )


def local(*arguments: str) -> None:
    assert result_of(*arguments, "--lake", "s3://local").exit_code == 0


def data(bucket: str) -> Counter[tuple[str, str]]:
    """The objects below data-pipeline/, by key and bytes; merged ones by partition: their names are random."""
    found: Counter[tuple[str, str]] = Counter()
    for one in boto3.resource("s3").Bucket(bucket).objects.filter(Prefix="data-pipeline/"):
        body = one.get()["Body"].read()
        found[re.sub("/compacted-.*", "", one.key), sha256(body).hexdigest()] += 1
    return found


def report(lake: str = "lake", job: str = "prd3292-dev1-dmnd-job") -> dict[str, Any]:
    body = boto3.client("s3").get_object(Bucket=lake, Key=f"dmd-jobs/reports/{job}/jr_5f2c.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def metrics() -> dict[str, float]:
    """The sum of each metric of the job."""
    return {
        one["MetricName"]: sum(
            point["Sum"]
            for point in boto3.client("cloudwatch").get_metric_statistics(
                Namespace="dmd-pipeline",
                MetricName=one["MetricName"],
                Dimensions=one["Dimensions"],
                StartTime="2020-01-01",
                EndTime="2099-01-01",
                Period=86400,
                Statistics=["Sum"],
            )["Datapoints"]
        )
        for one in boto3.client("cloudwatch").list_metrics(Namespace="dmd-pipeline")["Metrics"]
        if one["Dimensions"] == [{"Name": "job", "Value": "prd3292-dev1-dmnd-job"}]
    }


def test_backfill_reconcile_and_compact_leave_the_lake_of_the_local_engine(endpoint: str, tmp_path: Path) -> None:
    options = f"--export s3://exports/exports {KEYS}"

    local("backfill", *options.split(), "--state", str(tmp_path / "state"))
    done = submitted("backfill", options)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "SECRET" not in done.stdout + done.stderr
    assert "report: s3://lake/dmd-jobs/reports/prd3292-dev1-dmnd-job/jr_5f2c.json" in done.stdout
    assert data("lake") == data("local")
    assert report()["delivered"] == {"demand": 4, "sale": 1}
    assert metrics()["read"] == 6

    done = submitted("reconcile --scratch s3://scratch", options)
    assert done.returncode == 0, done.stdout[-3000:]
    assert report()["types"]["demand"]["same"] == 4
    assert report()["types"]["demand"]["failed"] == 1
    assert metrics()["unexplained"] == 0
    assert list(boto3.resource("s3").Bucket("scratch").objects.all()) == []

    local("compact", *NOW)
    done = submitted("compact", " ".join(NOW))
    assert done.returncode == 0, done.stdout[-3000:]
    assert data("lake") == data("local")
    assert (report()["files_before"], report()["files_after"]) == (3, 1)
    assert metrics()["files_after"] == 1
    assert metrics()["succeeded"] == 3


def test_a_job_that_finds_something_unexplained_fails_and_its_report_is_there(endpoint: str, tmp_path: Path) -> None:
    options = f"--export s3://exports/exports {KEYS}"
    result_of("backfill", *options.split(), "--type", "sale", "--lake", "s3://lake", "--state", str(tmp_path / "state"))

    done = submitted("reconcile --scratch s3://scratch", options)

    assert done.returncode == 1, done.stdout[-3000:]
    assert report()["unexplained"] == 4
    assert metrics()["succeeded"] == 0


def test_an_erasure_covers_the_iceberg_tables_of_its_environment(endpoint: str, tmp_path: Path) -> None:
    lake = make_environment()
    fill(lake, tmp_path)
    before = table_rows(lake)
    (tmp_path / "fans.txt").write_text("a\n")
    options = f"--subjects {tmp_path / 'fans.txt'} --retention 0s"

    done = submitted("erase", options, lake)
    assert done.returncode == 1, done.stdout[-3000:]  # pending
    found = report(lake.removeprefix("s3://"))
    counts = ("rows", "versions", "found_in_second_pass", "undone")
    assert [found[name] for name in counts] == [2, 2, 0, []]
    redacted = {"phonenumber": "[redacted]", "email": "[redacted]"}
    assert table_rows(lake) == [row | redacted if row["fanid"] == "a" else row for row in before]

    done = submitted("erase", options, lake)
    assert done.returncode == 0, done.stdout[-3000:]
    assert report(lake.removeprefix("s3://"))["subjects"] == {"erased": 1, "pending": 0, "failed": 0}


def test_a_mistake_of_the_caller_fails_with_a_sentence_and_no_report(endpoint: str) -> None:
    done = submitted("backfill", "--export s3://nowhere")

    assert done.returncode == 2
    assert "dmd: s3://nowhere/" in done.stdout
    assert list(boto3.resource("s3").Bucket("lake").objects.filter(Prefix="dmd-jobs/reports/")) == []
