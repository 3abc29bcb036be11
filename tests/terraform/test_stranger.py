"""A Terraform root of somebody who knows nothing of this project, applied to the endpoint by the real provider."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firehose.pipeline.up.terraform import provider_mirror, surroundings
from tests.endpoints import LocalAws, local_endpoint, package
from tests.terraform import PROJECT, missing, needs_terraform

pytestmark = [pytest.mark.slow, pytest.mark.long]

ROOT = PROJECT / "tests" / "terraform" / "stranger"
BUCKET = "web-orders-lake"


class Applied:
    """The root in a folder of its own, applied to an endpoint."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws = aws
        self._folder = folder
        self._terraform = needs_terraform()
        (folder / "orders.zip").write_bytes(package((ROOT / "orders.py").read_text()))
        self._variables = {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "TF_VAR_package": str(folder / "orders.zip"),
        }

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self._terraform, *arguments, "-no-color"],
            cwd=self._folder,
            env=surroundings(self._variables),
            capture_output=True,
            text=True,
            check=False,
        )

    def put(self, *orders: dict[str, Any]) -> None:
        records = [{"Data": json.dumps(order).encode(), "PartitionKey": order["id"]} for order in orders]
        answer = self.aws.client("kinesis").put_records(StreamName="web-orders", Records=records)
        assert answer["FailedRecordCount"] == 0


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copy(ROOT / "main.tf", folder)
    with local_endpoint() as aws:
        root = Applied(aws, folder)
        mirror = provider_mirror()
        done = root.run("init", *([f"-plugin-dir={mirror}"] if mirror else []))
        if done.returncode and mirror is None:
            missing("terraform's AWS provider is neither on this machine (DMD_TERRAFORM_PLUGINS) nor to be had")
        assert done.returncode == 0, done.stderr
        done = root.run("apply", "-auto-approve")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        yield root


def order(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "shop": "berlin",
        "price": "9.90",
        "placed": "2026-01-02 10:00:00",
        "items": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": number}],
        **more,
    }


def test_a_strangers_root_runs_from_its_plan_to_its_alarms(applied: Applied) -> None:
    aws = applied.aws
    second = applied.run("plan", "-detailed-exitcode")
    assert second.returncode == 0, second.stdout[-3000:]

    applied.put(order(1), order(2, shop="oslo"), order(3))
    aws.advance(240)
    before = aws.control("alarms")
    rows = aws.rows("orders/day=2026-01-02/shop=berlin/", BUCKET)
    applied.put(order(4), {"id": "5", "shop": "oslo", "placed": "2026-01-02 11:00:00"})
    aws.advance(240)

    assert sorted((row["id"], row["qty"]) for row in rows) == [("1", 3), ("3", 5)]
    assert rows[0]["items"][0] == {"sku": "a", "qty": 2}
    assert {key.rpartition("/")[0] for key in aws.objects("orders/", BUCKET)} == {
        "orders/day=2026-01-02/shop=berlin",
        "orders/day=2026-01-02/shop=oslo",
    }
    errors = aws.errors("errors/processing-failed/", BUCKET)
    assert [(error["errorCode"], error["attemptsMade"]) for error in errors] == [("Lambda.FunctionError", 2)] * 2
    assert before["ALARM"] == []
    assert aws.control("alarms")["ALARM"] == ["web-orders-processing"]
    assert any("KeyError: 'items'" in line for line in aws.log("/aws/lambda/web-orders"))
    assert "3 records for web-orders" in aws.log("/aws/lambda/web-orders")
    (logged,) = aws.log("/aws/kinesisfirehose/web-orders")
    assert json.loads(logged)["errorCode"] == "Lambda.FunctionError"


def test_changes_of_the_table_reach_its_stream(applied: Applied) -> None:
    aws = applied.aws

    aws.client("dynamodb").put_item(TableName="shops", Item={"id": {"S": "berlin"}})

    kinesis = aws.client("kinesis")
    where = {"StreamName": "shops", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    records = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])["Records"]
    (change,) = (json.loads(record["Data"]) for record in records)
    assert change["dynamodb"]["ApproximateCreationDateTimePrecision"] == "MILLISECOND"


# The last one: what stands there is gone afterwards.
def test_a_change_is_an_update_in_place_and_all_of_it_is_destroyed_again(applied: Applied) -> None:
    changed = applied.run("apply", "-auto-approve", '-var=lambda_parameters={ NumberOfRetries = "2" }')
    assert changed.returncode == 0, changed.stderr[-3000:]
    described = applied.aws.client("firehose").describe_delivery_stream(DeliveryStreamName="web-orders")
    assert described["DeliveryStreamDescription"]["VersionId"] == "2"

    destroyed = applied.run("destroy", "-auto-approve")

    assert destroyed.returncode == 0, destroyed.stderr[-3000:]
    assert applied.aws.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
