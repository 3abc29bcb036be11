"""A redacted Avro container is the container that it was: schema, codec, and the blocks of others."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest

from firehose.lake.compact.avro_blocks import read_container
from firehose.lake.erasure.avro_rows import AvroRows
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import FolderLake
from firehose.local.user_error import UserError
from glue.schema import load
from tests.lakes import image_of_demand, write_avro

NOW = 2**60
FANS = ["a", "b", "c", "a", "b", "a"]


def rows() -> list[dict[str, Any]]:
    return [image_of_demand("2025-01-01", fanId=fan, phoneNumber=f"+1{n}", email=None) for n, fan in enumerate(FANS)]


def container(folder: Path, **settings: Any) -> bytes:
    """A container with a block for every two rows or so."""
    return write_avro(folder, "demand", "2025-01-01", rows(), **{"sync_interval": 200, **settings}).read_bytes()


def redact(body: bytes, *subjects: str) -> bytes | None:
    return AvroRows(load()["demand"]).redact(body, Subjects(dict.fromkeys(subjects, NOW))).body


def read(body: bytes) -> list[Any]:
    return list(fastavro.reader(BytesIO(body)))


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_rows_of_subjects_are_redacted_and_all_other_blocks_are_copied(tmp_path: Path, codec: str) -> None:
    body = container(tmp_path, codec=codec)

    made = redact(body, "a", "x")

    assert made is not None
    before, after = read_container(body), read_container(made)
    assert (after.header, after.marker, after.counts) == (before.header, before.marker, before.counts)
    phones = ["[redacted]" if fan == "a" else f"+1{number}" for number, fan in enumerate(FANS)]
    assert read(made) == [row | {"phoneNumber": phone} for row, phone in zip(read(body), phones, strict=True)]
    first = 0
    for place, count in enumerate(before.counts):
        is_theirs = "a" in FANS[first : first + count]
        assert (after.blocks[place] != before.blocks[place]) == is_theirs
        first += count
    assert redact(made, "a") is None


def test_a_container_with_the_names_in_another_case_and_without_newer_fields_is_redacted_too(tmp_path: Path) -> None:
    schema = {
        "type": "record",
        "name": "demand",
        "fields": [
            {"name": "fanId", "type": "string"},
            {"name": "PHONENUMBER", "type": ["null", "string"], "default": None},
            {"name": "other", "type": {"type": "map", "values": "double"}},
        ],
    }
    own = [{"fanId": fan, "PHONENUMBER": "+1", "other": {"x": float("nan")}} for fan in FANS]
    body = write_avro(tmp_path, "demand", "2025-01-01", own, schema).read_bytes()

    made = redact(body, "a")

    assert made is not None
    assert [row["PHONENUMBER"] for row in read(made)] == ["[redacted]" if fan == "a" else "+1" for fan in FANS]
    assert read_container(made).header == read_container(body).header


def test_only_changes_up_to_the_erasure_are_redacted(tmp_path: Path) -> None:
    own = rows()
    for number, row in enumerate(own):
        row["change"] = row["change"] | {"atMicros": number}
    body = write_avro(tmp_path, "demand", "2025-01-01", own).read_bytes()

    made = AvroRows(load()["demand"]).redact(body, Subjects({"a": 3}))

    assert made.found.rows == 2
    assert made.body is not None
    assert [row["phoneNumber"] for row in read(made.body)] == ["[redacted]", "+11", "+12", "[redacted]", "+14", "+15"]


def test_times_and_numbers_of_a_redacted_row_are_those_it_had(tmp_path: Path) -> None:
    times = [datetime(1800, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)]
    own = [image_of_demand("2025-01-01", fanId="a", email="e", requestedDateTime=time) for time in times]
    body = write_avro(tmp_path, "demand", "2025-01-01", own).read_bytes()

    made = redact(body, "a")

    assert made is not None
    assert read(made) == [row | {"email": "[redacted]"} for row in read(body)]


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_damaged_container_is_refused_and_counted(tmp_path: Path, cut: int) -> None:
    body = container(tmp_path)[:-cut]
    path = tmp_path / "data-pipeline" / "avro" / "demand" / "partition_date=2025-01-01" / "dmnd-avro-0.avro"
    path.write_bytes(body)

    with pytest.raises(UserError, match="damaged"):
        redact(body, "a")
    (stored,) = FolderLake(tmp_path).objects("data-pipeline/")
    found = AvroRows(load()["demand"]).find(FolderLake(tmp_path), stored, Subjects({"a": NOW}))
    assert (found.rows, found.unreadable) == (0, 1)
