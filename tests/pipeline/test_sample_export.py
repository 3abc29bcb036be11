"""`dmd sample --export`: a full export laid out as DynamoDB does, of items that a table could hold."""

import gzip
import json
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firehose.cli.app import app
from firehose.lake.backfill.export import find_export
from firehose.local.user_error import UserError
from firehose.pipeline.sample.export import write_export


def listed(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "manifest-files.json").read_text().splitlines()]


def lines(home: Path) -> list[bytes]:
    return [
        line for path in sorted((home / "data").iterdir()) for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def test_an_export_holds_as_many_items_as_asked_each_with_its_keys(tmp_path: Path) -> None:
    home = write_export(tmp_path, 500, seed=1, files=3)

    images = [json.loads(line)["Item"] for line in lines(home)]
    assert len(images) == 500
    assert {image["type"]["S"] for image in images} == {"demand", "event", "notification", "sale"}
    assert len({(image["pk"]["S"], image["sk"]["S"]) for image in images}) == 500


def test_the_manifests_say_what_the_data_files_are(tmp_path: Path) -> None:
    home = write_export(tmp_path, 100, seed=1, files=3)

    for one in listed(home):
        body = (tmp_path / one["dataFileS3Key"]).read_bytes()
        assert one["md5Checksum"] == b64encode(md5(body, usedforsecurity=False).digest()).decode()
        assert one["itemCount"] == gzip.decompress(body).count(b"\n")
    assert sum(one["itemCount"] for one in listed(home)) == 100
    assert find_export(str(tmp_path)).items == 100


def test_the_summary_has_the_members_of_dynamodbs(tmp_path: Path) -> None:
    home = write_export(tmp_path, 100, seed=1, files=3)

    summary = json.loads((home / "manifest-summary.json").read_text())
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/prd3292-local-us-east-1-demand-table"
    moment = "2025-06-30T00:00:00.000Z"
    assert summary.pop("tableId")
    assert summary == {
        "version": "2020-06-30",
        "exportType": "FULL_EXPORT",
        "outputFormat": "DYNAMODB_JSON",
        "tableArn": table,
        "exportArn": f"{table}/export/{home.name}",
        **dict.fromkeys(("startTime", "endTime", "exportTime"), moment),
        "s3Bucket": "local-exports",
        "s3Prefix": None,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"AWSDynamoDB/{home.name}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": 100,
    }


@pytest.mark.parametrize("name", ["manifest-files", "manifest-summary"])
def test_a_manifest_has_its_checksum_beside_it(name: str, tmp_path: Path) -> None:
    home = write_export(tmp_path, 10, seed=1, files=1)

    checksum = md5((home / f"{name}.json").read_bytes(), usedforsecurity=False).digest()
    assert (home / f"{name}.checksum").read_text() == b64encode(checksum).decode()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=r"file cannot be written: Not a directory"):
        write_export(tmp_path / "file", 10, seed=1, files=1)


def test_the_same_seed_gives_the_same_export_and_another_another(tmp_path: Path) -> None:
    one, same, other = (write_export(tmp_path / str(n), 50, seed, files=2) for n, seed in enumerate((1, 1, 2)))

    assert lines(one) == lines(same) != lines(other)
    assert [path.read_bytes() for path in (one / "data").iterdir()] == [
        path.read_bytes() for path in (same / "data").iterdir()
    ]


def test_an_export_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    write_export(tmp_path, 10, seed=1, files=1)

    with pytest.raises(UserError, match="already exists"):
        write_export(tmp_path, 10, seed=1, files=1)


def test_the_command_says_how_to_go_on(tmp_path: Path) -> None:
    answered = CliRunner().invoke(app, ["sample", "20", "--export", str(tmp_path), "--files", "2"])

    assert answered.exit_code == 0
    assert answered.stdout == ""
    assert "dmd backfill --export" in answered.stderr
    assert len(list(tmp_path.rglob("*.json.gz"))) == 2
