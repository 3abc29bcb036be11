"""What is erased stays erased in Iceberg tables: no file, export or error object brings a person's data back."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.iceberg.catalogs import folder_tables
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline.streams import IcebergLake, local_pipeline
from glue.layout import Format
from tests.commands import keys, result_of, write
from tests.erased import ERASED_MICROS, holding, list_erased
from tests.erased_tables import table_rows
from tests.erasing import NO_WAIT, erase, states
from tests.exports import EXPORTED_MICROS, demand, full_export
from tests.failed import error_object, failed
from tests.given import change, number_changes, payload, s

pytestmark = pytest.mark.slow

PHONE, MAIL, NEW = "+15550107301", "erased@example.com", "+15550300000"
THEIRS: Any = {"phoneNumber": s(PHONE), "email": s(MAIL)}
OTHERS: Any = {"phoneNumber": s("+15550200000"), "email": s("kept@example.com")}


def later(record: dict[str, Any]) -> dict[str, Any]:
    """The same change after the erasure of tests.erased: a new consent."""
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": ERASED_MICROS // 1000 + 1}}


CHANGES = [
    change(fanId=s("gone"), **THEIRS),
    change(fanId=s("kept"), **OTHERS),
    change("notification", fanId=s("gone"), messageBody=s(f"Hello {MAIL}")),
    change(fanId=s("gone"), email={"N": "1"}, phoneNumber=s(PHONE)),  # fails
]


@pytest.fixture
def writers(tmp_path: Path) -> list[tuple[str, ...]]:
    """Each command that brings the person's data into the tables of a lake."""
    full_export(tmp_path / "export", [demand("gone", **THEIRS), demand("kept", **OTHERS)])
    old = error_object(tmp_path / "old", failed(CHANGES[0]), failed(CHANGES[3]))
    lake = ("--lake", str(tmp_path / "lake"), "--format", "iceberg")
    export = (
        "--export",
        str(tmp_path / "export"),
        "--key",
        "pk",
        "--key",
        "sk",
        "--state",
        str(tmp_path / "state"),
        "--no-compare",
    )
    return [
        ("run", write(tmp_path / "changes.jsonl", *CHANGES), *lake),
        ("backfill", *export, *lake),
        ("replay", "--errors", str(old.parent), *lake),
    ]


def numbers(lake: Path) -> set[tuple[str, str]]:
    """The fan and telephone number of each demand."""
    return {(row["fanid"], row["phonenumber"]) for row in table_rows(lake)}


def test_after_an_erasure_no_command_brings_anything_back(writers: list[tuple[str, ...]], tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for writer in writers:
        result_of(*writer)
    rows = len(table_rows(lake))
    assert len(holding(lake, PHONE, MAIL)) > len(writers)

    erase(lake, tmp_path, "gone")
    assert holding(lake, PHONE, MAIL) == []
    # As if the tables had never had a row of these: else each knows them by its marks.
    for folder in ("data-pipeline/iceberg", "dmd-replay"):
        shutil.rmtree(lake / folder)
    shutil.rmtree(tmp_path / "state", ignore_errors=True)
    for writer in writers:
        result_of(*writer)

    assert holding(lake, PHONE, MAIL) == []
    assert numbers(lake) == {("gone", "[redacted]"), ("kept", "+15550200000")}
    assert len(table_rows(lake)) == rows
    assert states(erase(lake, tmp_path, "gone", options=NO_WAIT)) == (1, 0, 0), "nothing was found"


def test_each_row_is_there_once_whether_it_came_before_the_erasure_or_after(
    writers: list[tuple[str, ...]], tmp_path: Path
) -> None:
    for writer in writers:
        result_of(*writer)
    erase(tmp_path / "lake", tmp_path, "gone")
    rows = table_rows(tmp_path / "lake")

    for writer in writers:
        result_of(*writer)

    assert table_rows(tmp_path / "lake") == rows


def test_a_later_change_is_a_new_consent_and_an_earlier_one_after_it_is_not(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    list_erased(lake, "gone")
    consent = later(change(fanId=s("gone"), phoneNumber=s(NEW)))

    result_of("run", write(tmp_path / "in.jsonl", consent, *CHANGES), "--lake", str(lake), "--format", "iceberg")

    assert numbers(lake) == {("gone", NEW), ("gone", "[redacted]"), ("kept", "+15550200000")}
    assert holding(lake, PHONE, MAIL) == []


def test_rows_that_were_refused_since_their_table_was_missing_are_redacted_when_they_are_replayed(
    tmp_path: Path,
) -> None:
    lake = tmp_path / "lake"
    tables = folder_tables(str(lake), make=True)
    iceberg = IcebergLake(lambda: tables.catalog, tables.namespace, lambda _: "live")
    plane = local_pipeline(FolderSink(lake), file_format=Format.ICEBERG, iceberg=iceberg)
    assert plane.run(number_changes(map(payload, CHANGES))).failed == len(CHANGES)
    list_erased(lake, "gone")

    result_of("replay", "--lake", str(lake), "--format", "iceberg")

    assert numbers(lake) == {("gone", "[redacted]"), ("kept", "+15550200000")}
    assert holding(lake / "data-pipeline/iceberg", PHONE, MAIL) == []


@pytest.mark.parametrize("command", range(3))
def test_without_the_key_nothing_is_written(writers: list[tuple[str, ...]], tmp_path: Path, command: int) -> None:
    lake = tmp_path / "lake"
    (tmp_path / "erasure.key").write_text("0123456789abcdef0123456789abcdef")
    list_erased(lake, "gone", at_micros=EXPORTED_MICROS, key=str(tmp_path / "erasure.key"))
    there = keys(lake)

    with pytest.raises(UserError, match="its key is not there"):
        result_of(*writers[command])

    assert keys(lake) == there
    result_of(*writers[command], "--erasure-key", str(tmp_path / "erasure.key"))
    assert ("gone", "[redacted]") in numbers(lake)
