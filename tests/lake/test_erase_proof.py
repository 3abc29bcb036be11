"""The hostile proof: no value that an erased person ever had can be read in any file of a lake, or found by trying."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any

import pytest

from glue.layout import Format
from tests.commands import SAMPLE, result_of
from tests.compacting import compact, rows
from tests.erasing import erase, texts
from tests.failed import document_of, documents, error_object, failed
from tests.given import PERSONAL, change, payload, s
from transform.outcome import Reason
from transform.scrub import digest_of_original

pytestmark = pytest.mark.slow

NAMES = {name.casefold() for name in PERSONAL}


def values_of(record: Any) -> Iterator[str]:
    """Every personal value of a change record, in whatever image and depth."""
    if isinstance(record, dict):
        for name, value in record.items():
            if name.casefold() in NAMES and isinstance(value, dict):
                yield from (text for text in value.values() if isinstance(text, str) and len(text) > 5)
            yield from values_of(value)
    elif isinstance(record, list):
        for one in record:
            yield from values_of(one)


def by_fan() -> dict[str, set[str]]:
    """The personal values of each fan of the sample, without those that several have."""
    found, owners = defaultdict(set), defaultdict(set)
    with gzip.open(SAMPLE) as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            for fan in re.findall(r'"fanId": ?{"S": ?"([^"]+)"', line.decode()):
                for value in values_of(record):
                    found[fan].add(value)
                    owners[value].add(fan)
    return {fan: {one for one in values if len(owners[one]) == 1} for fan, values in found.items()}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample in all formats, the Parquet compacted in part, with a failed batch of it in the error output."""
    lake = tmp_path_factory.mktemp("proof") / "lake"
    for file_format in Format:
        assert result_of("run", str(SAMPLE), "--lake", str(lake), "--format", file_format).exit_code == 0
    with gzip.open(SAMPLE) as lines:
        batch = list(lines)[:200]
    error_object(lake, *(failed(line, "Lambda.FunctionError") for line in batch))
    documents(lake, *(document_of(line, Reason.BUG) for line in batch))
    compact(lake, "--type", "demand", "--format", "parquet", "--min-files", "3")
    return lake


def everything(lake: Path) -> list[bytes]:
    files = (path for path in lake.rglob("*") if path.is_file())
    return [text for path in files for text in texts(path.read_bytes())]


@pytest.mark.long
def test_no_value_of_an_erased_person_can_be_read_anywhere(lake: Path, tmp_path: Path) -> None:
    known = by_fan()
    erased = sorted(known)[:40]
    before = b"\n".join(everything(lake))
    there = {value for values in known.values() for value in values if value.encode() in before}
    values = {value for fan in erased for value in known[fan]} & there
    others = there - values
    assert len(values) > 30, "the method reads what is there"
    rows_before = [len(rows(lake, table)) for table in ("demand", "notification")]

    counts = erase(lake, tmp_path, *erased)

    assert counts["found_in_second_pass"] == 0
    after = b"\n".join(everything(lake))
    assert [value for value in values if value.encode() in after] == []
    assert all(value.encode() in after for value in others)
    assert [len(rows(lake, table)) for table in ("demand", "notification")] == rows_before
    assert [fan for fan in erased if fan.encode() in b"".join(notes(lake))] == []


def notes(lake: Path) -> list[bytes]:
    return [path.name.encode() + path.read_bytes() for path in (lake / "dmd-jobs").rglob("*") if path.is_file()]


def phone(ending: int) -> str:
    return f"+1555010{ending:04}"


TRUE = 7301

# A record as an attacker knows it: all but the number.
RECORDS: dict[str, Callable[[str], bytes]] = {
    "delivered": lambda number: payload(change(phoneNumber=s(number))),
    "deleted": lambda number: payload(change("demand", "REMOVE", phoneNumber=s(number))),
    "failed": lambda number: payload(change(phoneNumber=s(number), eventId={"N": "1"})),
    "without an id": lambda number: payload(change(phoneNumber=s(number)) | {"eventID": None}),
    "cut off": lambda number: payload(change(phoneNumber=s(number)))[:-30],
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_every_ending_of_a_phone_number_fits_every_digest_equally_well(
    record: Callable[[str], bytes], tmp_path: Path
) -> None:
    lake, true = tmp_path / "lake", record(phone(TRUE))
    (tmp_path / "one.jsonl").write_bytes(true + b"\n")
    for file_format in ("parquet", "avro"):
        result_of("run", str(tmp_path / "one.jsonl"), "--lake", str(lake), "--format", file_format)
    error_object(lake, failed(true), stream="dmnd-sale")
    documents(lake, document_of(true, Reason.BUG))

    erase(lake, tmp_path, "f1")

    seen = {digest for text in [*everything(lake), *names(lake)] for digest in digests_in(text)}
    fitting = [ending for ending in range(10_000) if seen & set(digests(record(phone(ending))))]
    assert fitting in ([], list(range(10_000)))
    assert not any(phone(TRUE).encode() in text for text in everything(lake))


def names(lake: Path) -> list[bytes]:
    return [str(path.relative_to(lake)).encode() for path in lake.rglob("*")]


def digests_in(text: bytes) -> Iterator[str]:
    """Whatever may be a digest in a text: hexadecimal digits, also of a UUID, of 24 at least."""
    for found in re.findall(rb"[0-9a-f]{24,}", text.replace(b"-", b"").lower()):
        yield found[:24].decode()


def digests(raw: bytes) -> Iterator[str]:
    """The digests that an attacker may try, by their first digits."""
    for body in (raw, raw + b"\n"):
        for function in (md5, sha1, sha256):
            yield function(body).hexdigest()[:24]
    yield digest_of_original(raw, PERSONAL)[:24]
