"""`make deploy`, `make plan` and `make rollback` of dev1, with Terraform, against a local endpoint, in Parquet mode and
beside it in Iceberg mode. In order: each specification stands on what the one before has deployed.
"""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.local.user_error import UserError
from firehose.pipeline.deploy.environments import Environment, find_environment
from firehose.pipeline.deploy.release import Terraform, deploy, plan
from firehose.pipeline.deploy.rollback import rollback
from firehose.pipeline.names import Names
from firehose.pipeline.streams import mode_streams
from firehose.pipeline.up.terraform import provider_mirror
from glue.build import build
from glue.layout import Format
from glue.schema import SCHEMAS, load
from tests.described import as_described, described
from tests.invented import gift
from tests.terraform import Workspace, forget_hashes
from tests.terraform.planned import ACCOUNT, DEV1, planning

pytestmark = [pytest.mark.slow, pytest.mark.long]

TYPES = load()
NAMES = Names("dev1")
STREAMS = sorted([*TYPES, "iceberg"])
(ICEBERG,) = mode_streams(NAMES, Format.ICEBERG, TYPES)
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-0000-4000-8000-000000000000"


class QuickTerraform(Terraform):
    """Terraform that does not compare the provider's 700 MB with its hashes in each command."""

    def init(self) -> None:
        super().init()
        forget_hashes(self.root)


@dataclass(frozen=True, slots=True)
class Dev1:
    """dev1 on a local endpoint: its checkout, its root, and what is said of a deployment."""

    where: Workspace
    environment: Environment
    terraform: Terraform
    said: list[str]
    slept: list[float]

    @property
    def url(self) -> str:
        return self.where.variables["AWS_ENDPOINT_URL"]

    def client(self, service: str) -> Any:
        return boto3.client(
            service, "us-east-1", endpoint_url=self.url, aws_access_key_id="x", aws_secret_access_key="x"
        )

    def deploy(self) -> None:
        deploy(self.environment, self.terraform, self, say=self.said.append, ask=_unasked, sleep=self.slept.append)

    def package(self, code: str) -> str:
        """Builds a function's zip; its hash as Lambda shows it."""
        path = self.where.folder / "build" / "function.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("transform/handler.py", code)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def aliases(self) -> dict[str, str]:
        """The version that each function's alias points to."""
        client = self.client("lambda")
        return {
            name: client.get_alias(FunctionName=f"prd3292-dev1-dmnd-{name}", Name="live")["FunctionVersion"]
            for name in STREAMS
        }


def _unasked(question: str) -> str:
    raise AssertionError(question)


@pytest.fixture(scope="module")
def dev1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev1]:
    with planning(tmp_path_factory.mktemp("deployed")) as where, pytest.MonkeyPatch.context() as patch:
        mirror = provider_mirror()
        init = where.variables["TF_CLI_ARGS_init"] + (f" -plugin-dir={mirror}" if mirror else "")
        for name, value in {**where.environment(), "TF_CLI_ARGS_init": init, "CI": "true"}.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        values = where.folder / "terraform" / DEV1 / "terraform.tfvars"
        values.write_text(values.read_text().replace('["parquet"]', '["parquet", "iceberg"]'))
        environment = find_environment("dev1", where.folder)
        yield Dev1(where, environment, QuickTerraform(where.terraform, environment.root), [], [])


def test_a_first_deployment_makes_everything_and_waits_until_it_is_ready(dev1: Dev1) -> None:
    dev1.package("first")

    dev1.deploy()

    assert dev1.said == ["tables first", "dev1 is deployed: delivery streams and functions are ready"]
    streams = dev1.client("firehose").list_delivery_streams()["DeliveryStreamNames"]
    assert sorted(streams) == [f"prd3292-dev1-dmnd-{name}" for name in STREAMS]
    assert dev1.aliases() == dict.fromkeys(STREAMS, "1")


def test_the_stream_in_iceberg_mode_is_what_our_table_of_modes_describes(dev1: Dev1) -> None:
    request = ICEBERG.request(
        stream_arn=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{NAMES.stream}",
        function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{ICEBERG.name}:live",
        bucket=NAMES.bucket,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{ICEBERG.name}-delivery",
    )

    assert described(dev1.client("firehose"), ICEBERG.name) == as_described(request)


def test_the_function_in_iceberg_mode_has_the_variables_of_our_table_of_modes(dev1: Dev1) -> None:
    function = dev1.client("lambda").get_function_configuration(FunctionName=ICEBERG.name)

    assert function["Environment"]["Variables"] == ICEBERG.variables(NAMES.bucket)


def test_the_database_in_iceberg_mode_is_there_and_holds_no_table_of_a_record_type(dev1: Dev1) -> None:
    tables = dev1.client("glue").get_tables(DatabaseName=NAMES.database(Format.ICEBERG))["TableList"]

    assert [one["Name"] for one in tables] == ["errors"]


# This one looks at all of it anew; the plans below leave that out: nobody else has changed anything.
def test_a_second_one_has_nothing_to_apply(dev1: Dev1) -> None:
    dev1.said.clear()

    dev1.deploy()

    assert dev1.said == ["dev1 is as planned: nothing to apply"]


def test_a_release_of_code_and_of_a_schema_applies_the_tables_first(
    dev1: Dev1, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-refresh=false")
    dev1.said.clear()
    dev1.slept.clear()
    dev1.package("second")
    table = dev1.where.folder / "glue" / "tables" / "sale.json"
    inputs = json.loads(table.read_text())
    inputs["parquet"]["StorageDescriptor"]["Columns"].append({"Name": "added", "Type": "string", "Comment": "New."})
    table.write_text(json.dumps(inputs))

    dev1.deploy()

    printed = capfd.readouterr().out
    assert dev1.said[0] == "tables first"
    assert dev1.slept[0] == 60
    assert printed.index('aws_glue_catalog_table.this["parquet/sale"]: Modifications complete') < printed.index(
        'aws_lambda_function.this["sale"]: Modifications complete'
    )
    assert dev1.aliases() == dict.fromkeys(STREAMS, "2")


def test_a_plan_that_changes_a_delivery_stream_stops_and_names_it(dev1: Dev1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-refresh=false")
    monkeypatch.setenv("TF_VAR_buffer_seconds", "120")

    with pytest.raises(UserError, match=r'(?s)delivery_stream.this\["sale"\]: update.*To apply it on purpose'):
        plan(dev1.environment, dev1.terraform)


def test_a_further_record_type_replaces_no_stream_in_iceberg_mode(dev1: Dev1, tmp_path: Path) -> None:
    """Its own Parquet stream would be the sixth reader of the source, so Parquet mode is left out of this plan."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    (tmp_path / "schemas" / "gift.avsc").write_text(json.dumps(gift()))
    build(tmp_path / "schemas", dev1.where.folder)

    done = dev1.where.run(DEV1, "plan", "-refresh=false", '-var=modes=["iceberg"]')
    build(SCHEMAS, dev1.where.folder)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    changes = dict(re.findall(r"^  # module\.pipeline\.(\S+) (will be|must be) ", done.stdout, re.MULTILINE))
    assert 'aws_lambda_function.this["iceberg"]' in changes, "the function serves the type"
    assert 'aws_kinesis_firehose_delivery_stream.this["iceberg"]' not in changes
    assert "must be replaced" not in done.stdout


def test_a_rollback_points_every_alias_to_the_version_before(dev1: Dev1) -> None:
    dev1.said.clear()

    rollback(dev1.environment, "1", dev1, say=dev1.said.append, ask=_unasked)

    assert dev1.aliases() == dict.fromkeys(STREAMS, "1")
    assert dev1.said[0].startswith(f"prd3292-dev1-dmnd-{STREAMS[0]}: version 1 (code ")


def test_a_rollback_to_what_was_never_published_says_what_was(dev1: Dev1) -> None:
    with pytest.raises(UserError, match=r"has no version 7; its last ones are version 1 .*, version 2 "):
        rollback(dev1.environment, "7", dev1, say=dev1.said.append, ask=_unasked)


def test_the_key_is_not_destroyed_when_another_is_given(dev1: Dev1) -> None:
    refused = dev1.where.run(DEV1, "plan", "-refresh=false", f"-var=kms_key_arn={KEY}")

    assert refused.returncode == 1
    assert "protected_key" in refused.stderr
    assert "prevent_destroy" in refused.stderr


# docs/deploy.md, "Changing the mode" and "Taking it away", say to forget the guards of streams.
def test_the_key_is_not_destroyed_with_the_rest(dev1: Dev1) -> None:
    dev1.where.run(DEV1, "state", "rm", "module.pipeline.terraform_data.protected")

    refused = dev1.where.run(DEV1, "plan", "-destroy", "-refresh=false")

    assert refused.returncode == 1
    assert "protected_key" in refused.stderr
    assert "prevent_destroy" in refused.stderr


# docs/deploy.md, "The key".
def test_a_key_that_terraform_has_forgotten_stays_when_another_is_given(dev1: Dev1) -> None:
    key = dev1.client("kms").list_keys()["Keys"]
    forgotten = dev1.where.run(
        DEV1, "state", "rm", "module.pipeline.terraform_data.protected_key", "module.pipeline.aws_kms_key.pipeline"
    )
    assert forgotten.returncode == 0, forgotten.stderr

    done = dev1.where.run(DEV1, "plan", "-refresh=false", f"-var=kms_key_arn={KEY}")

    assert done.returncode == 0, done.stderr
    assert "aws_kms_key.pipeline" not in done.stdout
    assert dev1.client("kms").list_keys()["Keys"] == key
