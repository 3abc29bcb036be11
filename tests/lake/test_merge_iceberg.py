"""`dmd iceberg merge`: the current tables of a lake, written in one commit each, and only where something changed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from firehose.lake.iceberg import merging
from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.query.sql import query
from firehose.local.user_error import UserError
from glue.build import ATHENA, PROJECT
from glue.layout import Format
from tests.commands import dmd
from tests.invented import gift, member, optional

pytestmark = pytest.mark.slow

NOW = time.time_ns() // 1000
HOUR = 3_600_000_000


class Gifts:
    """A lake of gifts, whose schema has a list, a map and a struct."""

    def __init__(self, folder: Path) -> None:
        self.lake, self.schemas = folder / "lake", folder / "schemas"
        self.schemas.mkdir()
        self.write_schema()
        self._dmd("tables", "--lake", str(self.lake))

    def write_schema(self, *fields: dict[str, Any]) -> None:
        nested = (
            member("tags", optional({"type": "array", "items": ["null", "string"]})),
            member("notes", optional({"type": "map", "values": "string"})),
        )
        (self.schemas / "gift.avsc").write_text(json.dumps(gift(*nested, *fields)))

    def append(self, *rows: dict[str, Any]) -> None:
        table = self.table("gift")
        table.append(pa.Table.from_pylist(rows, schema_to_pyarrow(table.schema(), include_field_ids=False)))

    def merge(self, *options: str) -> tuple[int, int]:
        """The rows that were inserted and replaced."""
        (done,) = json.loads(self._dmd("merge", "--lake", str(self.lake), *(options or ("--full",)), "--json"))
        assert done["table"] == "gift_current"
        return done["inserted"], done["replaced"]

    def table(self, name: str = "gift_current") -> Table:
        found = folder_tables(str(self.lake)).load(name)
        assert found is not None
        return found

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return query(sql, str(self.lake), file_format=Format.ICEBERG, schemas=self.schemas).rows

    def _dmd(self, *arguments: str) -> str:
        code, printed = dmd("iceberg", *arguments, "--schemas", str(self.schemas))
        assert code == 0
        return printed


@pytest.fixture
def gifts(tmp_path: Path) -> Gifts:
    return Gifts(tmp_path)


def row(item: str, at: int, **columns: Any) -> dict[str, Any]:
    """The row of a change at a time in microseconds."""
    change = {"item": item, "atmicros": at, "name": "MODIFY", "sequence": None}
    own = {
        "id": f"{item} at {at}",
        "tags": ["a", None],
        "notes": {"n": "x"},
        "partition_date": f"2025-01-0{at % 9 + 1}",
    }
    return {"change": change, "isdeleted": False, "reference": {"id": f"r{item}"}, **own} | columns


def newest(gifts: Gifts, name: str = "gift_current") -> list[tuple[Any, ...]]:
    return gifts.ask(f"SELECT id, isdeleted, tags, notes, reference, change, partition_date FROM {name} ORDER BY 1")  # noqa: S608


def test_the_current_table_is_what_the_view_shows_and_a_second_run_makes_no_snapshot(gifts: Gifts) -> None:
    gifts.append(row("a", 3), row("a", 1), row("b", 2))
    gifts.append(row("c", 4, isdeleted=True, id="[redacted]"), row("c", 1), row("a", 3))
    assert gifts.merge() == (3, 0)
    gifts.append(row("b", 1), row("a", 5), row("d", 1))
    assert gifts.merge() == (1, 1)
    before = gifts.table().metadata_location

    assert gifts.merge() == (0, 0)
    assert gifts.table().metadata_location == before
    assert newest(gifts) == newest(gifts, "latest_gift")
    assert gifts.ask("SELECT entity, count(*) FROM gift_current GROUP BY 1 ORDER BY 1") == [
        ("a", 1), ("b", 1), ("c", 1), ("d", 1),
    ]  # fmt: skip


def test_only_files_with_a_row_that_is_replaced_are_written_anew(gifts: Gifts) -> None:
    gifts.append(*(row(str(number), 1) for number in range(100)))
    gifts.merge()
    before = files(gifts.table())
    assert len(before) == 16
    gifts.append(row("7", 2))

    gifts.merge()

    assert len(before - files(gifts.table())) == 1
    assert len(gifts.table().metadata.metadata_log) == 2, "one commit for each merge"


def files(table: Table) -> set[str]:
    return {task.file.file_path for task in table.scan().plan_files()}


def test_a_window_reads_the_changes_made_in_it(gifts: Gifts) -> None:
    gifts.append(row("new", NOW - HOUR // 2), row("old", NOW - 3 * HOUR), row("new", NOW - 3 * HOUR))

    assert gifts.merge("--window", "1h") == (1, 0)
    assert gifts.ask("SELECT entity FROM gift_current") == [("new",)]
    assert gifts.merge("--window", "4h") == (1, 0)
    assert newest(gifts) == newest(gifts, "latest_gift")


def test_a_merge_brings_the_current_table_to_a_schema_that_has_gained_a_field(gifts: Gifts) -> None:
    gifts.append(row("a", 1))
    gifts.merge()
    gifts.write_schema(member("colour", optional("string")))
    assert gifts.merge() == (0, 0)
    gifts.append(row("a", 2, colour="red"), row("b", 1))

    assert gifts.merge() == (1, 1)
    assert gifts.ask("SELECT entity, colour FROM gift_current ORDER BY 1") == [("a", "red"), ("b", None)]


def test_a_commit_of_another_process_meanwhile_is_kept_and_ours_is_not_made(
    gifts: Gifts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gifts.append(row("a", 1))
    gifts.merge()
    gifts.append(row("a", 2))
    load: Callable[..., Table] = merging._load

    def load_and_lose(*arguments: Any) -> Table:
        table = load(*arguments)
        monkeypatch.undo()
        assert gifts.merge() == (0, 1)
        gifts.append(row("a", 3))
        return table

    monkeypatch.setattr(merging, "_load", load_and_lose)

    with pytest.raises(UserError, match="gift_current was changed by another process meanwhile"):
        gifts.merge()
    assert gifts.ask("SELECT id FROM gift_current") == [("a at 2",)]
    assert gifts.merge() == (0, 1)


def test_a_commit_whose_answer_was_lost_is_told_and_the_next_run_finds_it(
    gifts: Gifts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gifts.append(row("a", 1))
    append = Table.append

    def append_and_lose(table: Table, rows: Any) -> None:
        append(table, rows)
        raise CommitStateUnknownException("injected")

    with monkeypatch.context() as lost:
        lost.setattr(Table, "append", append_and_lose)
        with pytest.raises(UserError, match="the answer to the commit to gift_current was lost"):
            gifts.merge()

    assert gifts.merge() == (0, 0)
    assert gifts.ask("SELECT id FROM gift_current") == [("a at 1",)]


def test_the_statements_for_athena_are_those_that_terraform_schedules() -> None:
    scheduled = json.loads((PROJECT / ATHENA / "merges.json").read_text())

    _, full = dmd("iceberg", "merge", "--sql", "--json", "--full")
    _, window = dmd("iceberg", "merge", "--sql", "--window", "1h", "--type", "sale")

    assert json.loads(full) == {"full": True, "statements": [one["full"] for one in scheduled.values()]}
    assert window.strip() == scheduled["sale"]["window"].replace("${seconds}", "3600") + ";"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param([], "specify either --window or --full", id="neither a window nor all"),
        pytest.param(["--full", "--window", "1h"], "not both", id="both"),
        pytest.param(["--full"], "specify the lake with --lake, or --sql", id="no lake"),
        pytest.param(["--full", "--type", "gifts"], "unknown record type 'gifts'", id="a type that is unknown"),
        pytest.param(
            ["--full", "--lake", "s3://elsewhere"], "elsewhere is the bucket of no environment", id="no table"
        ),
    ],
)
def test_a_merge_that_cannot_be_is_refused(options: list[str], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        dmd("iceberg", "merge", *options)
