"""The end-to-end test against an environment: under the CI role, with Athena, and nothing that the role may not do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import Format
from tests.e2e import __main__ as e2e
from tests.e2e.athena import Athena, QueryError
from tests.e2e.environment import client_of, modes_of, open_environment
from tests.e2e.items import DAY, LIVING, Life, Row
from tests.e2e.run import Clocks
from tests.kinesis_streams import Clock
from tests.local_aws import local_aws
from tests.terraform import ENVIRONMENTS, PROJECT, what_dev1_has_already

pytestmark = pytest.mark.slow

NAMES = Names("dev1")
RUN = "e2e-20250101-00000000"
RESULTS = "data-pipeline/test/athena/results/"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """AWS as an SDK finds it: an address and somebody's credentials in environment variables."""
    with local_aws() as address:
        what_dev1_has_already(address)
        made = Endpoint(address)
        made.client("athena").create_work_group(Name=NAMES.ci_workgroup, Configuration={})
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL", "E2E_ROLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def queue(endpoint: Endpoint, *results: list[list[str | None]]) -> None:
    """What Athena answers next: rows, of which the first is the head."""
    queued = [
        {"rows": [{"Data": [{} if one is None else {"VarCharValue": one} for one in row]} for row in rows]}
        for rows in results
    ]
    body = json.dumps({"results": [{**one, "column_info": []} for one in queued]}).encode()
    url = f"{endpoint.url}/moto-api/static/athena/query-results"
    urlopen(Request(url, body, {"Content-Type": "application/json"})).close()  # noqa: S310 - our own


def table_of(rows: list[Row], personal: list[str]) -> list[list[str | None]]:
    head = ["id", "entity", "changed", "gone", *personal]
    return [[*head], *([str(row), row.entity, row.change, row.deleted, *row.personal] for row in rows)]


def keys(endpoint: Endpoint) -> list[str]:
    listed = endpoint.client("s3").list_objects_v2(Bucket=NAMES.bucket)
    return [one["Key"] for one in listed.get("Contents", [])]


def _check_reach(params: dict[str, Any], **_: Any) -> None:
    """The conditions of the CI role: items of its own, and listings below these prefixes."""
    for item in (params.get("Item"), params.get("Key")):
        if isinstance(item, dict):
            assert {value["S"][:4] for name, value in item.items() if name in {"pk", "sk"}} == {"e2e-"}
    if "Prefix" in params:
        assert params["Prefix"].startswith(("data-pipeline/errors/", "data-pipeline/test/")) or (
            f"/partition_date={DAY}/" in params["Prefix"]
        )


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What an environment is asked, as actions of IAM: {"dynamodb:PutItem", ...}."""
    found: set[str] = set()

    def noting(names: Names, run: str, role: str = "") -> Any:
        client = open_environment(names, run, role)

        def noted(service: str) -> Any:
            made = client(service)
            made.meta.events.register("before-call", lambda model, **_: found.add(f"{service}:{model.name}"))
            made.meta.events.register("provide-client-params", _check_reach)
            return made

        return noted

    monkeypatch.setattr(e2e, "open_environment", noting)
    monkeypatch.setattr(e2e, "new_run", lambda _: RUN)
    return found


def answers(endpoint: Endpoint, *, found: bool) -> None:
    lives = [Life(name, RUN, "2025-01-01T10:00:00Z") for name in LIVING]
    rows = [table_of(life.rows if found else [], [name.lower() for name in life.of_person]) for life in lives]
    views = [table_of(life.latest, [name.lower() for name in life.of_person]) for life in lives]
    queue(endpoint, *rows, *(views if found else []))


def test_against_an_environment_all_is_found_and_only_its_own_is_deleted(
    endpoint: Endpoint, called: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = [f"{RESULTS}theirs.csv", "data-pipeline/parquet/demand/partition_date=2025-01-01/a.parquet"]
    for key in theirs:
        endpoint.client("s3").put_object(Bucket=NAMES.bucket, Key=key, Body=b"")
    answers(endpoint, found=True)

    code = e2e.main(["dev1"])

    said = capsys.readouterr().out.splitlines()
    assert code == 0, said
    assert said[0] == f"run     {RUN} in dev1, parquet, up to 600 s"
    assert said[-1] == "clear   4 items deleted, 16 objects below test/"
    assert keys(endpoint) == sorted(theirs)
    assert endpoint.client("dynamodb").scan(TableName=NAMES.table)["Items"] == []


@pytest.mark.parametrize("found", [True, False])
def test_the_ci_role_may_do_all_that_is_done(endpoint: Endpoint, called: set[str], found: bool) -> None:
    policy = (PROJECT / "terraform" / "modules" / "pipeline" / "iam_ci.tf").read_text()
    allowed = set(re.findall(r'"([a-z0-9]+:[A-Z]\w+)"', policy))
    clock = Clock()
    answers(endpoint, found=found)

    code = e2e.main(["dev1", "--seconds", "0"], Clocks(clock, clock.sleep))

    assert code == (0 if found else 1)
    assert {action.replace("ListObjectsV2", "ListBucket") for action in called} <= allowed
    assert {"dynamodb:DeleteItem", "athena:StartQueryExecution", "s3:DeleteObject"} <= called
    assert policy.count(f"partition_date={DAY}") == 1


def test_what_was_not_found_is_told_with_where_it_stopped(
    endpoint: Endpoint, called: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answers(endpoint, found=False)

    assert e2e.main(["dev1", "--seconds", "0"]) == 1

    said = capsys.readouterr().out
    assert "FAILED  demand (parquet): 4 of 4 changes not found in 0 s" in said
    assert said.count("stopped before the lake: nothing came to data-pipeline/parquet/") == 4
    assert "clear   4 items deleted" in said


def test_it_runs_under_the_ci_role(endpoint: Endpoint) -> None:
    client = open_environment(NAMES, RUN)

    assert client("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/{NAMES.ci_role}/{RUN}")


def test_who_is_the_ci_role_already_takes_no_other(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:iam::123456789012:role/{NAMES.ci_role}"
    taken = endpoint.client("sts").assume_role(RoleArn=arn, RoleSessionName="build-7")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", taken["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", taken["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", taken["SessionToken"])

    assert open_environment(NAMES, RUN)("sts").get_caller_identity()["Arn"].endswith("/build-7")


def test_a_role_of_another_account_can_be_told(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "arn:aws:iam::210987654321:role/other"

    client = open_environment(NAMES, RUN, other)

    assert client("sts").get_caller_identity()["Account"] == "210987654321"


def test_without_credentials_it_says_what_is_needed(no_credentials: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert e2e.main(["dev1"]) == 2

    assert capsys.readouterr().out == (
        "e2e: the role prd3292-dev1-dmnd-ci cannot be taken: Unable to locate credentials. It needs credentials of a "
        "principal that `ci_principals` of dev1 names; in another account also E2E_ROLE, which is Terraform's output "
        "`ci_role`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["dev2"], "`dev2` is no environment: say one of dev1, preprod1, prod1, qa1, test", id="no such"),
        pytest.param([""], "`` is no environment: say one of dev1,", id="none"),
        pytest.param(["test"], "no local endpoint: start `dmd up`, and export what it says", id="nothing local"),
    ],
)
def test_an_environment_that_is_not_there_is_the_users_mistake(
    no_credentials: None, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert e2e.main(arguments) == 2
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_the_modes_are_those_that_terraform_is_told(root: str) -> None:
    values = (PROJECT / "terraform" / root / "terraform.tfvars").read_text()

    assert modes_of(root.rpartition("/")[2]) == [mode for mode in Format if f'"{mode}"' in values]


# Athena.


@pytest.fixture
def athena(endpoint: Endpoint) -> Athena:
    clock = Clock()
    return Athena(endpoint.client, NAMES.ci_workgroup, "db", NAMES.bucket, sleep=clock.sleep)


def test_an_answer_is_text_by_column(endpoint: Endpoint, athena: Athena) -> None:
    queue(endpoint, [["a", "b"], ["1", None], ["2", ""]])

    assert athena("SELECT a, b FROM t") == [{"a": "1", "b": None}, {"a": "2", "b": ""}]


def test_a_query_is_of_the_database_and_in_the_workgroup(endpoint: Endpoint, athena: Athena) -> None:
    queue(endpoint, [["a"]])
    athena("SELECT a FROM t")

    client = endpoint.client("athena")
    (query,) = client.list_query_executions(WorkGroup=NAMES.ci_workgroup)["QueryExecutionIds"]
    found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    assert found["QueryExecutionContext"] == {"Database": "db"}


class Fake:
    """An Athena that answers as it is told; and S3, which notes what is deleted."""

    def __init__(self, location: str = "", **status: str) -> None:
        self.location = location
        self.status = status
        self.stopped: list[str] = []
        self.deleted: list[str] = []

    def __call__(self, _service: str) -> "Fake":
        return self

    def start_query_execution(self, **_: Any) -> dict[str, str]:
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        return {"QueryExecution": {"Status": self.status, "ResultConfiguration": {"OutputLocation": self.location}}}

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803 - Athena's name
        self.stopped.append(QueryExecutionId)

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803 - S3's names
        self.deleted.append(f"{Bucket}/{Key}")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("TABLE_NOT_FOUND: line 1:8: Table 'sale' does not exist", "Table 'sale' does not exist"),
        ("HIVE_BAD_DATA: Error parsing column '3' as INT: +15550100", r"Athena: HIVE_BAD_DATA \(query q1\)"),
    ],
)
def test_why_a_query_failed_is_told_without_what_a_row_holds(reason: str, told: str) -> None:
    athena = Athena(Fake(State="FAILED", StateChangeReason=reason), "w", "db", "b")

    with pytest.raises(QueryError, match=told):
        athena("SELECT 1")


def test_a_query_that_takes_too_long_is_stopped() -> None:
    fake, clock = Fake(State="RUNNING"), Clock()

    with pytest.raises(QueryError, match=r"no answer in 5 s \(query q1\)"):
        Athena(fake, "w", "db", "b", sleep=clock.sleep, query_seconds=5)("SELECT 1")

    assert sum(clock.slept) == 5
    assert fake.stopped == ["q1"]


def test_a_query_that_is_interrupted_is_stopped() -> None:
    fake = Fake(State="RUNNING")

    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Athena(fake, "w", "db", "b", sleep=sleep)("SELECT 1")

    assert fake.stopped == ["q1"]


@pytest.mark.parametrize(
    ("location", "deleted"),
    [
        (f"s3://b/{RESULTS}q1.csv", [f"b/{RESULTS}q1.csv.metadata", f"b/{RESULTS}q1.csv"]),
        ("s3://b/data-pipeline/athena/results/q1.csv", []),
        (f"s3://other/{RESULTS}q1.csv", []),
        ("", []),
    ],
    ids=["below test", "analysts'", "another bucket", "nowhere"],
)
def test_results_are_deleted_below_test_alone(location: str, deleted: list[str]) -> None:
    fake = Fake(location, State="FAILED")
    athena = Athena(fake, "w", "db", "b")
    with pytest.raises(QueryError):
        athena("SELECT 1")

    assert athena.clear() == len(deleted)
    assert athena.clear() == 0
    assert fake.deleted == deleted


def test_a_workgroup_that_refuses_is_named(endpoint: Endpoint) -> None:
    session = boto3.Session("x", "x", region_name="us-east-1")
    session.events.register("before-call.athena", refuse)
    athena = Athena(client_of(session), "no such", "db", NAMES.bucket)

    with pytest.raises(UserError, match="Athena's workgroup no such cannot be asked: AccessDeniedException"):
        athena("SELECT 1")


def refuse(**_: Any) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "StartQueryExecution")
