"""The end-to-end test of an environment, run on a local endpoint: every type, in every mode."""

from collections.abc import Iterator

import pytest

from firehose.local.endpoint.endpoint import Endpoint
from firehose.pipeline.package import checkout_package
from firehose.pipeline.up.resources import BUCKET, TABLE, make_iceberg_tables, make_resources
from glue.layout import Format
from tests.e2e.environment import local_sql
from tests.e2e.items import LIVING, NOBODY, TYPES, Items, Life
from tests.e2e.run import Clocks, run
from tests.given import s
from tests.local_aws import deliver, local_aws

pytestmark = [pytest.mark.slow, pytest.mark.long]

RUN = "e2e-20250101-00000000"
LIVES = [Life(name, RUN, "2025-01-01T10:00:00Z") for name in LIVING]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with local_aws() as address, pytest.MonkeyPatch.context() as patch:
        made = Endpoint(address)
        for name, value in made.variables.items():
            patch.setenv(name, value)
        make_resources(made, Format, checkout_package())
        make_iceberg_tables(made)
        yield made


@pytest.fixture(scope="module")
def said(endpoint: Endpoint) -> list[str]:
    """The lines of the end-to-end test. Whenever it waited, the changes made so far were delivered."""
    told: list[str] = []
    table = endpoint.client("dynamodb")
    table.put_item(TableName=TABLE, Item={"pk": s("broken"), "sk": s("x")})
    run(
        Items(table, TABLE),
        LIVES,
        {mode: local_sql(endpoint.client, BUCKET, mode) for mode in Format},
        seconds=60,
        where_it_stopped=str,
        say=told.append,
        clocks=Clocks(sleep=lambda _: deliver(endpoint, 4 * len(LIVES) + 1)),
    )
    return told


def test_every_record_type_has_items_of_its_own() -> None:
    assert set(LIVING) == set(TYPES)


def test_an_item_of_each_type_created_changed_and_deleted_is_found_by_sql_in_every_mode(said: list[str]) -> None:
    found = {line.split(":")[0] for line in said if line.startswith("lake")}

    assert found == {f"lake    {name} ({mode})" for name in LIVING for mode in Format}
    assert said[0] == "table   demand, notification, event, sale: items created, changed and deleted"
    assert said[-2].startswith("views   latest_demand, ")


def test_in_the_end_the_table_has_what_it_had_before(said: list[str], endpoint: Endpoint) -> None:
    left = endpoint.client("dynamodb").scan(TableName=TABLE)["Items"]

    assert [item["pk"] for item in left] == [s("broken")]
    assert said[-1] == "clear   4 items deleted, 0 objects below test/"


@pytest.mark.parametrize("mode", Format)
def test_a_deleted_item_has_no_personal_data_in_the_lake(said: list[str], endpoint: Endpoint, mode: Format) -> None:
    sql = f"SELECT isdeleted, phonenumber, email FROM demand WHERE isdeleted OR email = '{NOBODY}'"  # noqa: S608

    rows = local_sql(endpoint.client, BUCKET, mode)(sql)

    assert sorted((row["phonenumber"], row["email"]) for row in rows if row["isdeleted"] == "True") == [
        ("[redacted]", "[redacted]")
    ]
    assert len(rows) == 4


def test_what_has_no_type_is_kept_as_an_error_once_in_each_mode(said: list[str], endpoint: Endpoint) -> None:
    listed = endpoint.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="data-pipeline/errors/")

    kinds = sorted(one["Key"].split("/")[2] for one in listed["Contents"])
    assert kinds == [*["firehose"] * 3, *["records"] * 3]
