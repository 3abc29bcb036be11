"""Exports as DynamoDB writes them: what belongs to one by its manifests, and what is damaged or missing."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.backfill.export import Export, find_export
from firehose.local.user_error import UserError
from tests.exports import (
    EXPORTED_MICROS,
    ID,
    TABLE,
    checksum,
    demand,
    export,
    full,
    full_export,
    incremental_export,
    lines_of,
    put_manifest,
    written,
)

ITEMS = [demand("a"), demand("b")]


def lines(found: Export) -> list[bytes]:
    every: list[bytes] = []
    for file in found.files:
        with found.lines(file) as opened:
            every += opened
    return every


def listed_files(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "manifest-files.json").read_bytes().splitlines()]


def test_an_export_is_found_where_it_was_exported_to_and_where_its_manifest_lies(tmp_path: Path) -> None:
    home = full_export(tmp_path, ITEMS)

    for where in (tmp_path, tmp_path / "AWSDynamoDB", home):
        found = find_export(str(where))
        assert (found.table, found.region, found.incremental) == (TABLE, "us-east-1", False)
        assert (found.items, found.at_micros, found.unlisted) == (2, EXPORTED_MICROS, 0)
        assert lines(found) == lines_of(map(full, ITEMS)).splitlines()


@pytest.mark.parametrize("prefix", ["", "exports/", "a/b/c/"])
def test_keys_of_the_bucket_are_places_beside_the_manifest(tmp_path: Path, prefix: str) -> None:
    home = full_export(tmp_path / "where", ITEMS, prefix=prefix)
    moved = home.rename(tmp_path / "copied")

    assert len(lines(find_export(str(moved)))) == 2


def test_data_of_other_incremental_exports_is_ignored(tmp_path: Path) -> None:
    home = incremental_export(tmp_path, [written(demand("a"))])
    (home.parent / "data" / "another.json.gz").write_bytes(b"")

    found = find_export(str(home))

    assert (found.incremental, found.at_micros, found.unlisted) == (True, 0, 0)
    assert len(lines(found)) == 1


def test_an_unlisted_file_in_the_folder_of_the_export_is_counted(tmp_path: Path) -> None:
    home = incremental_export(tmp_path, [written(demand("a"))])
    (home / "data").mkdir()
    (home / "data" / "left.json.gz").write_bytes(b"")

    assert find_export(str(home)).unlisted == 1


def test_an_export_is_told_from_others_by_its_arn_and_its_tables_id(tmp_path: Path) -> None:
    summaries: list[dict[str, Any]] = [{}, {"tableId": "659732b0"}, {"tableId": "659732b1"}, {"exportArn": "another"}]
    for number, members in enumerate(summaries):
        full_export(tmp_path / f"{number}", ITEMS, **members)

    assert len({find_export(str(tmp_path / f"{number}")).identity for number in range(4)}) == 4


def test_other_members_of_a_real_summary_are_ignored(tmp_path: Path) -> None:
    full_export(
        tmp_path, ITEMS, s3SseKmsKeyId=None, tableId="659732b0", billedSizeBytes=0, startTime="x", s3Prefix=None
    )

    assert find_export(str(tmp_path)).items == 2


def test_files_that_the_manifest_does_not_list_are_counted_and_not_read(tmp_path: Path) -> None:
    home = full_export(tmp_path, ITEMS)
    (home / "data" / "zzzz.json.gz").write_bytes(b"nothing")

    found = find_export(str(tmp_path))

    assert found.unlisted == 1
    assert len(lines(found)) == 2


def test_one_of_two_exports_must_be_named(tmp_path: Path) -> None:
    home = full_export(tmp_path, ITEMS)
    shutil.copytree(home, home.with_name("another"))

    with pytest.raises(UserError, match=rf"holds 2 exports, choose one: .*AWSDynamoDB/{ID}, .*AWSDynamoDB/another$"):
        find_export(str(tmp_path))
    assert find_export(str(home)).items == 2


def test_a_place_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such export: .*/missing is not a folder"):
        find_export(str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"there is no manifest-summary.json, here or in AWSDynamoDB/<id>/"):
        find_export(str(tmp_path))


@pytest.mark.parametrize("name", ["manifest-summary", "manifest-files"])
def test_a_manifest_with_a_wrong_checksum_is_damaged(tmp_path: Path, name: str) -> None:
    home = full_export(tmp_path, ITEMS)
    manifest = home / f"{name}.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")

    with pytest.raises(UserError, match=rf"{name}.json is damaged: its MD5 is not the one in its .checksum file"):
        find_export(str(tmp_path))

    (home / f"{name}.checksum").unlink()
    assert find_export(str(tmp_path)).items == 2, "a copy without the checksum files is an export too"
    (home / f"{name}.md5").write_text("else")
    with pytest.raises(UserError, match=r"in its \.md5 file"):
        find_export(str(tmp_path))


def test_a_data_file_that_is_missing_is_named_before_any_is_read(tmp_path: Path) -> None:
    home = full_export(tmp_path, ITEMS, ITEMS)
    sorted((home / "data").iterdir())[1].unlink()

    with pytest.raises(UserError, match=r"data/0001abc.*\.json\.gz is missing; .*manifest-files.json lists it"):
        find_export(str(tmp_path))


def test_without_its_list_of_files_an_export_is_not_read(tmp_path: Path) -> None:
    (full_export(tmp_path, ITEMS) / "manifest-files.json").unlink()

    with pytest.raises(UserError, match=r"manifest-files.json is missing$"):
        find_export(str(tmp_path))


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        pytest.param(lambda body: body[:-1] + bytes([body[-1] ^ 1]), "its MD5 is not the one", id="a bit"),
        pytest.param(lambda _: b"", "its MD5 is not the one", id="empty"),
    ],
)
def test_a_data_file_with_a_wrong_checksum_is_damaged(tmp_path: Path, spoilt: Any, sentence: str) -> None:
    home = full_export(tmp_path, ITEMS)
    (path,) = (home / "data").iterdir()
    path.write_bytes(spoilt(path.read_bytes()))

    with pytest.raises(UserError, match=rf"data/{path.name} is damaged: {sentence}"):
        lines(find_export(str(tmp_path)))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(b"x" * 100)[:-9], id="cut short"),
        pytest.param(b"no gzip", id="no gzip"),
        pytest.param(gzip.compress(b"x" * 100)[:-8] + b"\0" * 8, id="a wrong checksum of gzip's own"),
    ],
)
def test_a_data_file_without_a_checksum_is_checked_by_gzip(tmp_path: Path, body: bytes) -> None:
    home = export(tmp_path, [full(demand("a"))], listed={"md5Checksum": None})
    (path,) = (home / "data").iterdir()
    path.write_bytes(body)

    with pytest.raises(UserError, match=rf"data/{path.name} is damaged: its gzip data"):
        lines(find_export(str(tmp_path)))


def test_an_empty_data_file_has_no_items(tmp_path: Path) -> None:
    full_export(tmp_path, [], ITEMS)

    assert len(lines(find_export(str(tmp_path)))) == 2


def test_a_file_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    home = full_export(tmp_path, ITEMS)
    put_manifest(home, "manifest-files", lines_of(listed_files(home) * 2))

    with pytest.raises(UserError, match=r"manifest-files.json lists a data file twice"):
        find_export(str(tmp_path))


@pytest.mark.parametrize(
    ("summary", "sentence"),
    [
        ({"outputFormat": "ION"}, "an export in ION cannot be read; export as DYNAMODB_JSON"),
        ({"tableArn": "x"}, "tableArn is not the ARN of a table"),
        ({"tableArn": None}, "manifest-summary.json is not the manifest of an export"),
        ({"exportTime": "yesterday"}, "exportTime is not a time"),
        ({"exportTime": None}, "exportTime is not a time"),
    ],
)
def test_an_unusable_summary_is_one_sentence(tmp_path: Path, summary: Any, sentence: str) -> None:
    full_export(tmp_path, ITEMS, **summary)

    with pytest.raises(UserError, match=sentence):
        find_export(str(tmp_path))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"dataFileS3Key": 1}', b'{"dataFileS3Key": "\\ud800"}', b"[" * 9999]
)
def test_an_unusable_list_of_files_is_one_sentence(tmp_path: Path, body: bytes) -> None:
    put_manifest(full_export(tmp_path, ITEMS), "manifest-files", body)

    with pytest.raises(UserError, match="is not the manifest of an export"):
        find_export(str(tmp_path))


def test_a_key_cannot_lead_out_of_the_export(tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", ITEMS)
    (tmp_path / "secret").write_bytes(b"{}")
    line = listed_files(home)[0] | {"dataFileS3Key": "../../../../secret", "md5Checksum": checksum(b"{}")}
    put_manifest(home, "manifest-files", lines_of([line]))

    with pytest.raises(UserError, match="data/secret is missing"):
        find_export(str(home))


@pytest.mark.parametrize(("text", "micros"), [("2025-03-01T10:00:00Z", EXPORTED_MICROS - 500_000), (None, None)])
def test_the_time_of_an_export_is_exact(tmp_path: Path, text: Any, micros: Any) -> None:
    full_export(tmp_path, ITEMS, **({"exportTime": text} if text else {}))

    assert find_export(str(tmp_path)).at_micros == (micros or EXPORTED_MICROS)
