"""The script of every AWS Glue job: runs a command of `dmd` on Spark, and keeps its report in the lake.

    --JOB_NAME prd3292-dev1-dmnd-compact --JOB_RUN_ID jr_5f2c... --command compact --lake s3://BUCKET
    --region us-east-1 --options "--type demand --older-than 2d"

is `dmd compact --lake s3://BUCKET --engine spark --json --type demand --older-than 2d`. Terraform gives the command,
the lake and the region, and whoever starts the job the options. Glue adds arguments that say nothing to us.

What the command prints is put below `dmd-jobs/reports/`, its numbers are metrics, and so is whether it succeeded. Its
messages go to the log. Files are found in the working folder, where Glue lays those that `--extra-files` names.
"""

import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from firehose.cli import run_dmd
from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import bucket_of
from firehose.local.user_error import UserError
from glue.layout import JOBS
from transform.error_place import error_place
from transform.telemetry import NAMESPACE

REPORTS = f"{JOBS}reports/"


def main(argv: Sequence[str]) -> int:
    """Run the job that Glue's arguments describe, and return the exit code of the command.

    Raises:
        UserError: the report or the metrics cannot be put.
    """
    job, run, lake = (_argument(argv, name) for name in ("JOB_NAME", "JOB_RUN_ID", "lake"))
    os.environ.setdefault("AWS_DEFAULT_REGION", _argument(argv, "region"))
    command = [*shlex.split(_argument(argv, "command")), "--lake", lake, "--engine", "spark", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder, "printed")
        with printed.open("w") as file, redirect_stdout(file):
            code = _exit_code_of([*command, *shlex.split(_argument(argv, "options"))])
        report = printed.read_bytes()
    numbers: dict[str, float] = {"succeeded": int(code == 0)}
    if report:
        key = f"{REPORTS}{job}/{run}.json"
        bucket_of(lake, "lake").put(key, report, "application/json")
        sys.stderr.write(f"report: {lake}/{key}\n")
        found: dict[str, Any] = msgspec.json.decode(report)
        numbers |= {name: value for name, value in found.items() if type(value) in (int, float)}
    _put_metrics(job, numbers)
    return code


def _argument(argv: Sequence[str], name: str) -> str:
    """Return the value of an argument, or "". A value may begin with dashes, as that of `--options` does."""
    return next((value for option, value in pairwise(argv) if option == f"--{name}"), "")


def _exit_code_of(command: list[str]) -> int:
    """Run `dmd`. The message of an unexpected error stays out of the log: it may quote a record."""
    sys.argv = ["dmd", *command]
    try:
        run_dmd()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception as error:  # noqa: BLE001 - whatever a bug raises
        sys.stderr.write(f"our own code failed: {type(error).__name__} at {error_place(error)}\n")
        return 1
    return 0


def _put_metrics(job: str, numbers: dict[str, float]) -> None:
    """Put each number as a metric of its name, by job.

    Raises:
        UserError: CloudWatch refuses them.
    """
    import boto3  # noqa: PLC0415 - as everywhere: whoever imports this module need not wait for it

    data = [
        {"MetricName": name, "Value": value, "Dimensions": [{"Name": "job", "Value": job}]}
        for name, value in numbers.items()
    ]
    with as_user_errors("the metrics of CloudWatch", "written"):
        boto3.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)


if __name__ == "__main__":
    try:
        exit_code = main(sys.argv)
    except UserError as error:
        sys.exit(f"dmd: {error}")
    if exit_code:  # Glue takes any SystemExit for a failure
        sys.exit(exit_code)
