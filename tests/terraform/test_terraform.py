"""terraform/: applied for real to a local endpoint. Plans and applies validate a root before anything else."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from firehose.local.endpoint.endpoint import Endpoint
from firehose.pipeline.names import Names
from firehose.pipeline.package import build as build_package
from firehose.pipeline.streams import ModeStream, mode_streams
from glue.layout import Format
from glue.schema import load
from glue.tables import read_table_inputs, with_bucket
from glue.views import view_inputs
from tests.described import as_described, described, presto_view, table_input
from tests.e2e.environment import local_sql
from tests.e2e.items import Items, Life
from tests.e2e.run import Clocks
from tests.e2e.run import run as end_to_end
from tests.local_aws import deliver, local_aws
from tests.terraform import Apply, jobs_package, workspace
from transform import settings
from transform.outcome import UNREADABLE, Reason

pytestmark = [pytest.mark.slow, pytest.mark.long]

TYPES = load()
BUCKET = "prd3292.test.us-east-1.demand-capture.tmaws"
ACCOUNT = "123456789012"
DELIVERY_STREAM = "aws_kinesis_firehose_delivery_stream"
# With Iceberg's there would be six streams, and a shard serves five: test_deploy.py applies that beside Parquet mode.
APPLIED = [Format.PARQUET, Format.AVRO]
DATABASES = {"parquet": "prd3292_test_dmnd_pipeline_parquet", "avro": "prd3292_test_dmnd_pipeline"}

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def under_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apply]:
    folder = tmp_path_factory.mktemp("applied")
    where = workspace(
        folder,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        TF_VAR_protect_streams="true",
        TF_VAR_jobs='{ backfill = {}, reconcile = {}, erase = {}, compact = { schedule = "cron(0 3 * * ? *)" } }',
    )
    build_package(folder / "build" / "function.zip")
    jobs_package(folder / "build" / "glue")
    where.init("test")
    with local_aws() as endpoint:
        where.variables = {**where.variables, "AWS_ENDPOINT_URL": endpoint}
        apply = Apply(where, endpoint, folder / "apply.txt")
        yield apply
        if apply.process.poll() is None:
            apply.process.terminate()
            apply.process.wait()


@pytest.fixture(scope="module")
def applied(under_way: Apply) -> Apply:
    assert under_way.process.wait(timeout=500) == 0, under_way.output.read_text()[-3000:]
    return under_way


@pytest.fixture(scope="module")
def aws(applied: Apply) -> Client:
    def client(service: str) -> Any:
        return boto3.client(
            service, "us-east-1", endpoint_url=applied.endpoint, aws_access_key_id="x", aws_secret_access_key="x"
        )

    return client


def test_a_second_plan_finds_nothing_to_do(applied: Apply) -> None:
    done = applied.where.run("test", "plan", "-detailed-exitcode")

    assert done.returncode == 0, done.stdout[-3000:]


STREAMS = [stream for mode in APPLIED for stream in mode_streams(Names("test"), mode, TYPES)]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_delivery_stream_is_what_our_table_of_modes_describes(stream: ModeStream, aws: Client) -> None:
    request = stream.request(
        stream_arn=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/prd3292-test-dmnd-table-stream",
        function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{stream.name}:live",
        bucket=BUCKET,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{stream.name}-delivery",
    )

    assert described(aws("firehose"), stream.name) == as_described(request)


@pytest.mark.parametrize("mode", DATABASES)
def test_every_table_is_what_our_builder_describes(mode: str, aws: Client) -> None:
    expected = {
        name: with_bucket(formats.get(mode) or formats["json"], BUCKET) for name, formats in read_table_inputs().items()
    }

    tables = aws("glue").get_tables(DatabaseName=DATABASES[mode])["TableList"]

    assert {one["Name"]: table_input(one) for one in tables if one["TableType"] != "VIRTUAL_VIEW"} == expected


@pytest.mark.parametrize("mode", DATABASES)
def test_every_view_is_what_our_builder_describes_over_its_own_database(mode: str, aws: Client) -> None:
    text = json.dumps(view_inputs(TYPES)).replace("${database}", DATABASES[mode])
    expected = {view["Name"]: view["View"] for view in json.loads(text).values()}

    tables = aws("glue").get_tables(DatabaseName=DATABASES[mode])["TableList"]
    views = {one["Name"]: one for one in tables if one["TableType"] == "VIRTUAL_VIEW"}

    assert {name: presto_view(one["ViewOriginalText"]) for name, one in views.items()} == expected
    assert {one["Parameters"]["presto_view"] for one in views.values()} == {"true"}


def test_functions_take_their_settings_and_one_of_each_mode_claims_what_has_no_readable_type(aws: Client) -> None:
    functions = aws("lambda").list_functions()["Functions"]

    read = [settings.read(one["Environment"]["Variables"], TYPES) for one in functions]

    assert sorted((one.format, one.record_types, one.claims_unreadable) for one in read) == sorted(
        [("avro", tuple(TYPES), True)] + [("parquet", (name,), name == min(TYPES)) for name in TYPES]
    )
    assert {(one["Runtime"], *one["Architectures"], one["Handler"]) for one in functions} == {
        ("python3.13", "arm64", "transform.handler.lambda_handler")
    }


def test_an_alarm_waits_for_each_reason_that_a_record_fails_for(aws: Client) -> None:
    pages = aws("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm.get("MetricName") == "RecordsFailed"]
    waiting: dict[str, set[str]] = {}
    for alarm in alarms:
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        waiting.setdefault(dimensions["service"], set()).add(dimensions["reason"])

    everything = {str(reason) for reason in Reason}
    readable = everything - UNREADABLE
    assert waiting == {
        f"transform-{'-'.join(TYPES)}": everything,
        **{f"transform-{name}": everything if name == min(TYPES) else readable for name in TYPES},
    }


def test_a_job_starts_with_the_options_of_whoever_starts_it(aws: Client) -> None:
    name, options = "prd3292-test-dmnd-backfill", {"--options": "--export s3://exports/AWSDynamoDB/1 --key pk --key sk"}

    run = aws("glue").start_job_run(JobName=name, Arguments=options)["JobRunId"]

    assert aws("glue").get_job_run(JobName=name, RunId=run)["JobRun"]["JobName"] == name
    script = aws("glue").get_job(JobName=name)["Job"]["Command"]["ScriptLocation"]
    key = script.removeprefix(f"s3://{BUCKET}/")
    assert aws("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"any"


def test_everything_is_tagged_as_the_company_wants_it(aws: Client) -> None:
    tags = aws("firehose").list_tags_for_delivery_stream(DeliveryStreamName="prd3292-test-dmnd-sale")["Tags"]

    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "Environment": "test",
        "ProductCode": "PRD3292",
        "InventoryCode": "dmnd-pipeline",
    }


def test_names_are_those_that_python_knows_them_by(applied: Apply, aws: Client) -> None:
    outputs = json.loads(applied.where.run("test", "output", "-json").stdout)
    names = Names("test")

    assert outputs["databases"]["value"] == {mode: names.database(mode) for mode in Format}
    assert outputs["lake"]["value"] == f"s3://{names.bucket}"
    assert outputs["source_stream"]["value"] == f"kinesis://{names.stream}"
    assert outputs["ci_role"]["value"] == f"arn:aws:iam::{ACCOUNT}:role/{names.ci_role}"
    assert names.ci_workgroup in {one["Name"] for one in aws("athena").list_work_groups()["WorkGroups"]}
    assert names.table in aws("dynamodb").list_tables()["TableNames"]


def test_what_is_applied_runs_end_to_end(applied: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(applied.endpoint)
    for name, value in endpoint.variables.items():
        monkeypatch.setenv(name, value)
    told: list[str] = []

    end_to_end(
        Items(endpoint.client("dynamodb"), Names("test").table),
        [Life(name, "e2e-20250101-00000000", "2025-01-01T10:00:00Z") for name in TYPES],
        {mode: local_sql(endpoint.client, BUCKET, mode) for mode in APPLIED},
        seconds=60,
        where_it_stopped=str,
        say=told.append,
        clocks=Clocks(sleep=lambda _: deliver(endpoint, 4 * len(TYPES))),
    )

    assert len([line for line in told if line.startswith("lake")]) == 2 * len(TYPES)
    deliver(endpoint, 5 * len(TYPES))  # the items were deleted again
    # moto takes the removal of a bucket's metrics for the bucket's own, which it refuses of one that is not empty.
    boto3.resource("s3", endpoint_url=endpoint.url).Bucket(BUCKET).object_versions.delete()


def test_a_protected_delivery_stream_can_be_neither_replaced_nor_removed(applied: Apply) -> None:
    avro_alone = replace(applied.where, variables={**applied.where.variables, "TF_VAR_modes": '["avro"]'})

    planned = avro_alone.run(
        "test", "plan", "-refresh=false", f'-replace=module.pipeline.{DELIVERY_STREAM}.this["avro"]'
    )

    assert planned.returncode == 1
    refused = re.findall(r'terraform_data.protected\["(\w+)"\] has\s+lifecycle.prevent_destroy', planned.stderr)
    assert sorted(refused) == sorted([*TYPES, "avro"])


# The last one: what stands there is gone afterwards.
def test_all_of_it_is_destroyed_again(applied: Apply, aws: Client) -> None:
    # As docs/deploy.md says to take a protected one away on purpose.
    forgotten = applied.where.run("test", "state", "rm", "module.pipeline.terraform_data.protected")
    assert forgotten.returncode == 0, forgotten.stderr

    # Without looking at all of it anew: that nothing differs was seen above.
    done = applied.where.run("test", "destroy", "-auto-approve", "-refresh=false")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert aws("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    assert aws("glue").get_databases()["DatabaseList"] == []
