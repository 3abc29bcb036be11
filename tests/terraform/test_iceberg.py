"""Iceberg mode applied beside Parquet mode, to a local endpoint by the real provider."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.pipeline.names import Names
from firehose.pipeline.package import build as build_package
from firehose.pipeline.streams import mode_streams
from glue.build import build
from glue.layout import Format
from glue.schema import SCHEMAS, load
from tests.described import as_described, described
from tests.invented import gift
from tests.local_aws import local_aws
from tests.terraform import Apply, workspace

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
NAMES = Names("test")


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apply]:
    folder = tmp_path_factory.mktemp("iceberg")
    where = workspace(
        folder, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", TF_VAR_modes='["parquet", "iceberg"]'
    )
    build_package(folder / "build" / "function.zip")
    where.init("test")
    with local_aws() as endpoint:
        where.variables = {**where.variables, "AWS_ENDPOINT_URL": endpoint}
        apply = Apply(where, endpoint, folder / "apply.txt")
        assert apply.process.wait(timeout=500) == 0, apply.output.read_text()[-3000:]
        yield apply


def aws(applied: Apply, service: str) -> Any:
    account = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, "us-east-1", endpoint_url=applied.endpoint, **account)


def test_the_stream_is_what_our_table_of_modes_describes(applied: Apply) -> None:
    (stream,) = mode_streams(NAMES, Format.ICEBERG, load())

    request = stream.request(
        stream_arn=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{NAMES.stream}",
        function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{stream.name}:live",
        bucket=NAMES.bucket,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{stream.name}-delivery",
    )
    assert described(aws(applied, "firehose"), stream.name) == as_described(request)


def test_the_function_has_the_variables_of_our_table_of_modes(applied: Apply) -> None:
    (stream,) = mode_streams(NAMES, Format.ICEBERG, load())

    function = aws(applied, "lambda").get_function_configuration(FunctionName=stream.name)

    assert function["Environment"]["Variables"] == stream.variables(NAMES.bucket)


def test_the_database_is_there_and_holds_no_table_of_a_record_type(applied: Apply) -> None:
    tables = aws(applied, "glue").get_tables(DatabaseName=NAMES.database(Format.ICEBERG))["TableList"]

    assert [one["Name"] for one in tables] == ["errors"]


def test_a_second_plan_finds_nothing_to_do(applied: Apply) -> None:
    done = applied.where.run("test", "plan", "-detailed-exitcode")

    assert done.returncode == 0, done.stdout[-3000:]


def test_a_further_record_type_replaces_no_stream(applied: Apply, tmp_path: Path) -> None:
    """Its own Parquet stream would be the sixth reader of the source, so Parquet mode is left out of this plan."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    (tmp_path / "schemas" / "gift.avsc").write_text(json.dumps(gift()))
    build(tmp_path / "schemas", applied.where.folder)

    done = applied.where.run("test", "plan", "-refresh=false", "-var", 'modes=["iceberg"]')

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    changes = dict(re.findall(r"^  # module\.pipeline\.(\S+) (will be|must be) ", done.stdout, re.MULTILINE))
    assert 'aws_lambda_function.this["iceberg"]' in changes, "the function serves the type"
    assert 'aws_kinesis_firehose_delivery_stream.this["iceberg"]' not in changes
    assert "must be replaced" not in done.stdout
