"""An erasure that is killed anywhere loses nothing, makes nobody erased, and the next one does the rest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.errors.report import report
from tests.compacting import NOW, age, compact, counted, demand, fans, files, rows, run
from tests.erasing import NO_WAIT, erase, holders, reports, states
from tests.failed import document_of, documents, error_object, failed
from tests.given import change, payload, s
from tests.kills import kill, steps_of
from transform.outcome import Reason

pytestmark = pytest.mark.long

PHONE = "+15550107301"


def of(fan: str, day: str = "2025-01-01") -> Any:
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"))


PIECES = [[of("a"), of("b", "2025-01-02")], [of("a", "2025-01-02")], [of("c"), of("a")]]


@pytest.fixture
def subjects(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "ids").write_text("a\n")
    return ("--subjects", str(tmp_path / "ids"), *NO_WAIT)


@pytest.fixture(params=["parquet", "avro"])
def lake_at(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Makes the same lake in a folder of a name, with failed records, one of which does not parse."""
    made = tmp_path / "made"
    run(made, tmp_path, *PIECES, file_format=request.param)
    broken = [change(fanId=s(fan), phoneNumber=s(f"{PHONE}-{fan}"), eventId={"N": "1"}) for fan in "ab"]
    records = [*broken, payload(broken[0])[:-9]]
    error_object(made, *map(failed, records))
    documents(made, *(document_of(one, Reason.INVALID) for one in records))

    def make(name: str) -> Path:
        shutil.copytree(made, tmp_path / name)
        return tmp_path / name

    return make


def said(lake: Path) -> str:
    """Whether the last report that is there says erased or pending."""
    pages = sorted((lake / "dmd-jobs/erasures").glob("*.md"), key=lambda path: path.stat().st_mtime_ns)
    return "erased" if pages and "| erased |" in pages[-1].read_text() else "pending"


def is_listed_erased(lake: Path) -> bool:
    entries = [json.loads(path.read_bytes()) for path in (lake / "dmd-jobs/erased/subjects").glob("*.json")]
    return any(entry["erased_micros"] for entry in entries)


def test_killed_at_any_step_nobody_is_erased_and_the_next_does_the_rest(
    lake_at: Callable[[str], Path], tmp_path: Path, subjects: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lake_at("whole")
    steps = steps_of(lambda: erase(whole, tmp_path, "a", options=NO_WAIT), monkeypatch)
    after, told = counted(whole), reports(whole)
    assert holders(whole, f"{PHONE}-a") == []
    assert len(told) == 1
    lakes = [lake_at(str(step)) for step in range(1, steps + 2)]

    assert kill(lakes, "erase", *subjects) == [9] * steps + [0]

    for lake in lakes:
        assert sorted(fans(lake)) == ["a", "a", "a", "b", "c"], lake.name
        assert not is_listed_erased(lake), lake.name
        assert said(lake) == "pending", lake.name
        age(lake)
        erase(lake, tmp_path, "a", options=NO_WAIT)
        assert reports(lake) == told, lake.name
        assert counted(lake) == after, lake.name
        assert holders(lake, f"{PHONE}-a") == [], lake.name
        assert report(str(lake)).unmatched_documents == 0, lake.name
        assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (1, 0, 0), lake.name
        assert list((lake / "dmd-jobs/leases").rglob("*.json")) == []


def test_beside_a_compaction_that_was_killed_at_any_step_nothing_is_left_in_any_file(
    lake_at: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lake_at("whole")
    steps = steps_of(lambda: compact(whole), monkeypatch)
    erase(whole, tmp_path, "a")
    after = counted(whole)
    lakes = [lake_at(str(step)) for step in range(1, steps + 1)]
    kill(lakes, "compact", *NOW)

    for lake in lakes:
        early = erase(lake, tmp_path, "a", options=NO_WAIT)
        assert states(early) == (0, 1, 0), lake.name
        age(lake)
        erase(lake, tmp_path, "a")
        assert holders(lake, f"{PHONE}-a") == [], lake.name
        assert counted(lake) == after, lake.name
        compact(lake)
        assert counted(lake) == after, lake.name
        assert len(files(lake)) == 2, lake.name


def test_a_compaction_after_a_killed_erasure_keeps_each_row(
    lake_at: Callable[[str], Path], tmp_path: Path, subjects: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lake_at("whole")
    steps = steps_of(lambda: erase(whole, tmp_path, "a"), monkeypatch)
    after = counted(whole)
    lakes = [lake_at(str(step)) for step in range(1, steps + 1, 2)]
    kill(lakes, "erase", *subjects)

    for lake in lakes:
        age(lake)
        compact(lake)
        assert len(rows(lake)) == 5, lake.name
        erase(lake, tmp_path, "a")
        assert counted(lake) == after, lake.name
        assert holders(lake, f"{PHONE}-a") == [], lake.name
