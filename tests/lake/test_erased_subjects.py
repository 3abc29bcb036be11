"""The list of erased subjects: no entry is lost, no id can be read from it, and without its key nothing is written."""

import json
import pickle
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.lake.erasure.erased_subjects import ErasedSubjects, SubjectList
from firehose.lake.jobs.replaced_keys import LakeSink
from firehose.lake.objects import read_whole
from firehose.lake.opening import open_lake, open_lake_to_write
from firehose.local.user_error import UserError

NOW, LATER, LATEST = 1_740_823_200_000_000, 1_740_823_260_000_000, 1_740_909_660_000_000
HERE = "dmd-jobs/erased/"

Opened = Callable[..., SubjectList]


def open_list(where: str, key: str = "") -> SubjectList:
    return SubjectList(open_lake_to_write(where), open_lake(where, may_be_empty=True), where, key)


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "lake")
        return
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        yield "s3://lake"


def objects(where: str) -> dict[str, bytes]:
    lake = open_lake(where, may_be_empty=True)
    return {stored.key: read_whole(lake, stored) for stored in lake.objects(HERE)}


def test_a_subject_is_erased_from_the_time_of_its_request(lake: str) -> None:
    open_list(lake).request(["fan-1"], NOW)

    erased = ErasedSubjects(lake)

    assert erased
    assert (erased.erased_at("fan-1"), erased.erased_at("fan-2"), erased.erased_at("")) == (NOW, None, None)


def test_a_lake_without_a_list_has_nobody_erased_and_gets_no_list(lake: str) -> None:
    erased = ErasedSubjects(lake)

    assert not erased
    assert erased.erased_at("fan-1") is None
    assert not objects(lake)


def test_the_time_stays_that_of_the_first_request_until_the_subject_is_erased(lake: str) -> None:
    subjects = open_list(lake)
    first = subjects.request(["fan-1"], NOW)["fan-1"]

    assert subjects.request(["fan-1"], LATER)["fan-1"] == first
    assert first.erased_micros is None

    assert subjects.mark_erased("fan-1", first, LATER)
    assert [entry.erased_micros for entry in subjects.entries().values()] == [LATER]
    assert ErasedSubjects(lake).erased_at("fan-1") == NOW

    again = subjects.request(["fan-1"], LATEST)["fan-1"]
    assert (again.requested_micros, again.erased_micros) == (LATEST, None)
    assert ErasedSubjects(lake).erased_at("fan-1") == LATEST


def test_a_request_that_came_meanwhile_is_not_marked_as_erased(lake: str) -> None:
    subjects = open_list(lake)
    first = subjects.request(["fan-1"], NOW)["fan-1"]
    subjects.mark_erased("fan-1", first, LATER)
    subjects.request(["fan-1"], LATEST)

    assert not subjects.mark_erased("fan-1", first, LATEST)
    assert not subjects.mark_erased("fan-2", first, LATEST)
    assert [entry.erased_micros for entry in subjects.entries().values()] == [None]


def test_a_clock_that_was_set_back_takes_no_redaction_back(lake: str) -> None:
    subjects = open_list(lake)
    subjects.mark_erased("fan-1", subjects.request(["fan-1"], LATER)["fan-1"], LATER)

    assert subjects.request(["fan-1"], NOW)["fan-1"].requested_micros > LATER


class Overtaken:
    """A store in which, before the first put, another erasure puts."""

    def __init__(self, store: LakeSink, other: Callable[[], object]) -> None:
        self._store = store
        self._others = [other]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_if(self, *arguments: Any) -> str:
        if self._others:
            self._others.pop()()
        return self._store.put_if(*arguments)


def test_of_two_requests_of_a_subject_at_once_the_time_of_the_first_put_counts(lake: str) -> None:
    first = open_list(lake)
    store: Any = Overtaken(open_lake_to_write(lake), lambda: first.request(["fan-1"], NOW))

    second = SubjectList(store, open_lake(lake, may_be_empty=True), lake).request(["fan-1"], LATER)

    assert second["fan-1"].requested_micros == NOW
    assert ErasedSubjects(lake).erased_at("fan-1") == NOW


def test_a_request_that_comes_while_a_subject_is_marked_as_erased_is_not_lost(lake: str) -> None:
    subjects = open_list(lake)
    entry = subjects.request(["fan-1"], NOW)["fan-1"]

    def another() -> None:
        subjects.mark_erased("fan-1", entry, LATER)
        subjects.request(["fan-1"], LATEST)

    store: Any = Overtaken(open_lake_to_write(lake), another)

    assert not SubjectList(store, open_lake(lake, may_be_empty=True), lake).mark_erased("fan-1", entry, LATEST)
    assert ErasedSubjects(lake).erased_at("fan-1") == LATEST


@pytest.mark.slow
def test_two_erasures_at_once_share_a_key_and_lose_no_subject(lake: str) -> None:
    def erase(number: int) -> None:
        open_list(lake).request([f"fan-{number}-{one}" for one in range(20)] + ["both"], NOW + number)

    threads = [Thread(target=erase, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    erased = ErasedSubjects(lake)
    assert all(erased.erased_at(f"fan-{number}-{one}") == NOW + number for number in range(2) for one in range(20))
    assert erased.erased_at("both") in {NOW, NOW + 1}


def test_the_list_shows_no_id(lake: str) -> None:
    open_list(lake).request(["fan-1", "fan:2"], NOW)

    assert not any("fan" in key or b"fan" in body for key, body in objects(lake).items())


def test_the_key_beside_the_list_is_private_and_random(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "another"):
        subjects = open_list(str(tmp_path / name))
        assert subjects.key.beside
        path = tmp_path / name / HERE / "key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        keys.append(path.read_bytes())

    assert len(set(keys)) == 2
    assert all(len(key) > 32 for key in keys)


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "erasure.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    return str(path)


@pytest.fixture
def another(tmp_path: Path) -> str:
    path = tmp_path / "another.key"
    path.write_text("another key that is long enough\n")
    return str(path)


def test_a_key_in_a_file_is_not_put_into_the_lake_and_its_last_line_end_does_not_matter(lake: str, key: str) -> None:
    subjects = open_list(lake, key)
    subjects.request(["fan-1"], NOW)

    assert not subjects.key.beside
    assert not any(b"0123456789abcdef" in body for body in objects(lake).values())
    Path(key).write_text("0123456789abcdef0123456789abcdef")
    assert ErasedSubjects(lake, key).erased_at("fan-1") == NOW


def test_a_list_is_refused_without_its_key_or_with_another(lake: str, key: str, another: str) -> None:
    open_list(lake, key).request(["fan-1"], NOW)

    for open_it in (ErasedSubjects, open_list):
        with pytest.raises(UserError, match=r"its key is not there.*--erasure-key FILE"):
            open_it(lake)
        with pytest.raises(UserError, match="made with another key"):
            open_it(lake, another)


def test_a_list_whose_key_lies_beside_it_is_refused_with_another(lake: str, another: str) -> None:
    open_list(lake)

    with pytest.raises(UserError, match="made with another key"):
        ErasedSubjects(lake, another)


def test_a_key_that_cannot_be_read_or_is_too_short_is_refused_before_there_is_a_list(lake: str, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("0123456\n")

    with pytest.raises(UserError, match=r"missing cannot be read: No such file"):
        open_list(lake, str(tmp_path / "missing"))
    with pytest.raises(UserError, match="has 7 bytes; it needs 16 or more"):
        open_list(lake, str(tmp_path / "short"))
    assert not objects(lake)


@pytest.mark.parametrize("damage", [None, b"{", b"\xff"])
def test_a_list_that_lost_what_its_key_is_checked_by_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    lake = str(tmp_path)
    open_list(lake).request(["fan-1"], NOW)
    check = tmp_path / HERE / "check.json"
    check.unlink() if damage is None else check.write_bytes(damage)

    with pytest.raises(UserError, match="is gone or damaged, restore it"):
        ErasedSubjects(lake)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"requested_micros":"soon"}'])
def test_a_damaged_entry_is_refused_not_forgotten(tmp_path: Path, damage: bytes) -> None:
    open_list(str(tmp_path)).request(["fan-1"], NOW)
    (path,) = (tmp_path / HERE / "subjects").iterdir()
    path.write_bytes(damage)

    with pytest.raises(UserError, match="is not an entry of the list of erased subjects: restore it"):
        ErasedSubjects(str(tmp_path))


def test_writers_learn_of_new_subjects_when_they_refresh(lake: str) -> None:
    subjects, erased = open_list(lake), ErasedSubjects(lake)
    assert erased.erased_at("fan-1") is None

    subjects.request(["fan-1"], NOW)
    erased.refresh()

    assert erased.erased_at("fan-1") == NOW


def test_a_writer_that_began_before_the_first_erasure_needs_its_key_at_the_next_refresh(lake: str, key: str) -> None:
    without, with_key = ErasedSubjects(lake), ErasedSubjects(lake, key)
    open_list(lake, key).request(["fan-1"], NOW)

    with_key.refresh()
    assert with_key.erased_at("fan-1") == NOW
    with pytest.raises(UserError, match="its key is not there"):
        without.refresh()


def test_a_list_that_was_made_anew_with_another_key_is_refused_by_writers_that_are_open(
    tmp_path: Path, key: str
) -> None:
    lake = str(tmp_path / "lake")
    open_list(lake, key).request(["fan-1"], NOW)
    erased = ErasedSubjects(lake, key)
    for path in (tmp_path / "lake" / HERE).rglob("*.json"):
        path.unlink()
    open_list(lake)

    with pytest.raises(UserError, match="made with another key"):
        erased.refresh()


def test_other_processes_of_a_job_need_neither_the_key_file_nor_the_entries_again(lake: str, key: str) -> None:
    subjects = open_list(lake, key)
    subjects.request(["fan-1"], NOW)
    pickled = pickle.dumps(ErasedSubjects(lake, key))
    Path(key).unlink()
    subjects.request(["fan-2"], LATER)

    erased = pickle.loads(pickled)  # noqa: S301 - our own
    assert (erased.erased_at("fan-1"), erased.erased_at("fan-2")) == (NOW, None)

    erased.refresh()
    assert (erased.erased_at("fan-1"), erased.erased_at("fan-2")) == (NOW, LATER)


@pytest.fixture
def arn(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("kms").create_key()["KeyMetadata"]["Arn"]


def test_a_key_under_kms_lies_beside_the_list_encrypted(tmp_path: Path, arn: str) -> None:
    subjects = open_list(str(tmp_path), arn)
    subjects.request(["fan-1"], NOW)

    assert not subjects.key.beside
    assert sorted(objects(str(tmp_path)))[1] == f"{HERE}key.kms"
    assert not any(subjects.key.secret in body for body in objects(str(tmp_path)).values())
    assert ErasedSubjects(str(tmp_path), arn).erased_at("fan-1") == NOW
    with pytest.raises(UserError, match="its key is not there"):
        ErasedSubjects(str(tmp_path))


def test_a_kms_key_that_may_not_be_used_or_is_another_is_refused(tmp_path: Path, arn: str) -> None:
    open_list(str(tmp_path / "lake"), arn)
    another = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]

    with pytest.raises(UserError, match="cannot be used"):
        ErasedSubjects(str(tmp_path / "lake"), another)
    with pytest.raises(UserError, match=r"arn:aws:kms:us-east-1:123456789012:key/0 cannot be used: NotFound"):
        open_list(str(tmp_path / "new"), "arn:aws:kms:us-east-1:123456789012:key/0")
    assert not objects(str(tmp_path / "new"))


def test_an_erasure_that_was_killed_before_the_list_was_whole_stops_nobody(tmp_path: Path) -> None:
    open_list(str(tmp_path))
    (tmp_path / HERE / "check.json").unlink()
    kept = (tmp_path / HERE / "key").read_bytes()

    assert not ErasedSubjects(str(tmp_path))
    open_list(str(tmp_path)).request(["fan-1"], NOW)

    assert (tmp_path / HERE / "key").read_bytes() == kept
    assert json.loads((tmp_path / HERE / "check.json").read_bytes())
    assert ErasedSubjects(str(tmp_path)).erased_at("fan-1") == NOW
