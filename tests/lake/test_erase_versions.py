"""An erasure in a versioned bucket: after a kill at any call, the next run leaves what an unbroken one leaves."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.compacting import run
from tests.erasing import NO_WAIT, erase, reported
from tests.failed import document_of, failed
from tests.given import change, payload, s
from tests.lake.test_compact_s3 import keys, put_back, stored
from tests.lake.test_erase_s3 import DOCUMENTS, ERROR_OBJECT, LAKE, PHONE, holders, keep_versions, of, put
from tests.lake.test_erase_s3 import remove_all_versions as remove_all
from tests.s3_calls import Calls, KilledError, killed, s3_calls
from transform.outcome import Reason

UNPARSED = payload(change(fanId=s("a"), phoneNumber=s(f"{PHONE}-a"), eventId={"N": "1"}))[:-9]
DIGEST = document_of(UNPARSED, Reason.INVALID)["digest"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with s3_calls(monkeypatch, "lake") as made:
        keep_versions()
        yield made


def fill(folder: Path, file_format: str) -> dict[str, bytes]:
    """A lake in which a has a row, and two failed records, of which one does not parse; its objects."""
    run(LAKE, folder, [of("a"), of("b")], file_format=file_format)
    record = change(fanId=s("a"), phoneNumber=s(f"{PHONE}-a"), eventId={"N": "1"})
    put(ERROR_OBJECT, failed(record), failed(UNPARSED))
    put(DOCUMENTS, document_of(record, Reason.INVALID))
    # Alone: of a version that holds a record, too, the record says whose it is.
    put(DOCUMENTS.replace("demand-0", "demand-1"), document_of(UNPARSED, Reason.INVALID))
    return stored()


def left() -> list[str]:
    """The keys of all versions that hold anything of a."""
    return sorted({*holders(f"{PHONE}-a"), *holders(DIGEST)})


def reports() -> list[Any]:
    """What is reported, once nothing is unfinished."""
    assert keys("dmd-jobs/erasures/unfinished/") == []
    there = stored()
    return reported({key: there[key] for key in keys("dmd-jobs/erasures/")})


@pytest.mark.long
@pytest.mark.parametrize(
    ("file_format", "options"),
    [("parquet", NO_WAIT), ("avro", (*NO_WAIT, "--all-versions"))],
)
def test_after_a_kill_at_any_call_the_next_run_leaves_no_version(
    calls: Calls, tmp_path: Path, file_format: str, options: tuple[str, ...]
) -> None:
    objects = fill(tmp_path, file_format)
    assert left()
    calls.begin()
    erase(LAKE, tmp_path, "a", options=options)
    made, told = list(calls.made), reports()
    assert left() == []

    for at in range(len(made)):
        remove_all()
        put_back(objects)
        calls.begin(at, killed)
        with suppress(KilledError):
            erase(LAKE, tmp_path, "a", options=options)
        calls.begin()
        for key in keys("dmd-jobs/leases/"):  # as after ten minutes
            boto3.client("s3").delete_object(Bucket="lake", Key=key)
        erase(LAKE, tmp_path, "a", options=options)
        assert left() == [], (at, made[at])
        assert reports() == told, (at, made[at])
