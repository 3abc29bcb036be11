"""The keys of a full export: named, asked of AWS, or pk and sk if every item has both; never names that give others.

By them a row says which item it is of (`change.item`, BR-20), as its changes in the stream do.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.lake.backfill import key_names
from firehose.local.user_error import UserError
from tests.commands import DMD, result_of
from tests.exports import TABLE, backfilled, demand, full_export, incremental_export, item, make_table, written
from tests.failed import everything, rows
from tests.given import Attributes, change_of, payload, s

pytestmark = pytest.mark.slow


def item_of(keys: dict[str, Any]) -> str:
    """BR-20, by the words of the rule."""
    text = json.dumps(keys, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]


def items_in(lake: Path, table: str = "demand") -> list[str]:
    return sorted(row["change"]["item"] for row in rows(lake, table))


def backfill(*options: str) -> Any:
    return result_of("backfill", *options)


def changes_lake(folder: Path, *items: Attributes, keys: tuple[str, ...] = ("pk", "sk")) -> str:
    """A lake that the stream of a table with these keys has filled."""
    changes = [change_of(one) for one in items]
    for one in changes:
        one["dynamodb"]["Keys"] = {name: one["dynamodb"]["NewImage"][name] for name in keys}
    (folder / "changes.jsonl").write_bytes(b"".join(payload(one) + b"\n" for one in changes))
    result_of("run", str(folder / "changes.jsonl"), "--lake", str(folder / "lake"))
    return str(folder / "lake")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_backfilled_row_is_of_the_same_item_as_the_rows_of_its_changes(here: Path) -> None:
    lake = changes_lake(here, demand("a"), demand("b"))
    full_export(here / "export", [demand("b"), demand("c")])

    backfill("--export", "export", "--lake", lake)

    digests = {fan: item_of({"pk": s(f"PK#{fan}"), "sk": s("SK")}) for fan in "abc"}
    assert items_in(here / "lake") == sorted([digests["a"], digests["b"], digests["b"], digests["c"]])


def test_the_latest_row_of_an_item_is_found_among_those_of_the_stream_and_of_a_backfill(here: Path) -> None:
    """Two notifications of one reference are two items, and one that is there twice is one."""
    one, another = (item("notification", key, statusId=s("SENT")) for key in "12")
    lake = changes_lake(here, one)
    full_export(here / "export", [one, another])
    backfill("--export", "export", "--lake", lake)

    result = result_of("query", "SELECT count(*) AS n FROM latest_notification", "--lake", lake, "--json")

    assert json.loads(result.stdout) == [{"n": 2}]


@pytest.mark.parametrize("keys", [("pk",), ("fanId", "pk"), ("sk", "pk")], ids=" ".join)
def test_named_keys_are_those_of_the_item_in_any_order(here: Path, keys: tuple[str, ...]) -> None:
    full_export(here / "export", [demand("ä")])

    result = backfill("--export", "export", "--lake", "lake", *(word for key in keys for word in ("--key", key)))

    assert items_in(here / "lake") == [item_of({name: demand("ä")[name] for name in keys})]
    assert "checking" not in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry run"])
@pytest.mark.parametrize("missing", ["pk", "sk"])
def test_an_item_without_pk_or_sk_ends_the_run_before_anything_is_written(
    here: Path, missing: str, dry: tuple[str, ...]
) -> None:
    lacking = {name: value for name, value in demand("b").items() if name != missing}
    full_export(here / "export", [demand("a")], [demand("c"), lacking])
    before = everything(here)

    done = subprocess.run(
        [*DMD, "backfill", "--export", "export", "--lake", "lake", *dry], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert ":2: an item without pk and sk: name the table's keys with --key" in done.stderr
    assert "checking that every item has pk and sk; --key NAME skips this" in done.stderr
    assert everything(here) == before


def test_the_keys_of_an_incremental_export_are_its_own(here: Path) -> None:
    keys = {"id": s("x"), "range": {"N": "7"}}
    incremental_export(here / "export", [written(demand("a"), Keys=keys)])

    result = backfill("--export", "export", "--lake", "lake")

    assert items_in(here / "lake") == [item_of(keys)]
    assert "checking" not in result.stderr


@pytest.mark.parametrize("keys", [("fanId",), ("pk",)], ids=" ".join)
def test_keys_by_which_no_item_is_one_of_the_lake_are_refused_before_anything_is_written(
    here: Path, keys: tuple[str, ...]
) -> None:
    lake = changes_lake(here, demand("a"), demand("b"))
    full_export(here / "export", [demand("a"), demand("b")])
    before = everything(here)

    with pytest.raises(UserError, match=r"no demand of this export is one of those in .*lake: name the table's keys"):
        backfill("--export", "export", "--lake", lake, *(word for key in keys for word in ("--key", key)))

    assert everything(here) == before


def test_pk_and_sk_are_refused_for_a_table_that_has_other_keys(here: Path) -> None:
    lake = changes_lake(here, demand("a"), keys=("fanId",))
    full_export(here / "export", [demand("a")])

    with pytest.raises(UserError, match="by the keys pk and sk, no demand of this export is one of those in"):
        backfill("--export", "export", "--lake", lake)

    backfill("--export", "export", "--lake", lake, "--key", "fanId")
    assert items_in(here / "lake") == [item_of({"fanId": s("a")})] * 2


def test_an_export_whose_items_are_all_new_to_the_lake_goes_there_if_it_is_said_so(here: Path) -> None:
    lake = changes_lake(here, demand("a"))
    full_export(here / "export", [demand("b")])

    with pytest.raises(UserError, match="add --no-compare if these items are new to it"):
        backfill("--export", "export", "--lake", lake)
    backfill("--export", "export", "--lake", lake, "--no-compare", "--dry-run")
    backfill("--export", "export", "--lake", lake, "--no-compare")

    assert len(rows(here / "lake")) == 2


def test_one_item_that_the_lake_has_proves_the_keys(here: Path) -> None:
    lake = changes_lake(here, demand("gone"), demand("b", "2025-01-02"))
    full_export(here / "export", [demand("a"), demand("b", "2025-01-02")])

    backfill("--export", "export", "--lake", lake)

    assert len(rows(here / "lake")) == 4


def test_types_and_dates_that_the_lake_has_not_are_not_compared(here: Path) -> None:
    lake = changes_lake(here, demand("a"))
    full_export(here / "export", [demand("b", "2025-03-01"), item("sale", "1")])

    backfill("--export", "export", "--lake", lake)

    assert len(rows(here / "lake")) == 2


def test_a_lake_of_containers_is_compared_too(here: Path) -> None:
    full_export(here / "export", [demand("a")])
    backfill("--export", "export", "--lake", "lake", "--format", "avro")

    with pytest.raises(UserError, match="no demand of this export is one of those in lake"):
        backfill("--export", "export", "--lake", "lake", "--format", "avro", "--key", "pk")


def test_a_run_that_is_resumed_keeps_its_keys_and_checks_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = full_export(tmp_path / "export", [demand("a")], [demand("b")])
    last = sorted((home / "data").iterdir())[-1]
    whole = last.read_bytes()
    find = key_names.find_key_names

    def then_damaged(*arguments: Any, **named: Any) -> Any:
        found = find(*arguments, **named)
        last.write_bytes(b"")
        return found

    with monkeypatch.context() as patch:
        patch.setattr("firehose.lake.backfill.run.find_key_names", then_damaged)
        with pytest.raises(UserError, match="is damaged"):
            backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", keys=())
        patch.undo()
    last.write_bytes(whole)
    monkeypatch.setattr("firehose.lake.backfill.run.find_key_names", pytest.fail)

    outcome = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", keys=())

    assert outcome.resumed
    assert items_in(tmp_path / "lake") == sorted(item_of({"pk": s(f"PK#{fan}"), "sk": s("SK")}) for fan in "ab")


@pytest.fixture
def exports(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="exports")
        full_export(here / "export", [demand("a")])
        for path in (path for path in (here / "export").rglob("*") if path.is_file()):
            key = path.relative_to(here / "export").as_posix()
            client.put_object(Bucket="exports", Key=key, Body=path.read_bytes())
        yield here


def test_the_keys_of_an_export_in_s3_are_asked_of_its_table(exports: Path) -> None:
    keys = [{"AttributeName": "fanId", "KeyType": "HASH"}]
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": "fanId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    result = backfill("--export", "s3://exports", "--lake", "lake")

    # moto's account is the one of the export's ARN.
    assert items_in(exports / "lake") == [item_of({"fanId": s("a")})]
    assert "checking" not in result.stderr


def test_without_the_table_of_an_export_in_s3_its_items_are_checked(exports: Path) -> None:
    result = backfill("--export", "s3://exports", "--lake", "lake")

    assert "checking that every item has pk and sk" in result.stderr
    assert items_in(exports / "lake") == [item_of({"pk": s("PK#a"), "sk": s("SK")})]


def test_a_folder_of_an_export_asks_nobody(here: Path) -> None:
    full_export(here / "export", [demand("a")])
    program = (
        "import sys; from firehose.cli import main\n"
        "sys.argv[1:] = ['backfill', '--export', 'export', '--lake', 'lake']\n"
        "try:\n    main()\nfinally:\n    sys.exit('boto3' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == 0


def test_the_items_of_a_scan_have_the_keys_of_their_table(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_table(demand("a"))
        backfill("--table", TABLE, "--lake", "lake")

    assert items_in(here / "lake") == [item_of({"pk": s("PK#a"), "sk": s("SK")})]
