"""Terraform as the specifications use it: found on this machine, run in a copy of the project."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest

from firehose.pipeline.glue_package import SCRIPT_NAME, WHEELS_NAME
from firehose.pipeline.up.terraform import provider_mirror, surroundings

PROJECT = Path(__file__).parents[2]
ENVIRONMENTS = ("tm-nonprod/dev1", "tm-nonprod/qa1", "tm-prod/preprod1", "tm-prod/prod1")
PIPELINE = "modules/pipeline"


def needs_terraform() -> str:
    """The path of terraform. Skips where there is none, but never in CI, where it must be."""
    found = os.environ.get("DMD_TERRAFORM") or shutil.which("terraform")
    if found is None:
        missing("terraform is not installed")
    return str(found)


def missing(reason: str) -> None:
    """Skip where something is missing, but never in CI, where it must be."""
    if os.environ.get("CI") == "true" or os.environ.get("DMD_TERRAFORM_REQUIRED"):
        pytest.fail(f"{reason}, and may not be missing here")
    pytest.skip(reason)


@dataclass
class Workspace:
    """A copy of terraform/ and of what it reads, to leave the project's own folder alone."""

    folder: Path
    terraform: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, root: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run terraform in a root: run("test", "plan")."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder / "terraform" / root, env=self.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [self.terraform, *arguments, *([] if arguments[0] in {"fmt", "output"} else ["-no-color"])]

    def environment(self) -> dict[str, str]:
        """The environment of a run."""
        return surroundings(self.variables)

    def init(self, root: str, *arguments: str) -> None:
        """Make a root ready. Skips where the provider is not to be had.

        The lock's hashes go: each later command would read the provider's 700 MB again to compare them.
        """
        mirror = provider_mirror()
        done = self.run(root, "init", *arguments, *([f"-plugin-dir={mirror}"] if mirror else []))
        if done.returncode and mirror is None and "hashicorp/aws" in done.stderr:
            missing("terraform's AWS provider is neither on this machine (DMD_TERRAFORM_PLUGINS) nor to be had")
        assert done.returncode == 0, done.stderr
        forget_hashes(self.folder / "terraform" / root)


@contextmanager
def one_provider(where: Workspace, root: str) -> Iterator[None]:
    """Let all commands of a workspace talk to one process of the provider that an initialised root has.

    Terraform starts three or four for each plan, and two for each run of a test, which is half of their time.
    """
    (provider,) = (where.folder / "terraform" / root).glob(
        ".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-*"
    )
    given = where.variables
    with subprocess.Popen(
        [provider, "-debug"], env=where.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "TF_REATTACH_PROVIDERS=" in line)
            where.variables = {**given, "TF_REATTACH_PROVIDERS": line.partition("=")[2].strip().strip("'")}
            yield
        finally:
            where.variables = given
            process.send_signal(signal.SIGINT)


def forget_hashes(root: Path) -> None:
    """Take the hashes out of a root's lock file."""
    lock = root / ".terraform.lock.hcl"
    lock.write_text(re.sub(r"^  hashes = \[\n.*?^  \]\n", "", lock.read_text(), flags=re.DOTALL | re.MULTILINE))


def workspace(folder: Path, **variables: str) -> Workspace:
    """A copy of the project's terraform/ in a folder, run with further environment variables."""
    terraform = needs_terraform()
    without = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(PROJECT / "terraform", folder / "terraform", symlinks=True, ignore=without)
    for part in ("tables", "athena"):
        shutil.copytree(PROJECT / "glue" / part, folder / "glue" / part)
    return Workspace(folder, terraform, variables)


def jobs_package(folder: Path) -> None:
    """Write the files that `make glue-package` builds, without the wheels."""
    folder.mkdir()
    for name in (SCRIPT_NAME, WHEELS_NAME):
        (folder / name).write_bytes(b"any")


class Apply:
    """`terraform apply` of the test root to moto, under way."""

    def __init__(self, where: Workspace, endpoint: str, output: Path) -> None:
        self.where, self.endpoint, self.output = where, endpoint, output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                where.command("apply", "-auto-approve"),
                cwd=where.folder / "terraform" / "test",
                env=where.environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
            )


def what_dev1_has_already(endpoint: str) -> None:
    """Make the table, the stream and the buckets that dev1 looks up."""
    account = {"endpoint_url": endpoint, "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    for bucket in ("prd3292.dev1.us-east-1.demand-capture.tmaws", "prd3292.tm-nonprod.us-east-1.terraform-state.tmaws"):
        boto3.client("s3", "us-east-1", **account).create_bucket(Bucket=bucket)
    boto3.client("kinesis", "us-east-1", **account).create_stream(
        StreamName="prd3292-dev1-dmnd-table-stream", ShardCount=1
    )
    boto3.client("dynamodb", "us-east-1", **account).create_table(
        TableName="prd3292-dev1-us-east-1-demand-table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("dynamodb", "us-east-1", **account).enable_kinesis_streaming_destination(
        TableName="prd3292-dev1-us-east-1-demand-table",
        StreamArn="arn:aws:kinesis:us-east-1:123456789012:stream/prd3292-dev1-dmnd-table-stream",
    )
