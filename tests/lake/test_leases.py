"""Leases: of two jobs on a partition one stops, and whatever dies, stalls and comes back, each row is there once."""

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from moto import mock_aws

from firehose.lake.jobs.leases import FREE_SECONDS, LostLeaseError, Plan, Source, acquire
from firehose.lake.jobs.replacement import ReplacementRecord, end_plan, remove_leftovers, replace_objects, target_key
from firehose.local.sink import MovedError
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from tests.lake.stepped_store import MemoryStore, Owner, SteppedStore

DATA = "data/"
PARTITION = "parquet/demand/2025-01-01"


def late(store: Any) -> set[str]:
    """The keys of objects that must not be there: replaced, or given up."""
    records = [
        msgspec.json.decode(one.body, type=ReplacementRecord) for one in store.listed("dmd-jobs/replaced/").values()
    ]
    given_up = {key[len("dmd-jobs/given-up/") : -len(".json")] for key in store.listed("dmd-jobs/given-up/")}
    return given_up.union(*(one.replaced for one in records))


def compact(store: Any) -> None:
    """Replace all objects by one: a compaction as short as can be."""
    lease = acquire(store, PARTITION, "compact", clock_seconds=lambda: 0.0)
    if lease is None:
        return
    try:
        end_plan(lease, store)
        known = late(store)
        objects = [Source(key, one.version) for key, one in store.listed(DATA).items()]
        sources = list(remove_leftovers(lease, store, objects, known))
        rows: list[int] = []
        for source in sources:
            there = store.read(source.key)
            if there is None:  # deleted by whoever has taken over
                raise LostLeaseError
            rows += json.loads(there.body)
        if len(sources) > 1:
            target = target_key(lease, DATA, [one.key for one in sources], ".json")
            body = json.dumps(sorted(rows)).encode()
            replace_objects(lease, store, Plan(sources, target), body, is_right=lambda read: read == body)
        lease.release()
    except LostLeaseError:
        pass


class Jobs(RuleBasedStateMachine):
    """Compactions that begin, step, stall, die and come back, while a writer puts objects, and some of them again."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.owners: list[Owner] = []
        self.written: list[int] = []

    def key(self, row: int) -> str:
        return f"{DATA}{row}.json"

    @rule()
    def write(self) -> None:
        row = len(self.written)
        self.store.put(self.key(row), json.dumps([row]).encode())
        self.written.append(row)

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def write_again(self, data: Any) -> None:
        """A writer that was killed and runs again, or whose put comes late."""
        row = data.draw(st.sampled_from(self.written))
        self.store.put(self.key(row), json.dumps([row]).encode())

    @precondition(lambda self: len(self.owners) < 3)
    @rule()
    def begin(self) -> None:
        self.owners.append(Owner(lambda: compact(SteppedStore(self.store))))

    @precondition(lambda self: self.owners)
    @rule(data=st.data(), steps=st.integers(1, 12))
    def go_on(self, data: Any, steps: int) -> None:
        owner = data.draw(st.sampled_from(self.owners))
        for _ in range(steps):
            owner.step()

    @precondition(lambda self: self.owners)
    @rule(data=st.data())
    def die(self, data: Any) -> None:
        owner = data.draw(st.sampled_from(self.owners))
        owner.kill()
        self.owners.remove(owner)

    @rule(seconds=st.sampled_from([30.0, FREE_SECONDS]))
    def pass_time(self, seconds: float) -> None:
        self.store.now_seconds += seconds

    @invariant()
    def no_row_is_lost(self) -> None:
        assert set(self.store.rows(DATA)) == set(self.written)

    def teardown(self) -> None:
        """The next job, and one after those that came back, leave each row once."""
        for _ in range(2):
            self.store.now_seconds += FREE_SECONDS
            compact(self.store)
            assert not self.store.listed("dmd-jobs/leases/")
            assert len(self.store.listed(DATA)) <= 1
            assert Counter(self.store.rows(DATA)) == Counter(self.written)
            while self.owners:
                owner = self.owners.pop()
                while not owner.done:
                    owner.step()
                    self.no_row_is_lost()


@pytest.mark.long
def test_no_row_is_lost_and_in_the_end_none_is_there_twice() -> None:
    run_state_machine_as_test(Jobs, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))


@pytest.mark.parametrize("stalls_at", range(25))
def test_a_call_that_comes_late_after_two_other_jobs_loses_no_row(stalls_at: int) -> None:
    """S3's version is a digest of the bytes: a target of the same name and the same bytes would be the same object."""
    store = MemoryStore()
    for row in range(2):
        store.put(f"{DATA}{row}.json", json.dumps([row]).encode())
    died = Owner(lambda: compact(SteppedStore(store)))
    while not any("compacted-" in key for key in store.objects):
        died.step()
    died.kill()
    store.now_seconds += FREE_SECONDS
    stalled = Owner(lambda: compact(SteppedStore(store)))
    for _ in range(stalls_at):
        stalled.step()

    store.now_seconds += FREE_SECONDS
    compact(store)
    while not stalled.done:
        stalled.step()
        assert set(store.rows(DATA)) == {0, 1}

    store.now_seconds += FREE_SECONDS
    compact(store)
    assert Counter(store.rows(DATA)) == {0: 1, 1: 1}


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if request.param == "folder":
        sink = FolderSink(tmp_path)
        yield sink
        sink.close()
        return
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        yield S3Sink("lake")


def age(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the note of a lease be as old as a free one, by the store's clock."""
    if isinstance(store, FolderSink):
        path = tmp_path / f"dmd-jobs/leases/{PARTITION}.json"
        at = path.stat().st_mtime - FREE_SECONDS - 2
        os.utime(path, (at, at))
        return
    read = S3Sink.read

    def later(sink: S3Sink, key: str) -> Any:
        there = read(sink, key)
        if there is None or not key.endswith("clock"):
            return there
        return there._replace(modified_seconds=there.modified_seconds + FREE_SECONDS + 2)

    monkeypatch.setattr(S3Sink, "read", later)


def test_of_two_jobs_on_a_partition_one_gets_the_lease(store: Any) -> None:
    first = acquire(store, PARTITION, "compact")

    assert first
    assert acquire(store, PARTITION, "erase") is None
    assert acquire(store, "parquet/demand/2025-01-02", "erase")
    first.renew()
    first.release()
    assert acquire(store, PARTITION, "erase")


def test_a_lease_that_is_not_renewed_is_taken_over_with_its_plan(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = acquire(store, PARTITION, "compact")
    assert first
    plan = Plan([Source("data/a", "1")], "data/compacted-b")
    first.set_plan(plan)
    age(store, tmp_path, monkeypatch)

    second = acquire(store, PARTITION, "erase")

    assert second
    assert second.plan == plan
    for step in (first.renew, lambda: first.set_plan(None), first.release):
        with pytest.raises(LostLeaseError):
            step()
    second.renew()


def test_a_lease_is_kept_by_a_renewal_a_minute(store: Any) -> None:
    seconds = [0.0]
    lease = acquire(store, PARTITION, "compact", clock_seconds=lambda: seconds[0])
    assert lease
    note = f"dmd-jobs/leases/{PARTITION}.json"
    versions = [store.read(note).version]

    for now in (59.0, 60.0, 61.0, 120.0):
        seconds[0] = now
        lease.keep()
        versions.append(store.read(note).version)

    assert [one == other for one, other in itertools.pairwise(versions)] == [True, False, True, False]


def test_an_object_is_deleted_only_as_it_was_read(store: Any) -> None:
    store.put("data/a", b"1", "text/plain")
    read = store.read("data/a")
    store.put("data/a", b"2", "text/plain")

    with pytest.raises(MovedError):
        store.delete_if("data/a", read.version)

    assert store.read("data/a").body == b"2"
    store.delete_if("data/a", store.read("data/a").version)
    assert store.read("data/a") is None
    store.delete_if("data/a", read.version)


def test_a_target_that_is_not_what_was_put_replaces_nothing(store: Any) -> None:
    store.put("data/a", b"1", "text/plain")
    lease = acquire(store, PARTITION, "compact")
    assert lease
    plan = Plan([Source("data/a", store.read("data/a").version)], target_key(lease, DATA, ["data/a"], ".json"))

    with pytest.raises(UserError, match="does not hold the rows of the objects that it should replace: they are kept"):
        replace_objects(lease, store, plan, b"other", is_right=lambda _: False)

    assert store.read("data/a").body == b"1"
    assert store.read(plan.target) is None
    assert lease.plan is None


def test_the_lock_of_a_folder_is_beside_the_data(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put("data/partition/a", b"1")
    read = sink.read("data/partition/a")
    assert read
    sink.delete_if("data/partition/a", read.version)

    assert list((tmp_path / "data/partition").iterdir()) == []
