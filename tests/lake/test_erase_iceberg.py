"""`dmd erase` in Iceberg tables: what is redacted, what stays, and what no file below the lake holds afterwards."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import fastavro
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitStateUnknownException

from firehose.lake.iceberg.catalogs import glue_tables
from firehose.local.endpoint.endpoint import Endpoint
from tests.commands import result_of, write
from tests.erased_tables import (
    EMAIL,
    PHONE,
    delete_by_position,
    fill,
    make_environment,
    make_table_beside,
    of,
    table_files,
    table_of,
    table_rows,
)
from tests.erasing import NO_WAIT, data, erase, holders, states, texts
from tests.local_aws import local_aws

pytestmark = pytest.mark.slow


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    fill(tmp_path / "lake", tmp_path)
    return tmp_path / "lake"


def test_exactly_a_subjects_rows_change_and_the_history_of_the_table_ends(lake: Path, tmp_path: Path) -> None:
    before, properties = table_rows(lake), table_of(lake).properties
    assert len(holders(lake, f"{PHONE}-a")) == 2

    would = erase(lake, tmp_path, "a", options=("--dry-run",))
    done = erase(lake, tmp_path, "a")

    counts = ("objects", "rows", "values", "unreadable")
    assert [would[name] for name in counts] == [done[name] for name in counts] == [2, 2, 4, 0]
    assert (done["found_in_second_pass"], states(done), done["undone"]) == (0, (0, 1, 0), [])
    for one, other in zip(before, table_rows(lake), strict=True):
        differing = {name for name in one if one[name] != other[name]}
        assert differing == ({"phonenumber", "email"} if one["fanid"] == "a" else set())
        assert all(other[name] == "[redacted]" for name in differing)
    assert holders(lake, f"{PHONE}-a") == holders(lake, f"a-{EMAIL}") == []
    assert len(holders(lake, f"{PHONE}-b")) == 1
    assert table_of(lake).properties == properties, "the marks by which a file is not run twice, too"
    assert len(table_of(lake).snapshots()) == 1
    assert len([key for key in table_files(lake) if "/metadata/" in key]) == 3, "nothing that nobody names"


def test_a_second_run_changes_no_file_and_makes_the_subject_erased(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "a")
    before = data(lake)

    counts = erase(lake, tmp_path, "a", options=NO_WAIT)

    assert (counts["objects"], states(counts)) == (0, (1, 0, 0))
    assert data(lake) == before


def test_the_table_takes_more_rows_and_a_file_that_was_run_is_not_run_again(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "a")
    rows = table_rows(lake)

    fill(lake, tmp_path)
    assert table_rows(lake) == rows
    more, table = table_of(lake).scan("fanid = 'c'").to_arrow(), table_of(lake)
    for _ in range(12):  # one more than the metadata files that a table keeps, of which the older ones are gone
        table.append(more)

    assert len(table_rows(lake)) == len(rows) + 12 * len(more)
    assert holders(lake, f"{PHONE}-a") == []


def test_younger_files_are_left_to_a_later_run(lake: Path, tmp_path: Path) -> None:
    before = data(lake)

    counts = erase(lake, tmp_path, "a", options=(*NO_WAIT, "--older-than", "1h"))

    assert (counts["objects"], counts["found_in_second_pass"], states(counts)) == (0, 2, (0, 1, 0))
    assert data(lake) == before


def test_the_table_of_the_current_state_is_erased_too_and_a_table_of_no_schema_fails_everybody(
    lake: Path, tmp_path: Path
) -> None:
    make_table_beside(lake, "demand_current").append(table_of(lake).scan().to_arrow())

    assert erase(lake, tmp_path, "a")["rows"] == 4
    assert holders(lake, f"{PHONE}-a") == []

    make_table_beside(lake, "refund")
    counts = erase(lake, tmp_path, "a", options=NO_WAIT)
    assert states(counts) == (0, 0, 1)
    assert "data-pipeline/iceberg/refund/: no schema here knows this table" in counts["undone"][0]


def test_bounds_of_personal_columns_go_with_the_files_even_of_files_that_others_have_removed(
    lake: Path, tmp_path: Path
) -> None:
    """A table that was not made by dmd iceberg tables; manifests hold 16 characters of each bound."""
    table = make_table_beside(lake, "demand_current")
    for fan in "abc":
        table.append(table_of(lake).scan(f"fanid = '{fan}'").to_arrow())
    table.delete("fanid = 'b'")
    assert any("/metadata/" in key for key in holders(lake, f"b-{EMAIL}"[:16]))

    counts = erase(lake, tmp_path, "a", "b")

    assert (counts["found_in_second_pass"], counts["undone"]) == (0, [])
    for fan in "ab":
        assert holders(lake, f"{fan}-{EMAIL}"[:16]) == [], fan
    assert [row["fanid"] for row in table_rows(lake, "demand_current")] == ["a", "a", "c", "c"]
    assert states(erase(lake, tmp_path, "a", "b", options=NO_WAIT)) == (2, 0, 0)


def test_bounds_in_a_manifest_that_still_names_other_files_go_too(lake: Path, tmp_path: Path) -> None:
    """Iceberg's Java library keeps an entry of a removed file beside those of files that stay."""
    table = make_table_beside(lake, "demand_current", table_of(lake).spec())
    table.append(table_of(lake).scan("partition_date != '2025-01-02'").to_arrow())
    (manifest,) = (lake / "data-pipeline/iceberg/demand_current/metadata").glob("*-m0.avro")
    removed = mark_removed(manifest, "partition_date=2025-01-01")
    removed.unlink()

    found = erase(lake, tmp_path, "b")

    assert (found["found_in_second_pass"], found["undone"]) == (0, [])
    assert holders(lake, f"b-{EMAIL}"[:16]) == []
    assert [row["fanid"] for row in table_rows(lake, "demand_current")] == ["c"]


def mark_removed(manifest: Path, partition: str) -> Path:
    """Say in a manifest that the file of a partition is removed; the file."""
    with manifest.open("rb") as file:
        reader = fastavro.reader(file)
        entries: list[Any] = list(reader)
    (removed,) = [entry for entry in entries if partition in entry["data_file"]["file_path"]]
    removed["status"] = 2
    kept = {name: value for name, value in reader.metadata.items() if not name.startswith("avro.")}
    with manifest.open("wb") as file:
        fastavro.writer(file, json.loads(reader.metadata["avro.schema"]), entries, reader.codec, metadata=kept)
    return Path(removed["data_file"]["file_path"])


def test_a_row_that_a_delete_file_deletes_goes_and_does_not_come_back(lake: Path, tmp_path: Path) -> None:
    """It is in the file all the same. A new file has a position in the table after every delete file."""
    delete_by_position(table_of(lake), "b")
    assert [row["fanid"] for row in table_rows(lake)] == ["a", "a", "c", "c"]
    assert len(holders(lake, f"{PHONE}-b")) == 1

    counts = erase(lake, tmp_path, "b")

    assert (counts["rows"], counts["found_in_second_pass"]) == (1, 0)
    assert holders(lake, f"{PHONE}-b") == []
    assert [row["fanid"] for row in table_rows(lake)] == ["a", "a", "c", "c"]


def test_a_commit_of_somebody_else_comes_first_and_all_begins_anew(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forestalled: list[int] = []
    commit = SqlCatalog.commit_table

    def late(self: SqlCatalog, *arguments: Any) -> Any:
        if not forestalled:
            forestalled.append(1)
            run = ("run", write(tmp_path / "more.jsonl", of("a", "2025-02-01"), of("d")), "--lake", str(lake))
            result_of(*run, "--format", "iceberg")
        return commit(self, *arguments)

    monkeypatch.setattr(SqlCatalog, "commit_table", late)

    counts = erase(lake, tmp_path, "a")

    assert (counts["rows"], counts["found_in_second_pass"], forestalled) == (2, 0, [1]), "what came later is redacted"
    assert [row["fanid"] for row in table_rows(lake)] == ["a", "a", "a", "b", "c", "c", "d"]
    assert holders(lake, f"{PHONE}-a") == []
    assert len(list((lake / "data-pipeline/iceberg/demand").rglob("*.parquet"))) == len(table_of(lake).inspect.files())


def test_a_commit_whose_answer_is_lost_is_found(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []
    commit = SqlCatalog.commit_table

    def lost(self: SqlCatalog, *arguments: Any) -> Any:
        answers.append(commit(self, *arguments))
        if len(answers) == 1:
            raise CommitStateUnknownException("lost")
        return answers[-1]

    monkeypatch.setattr(SqlCatalog, "commit_table", lost)

    counts = erase(lake, tmp_path, "a")

    assert (counts["rows"], counts["found_in_second_pass"]) == (2, 0)
    assert [row["fanid"] for row in table_rows(lake)] == ["a", "a", "b", "c", "c"]
    assert holders(lake, f"{PHONE}-a") == []


def test_a_file_that_no_snapshot_names_keeps_its_subject_pending_until_nobody_can_commit_it_any_more(
    lake: Path, tmp_path: Path
) -> None:
    first = next(path for path in (lake / "data-pipeline/iceberg/demand/data").rglob("*.parquet"))
    orphan = first.with_name(f"00000-0-{uuid4()}.parquet")
    orphan.write_bytes(first.read_bytes())
    fans = [fan for fan in "ac" if f"{PHONE}-{fan}".encode() in b"".join(texts(orphan.read_bytes()))]

    erase(lake, tmp_path, *fans)
    assert states(erase(lake, tmp_path, *fans, options=NO_WAIT)) == (0, len(fans), 0)
    assert orphan.exists()
    at = time.time() - 4 * 60 * 60
    os.utime(orphan, (at, at))
    erase(lake, tmp_path, *fans)

    assert not orphan.exists()
    assert states(erase(lake, tmp_path, *fans, options=NO_WAIT)) == (len(fans), 0, 0)


def test_a_tag_keeps_old_files_so_its_table_fails_by_name(lake: Path, tmp_path: Path) -> None:
    table = table_of(lake)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_tag(snapshot.snapshot_id, "audit").commit()

    counts = erase(lake, tmp_path, "a")

    assert states(counts) == (0, 0, 1)
    assert "branches or tags, which keep old files: drop audit" in counts["undone"][0]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The bucket of an environment that keeps versions, whose tables are in Glue."""
    with local_aws() as address:
        for name, value in Endpoint(address).variables.items():
            monkeypatch.setenv(name, value)
        yield make_environment().removeprefix("s3://")


def everything(bucket: str) -> Iterator[bytes]:
    client = boto3.client("s3")
    for one in client.list_object_versions(Bucket=bucket).get("Versions", []):
        body = client.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
        yield from texts(body)


def test_in_glue_and_a_bucket_that_keeps_versions_no_version_of_any_object_holds_the_person(
    bucket: str, tmp_path: Path
) -> None:
    lake = f"s3://{bucket}"
    fill(lake, tmp_path)
    assert f"{PHONE}-a".encode() in b"".join(everything(bucket))

    counts = erase(lake, tmp_path, "a")

    assert [counts[name] for name in ("objects", "rows", "versions", "found_in_second_pass")] == [2, 2, 2, 0]
    left = b"".join(everything(bucket))
    assert f"{PHONE}-a".encode() not in left
    assert f"{PHONE}-b".encode() in left
    assert [row["fanid"] for row in table_rows(lake)] == ["a", "a", "b", "c", "c"]
    assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (1, 0, 0)


def test_tables_that_lie_elsewhere_fail_everybody(bucket: str, tmp_path: Path) -> None:
    glue = glue_tables("dev1")
    boto3.client("s3").create_bucket(Bucket="elsewhere")
    schema = table_of(f"s3://{bucket}").schema()
    glue.catalog.create_table(glue.identifier("notification_current"), schema, location="s3://elsewhere/a")

    counts = erase(f"s3://{bucket}", tmp_path, "x", options=NO_WAIT)

    assert states(counts) == (0, 0, 1)
    assert "lies in s3://elsewhere/a, which is not below" in counts["undone"][0]
