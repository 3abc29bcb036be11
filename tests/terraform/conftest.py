"""Plans that several files of specifications look at."""

from collections.abc import Iterator

import pytest

from tests.terraform import Workspace, one_provider
from tests.terraform.planned import ACCOUNT, DEV1, EVERYTHING, Plan, plan, planning


@pytest.fixture(scope="session")
def dev1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with planning(tmp_path_factory.mktemp("dev1")) as where, one_provider(where, DEV1):
        yield where


@pytest.fixture(scope="session")
def everything(dev1: Workspace) -> Plan:
    return plan(dev1, EVERYTHING)


@pytest.fixture(scope="session")
def least(dev1: Workspace) -> Plan:
    """Nothing that is optional, and a bucket of another team's without a key."""
    return plan(dev1, {"bucket_managed": "false"})


@pytest.fixture(scope="session")
def otherwise(dev1: Workspace) -> Plan:
    """Settings that have nothing to do with each other: each plan takes Terraform ten seconds.

    Compaction without a schedule, a bucket of exports or a scratch lake; a topic of another team's; other days.
    """
    return plan(
        dev1,
        {
            "jobs": "{ compact = {} }",
            "alarms": f'{{ topic_arn = "arn:aws:sns:us-east-1:{ACCOUNT}:pager", silent_hours = 1 }}',
            "retention_days": "{ errors = 20, noncurrent = 7 }",
        },
    )


@pytest.fixture(scope="session")
def tables(dev1: Workspace) -> Plan:
    """Every job where Iceberg mode is on."""
    return plan(dev1, {**EVERYTHING, "modes": '["parquet", "iceberg"]'})
