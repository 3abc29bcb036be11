"""`dmd firehose run` into Iceberg tables of a folder's catalog."""

import json
import os
from contextlib import closing
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from firehose.local.iceberg_catalogs import folder_catalog
from firehose.local.user_error import UserError
from tests.commands import result_of
from tests.firehose_streams import request
from tests.iceberg_streams import catalog_in, ids
from tests.stream_requests import iceberg, only_table

pytestmark = pytest.mark.slow

LINES = [b'{"id": "a", "qty": 1}', b'{"id": "b", "qty": "secret"}', b'{"id": "c"}']


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of a user."""
    (tmp_path / "stream.json").write_text(json.dumps(iceberg(DestinationTableConfigurationList=only_table())))
    (tmp_path / "orders.jsonl").write_bytes(b"\n".join(LINES) + b"\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tables(folder: Path) -> None:
    with closing(catalog_in(folder / "tables")):
        pass


def run(*more: str, source: str = "orders.jsonl", standard_input: bytes | None = None) -> tuple[int, str]:
    result = result_of(
        *("firehose", "run", "--stream", "stream.json", "--source", source, "--sink", "bucket", *more),
        standard_input=standard_input,
    )
    return result.exit_code, result.output


def rows() -> list[dict[str, Any]]:
    with closing(folder_catalog(Path("tables"))) as catalog:
        found: list[dict[str, Any]] = catalog.load_table("db.orders").scan().to_arrow().to_pylist()
        return found


@pytest.mark.usefixtures("tables")
def test_rows_land_in_the_table_and_failures_in_the_bucket() -> None:
    code, printed = run("--catalog", "tables", "--json")

    found = json.loads(printed.splitlines()[-1])
    assert (code, ids(rows())) == (0, ["a", "c"])
    assert (found["delivered"], found["rows"], found["failures"]) == (2, 2, {"Iceberg.InvalidColumnValue": 1})
    assert found["metrics"]["DeliveryToIceberg.SuccessfulRowCount"]["sum"] == 2
    assert len(list(Path("bucket/iceberg-failed").rglob("orders-1-*"))) == 1


@pytest.mark.usefixtures("tables")
def test_the_same_file_again_also_as_standard_input_appends_nothing() -> None:
    run("--catalog", "tables")
    run("--catalog", "tables")
    code, _ = run("--catalog", "tables", source="-", standard_input=b"\n".join(LINES))

    assert (code, ids(rows())) == (0, ["a", "c"])


@pytest.mark.usefixtures("tables")
def test_a_commit_whose_answer_is_lost_is_not_repeated() -> None:
    code, _ = run("--catalog", "tables", "--fault", "iceberg-unknown:2")

    assert (code, ids(rows())) == (0, ["a", "c"])


@pytest.mark.usefixtures("tables")
def test_what_stays_refused_is_still_in_the_source() -> None:
    code, printed = run("--catalog", "tables", "--fault", "iceberg-conflict")

    assert code == 1
    assert "the Iceberg table db.orders cannot be written: CommitFailedException; 2 of the records read" in printed


@pytest.mark.usefixtures("tables")
def test_tables_and_catalog_are_private_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        run("--catalog", "tables")
    finally:
        os.umask(before)

    modes = {(path.is_dir(), S_IMODE(path.stat().st_mode)) for path in (folder / "tables").rglob("*")}
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], r"orders delivers to Iceberg tables: specify their --catalog, a folder or glue"),
        (["--catalog", "nowhere"], r"nowhere is not an Iceberg catalog: name the folder of a catalog\.sqlite, or glue"),
    ],
)
def test_a_stream_into_tables_needs_a_catalog_that_is_there(options: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        run(*options)


@pytest.mark.parametrize("options", [["--catalog", "tables"], ["--fault", "iceberg-conflict"]])
def test_what_is_of_icebergs_has_no_effect_on_another_stream(options: list[str], folder: Path) -> None:
    (folder / "stream.json").write_text(json.dumps(request(), default=str))
    columns = {"Name": "order", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}]}}
    (folder / "table.json").write_text(json.dumps(columns))

    with pytest.raises(UserError, match="has no effect on orders"):
        run("--table", "table.json", *options)


def test_without_pyiceberg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyiceberg.catalog.sql", None)

    with pytest.raises(UserError, match=r"install dmd-pipeline\[iceberg\]"):
        run("--catalog", "tables")
