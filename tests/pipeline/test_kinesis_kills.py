"""A live run that is killed at any moment and restarted loses nothing; rows that it repeats have one change.id."""

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from firehose.local.event_record import EventRecord
from firehose.local.sinks import FolderSink
from firehose.local.sources import checkpoints
from firehose.local.sources import kinesis as source_module
from firehose.local.sources.kinesis import KinesisSource
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline
from tests.kinesis_streams import STARTED_MS, Clock, Stream

pytestmark = pytest.mark.long

CHANGES = 120
SECONDS = 100  # that they arrive in
END_MS = STARTED_MS + 2 * SECONDS * 1000

# Forks a child for each moment to be killed at: the imports of a new process would take longer than all of the runs.
KILLER = """
import os, sys
from pathlib import Path
from tests.pipeline.test_kinesis_kills import run

children = []
for lake in sys.argv[1].split(","):
    child = os.fork()
    if child == 0:
        at, when = lake.rpartition("/")[2].split("-")
        left = [int(at) if sys.argv[2] == "killed" else -1]

        def moment(now):
            left[0] -= now == when
            if not left[0]:
                os._exit(9)

        try:
            run(Path(lake), moment)
        except BaseException:
            os._exit(1)
        os._exit(0)
    children.append(child)
for child in children:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def stream() -> Stream:
    """Changes that arrive at two shards, one of which is split midway."""
    client = Stream(Clock(), page=50)
    shards = [client.add(), client.add()]
    for number, payload in enumerate(changes(CHANGES, 7)):
        client.clock.now = STARTED_MS + number * SECONDS * 1000 // CHANGES
        if number == CHANGES // 2:
            shards = [shards[0], *client.split(shards[1])]
        client.put(payload, shards[number % len(shards)])
    client.clock.now = STARTED_MS
    return client


def run(lake: Path, moment: Any = lambda _: None) -> None:
    """Run live until everything is delivered; `moment` is called before and after every put and checkpoint."""
    client = stream()
    sink = FolderSink(lake)
    put, save = sink.put, checkpoints.save_checkpoints

    def telling(action: Any) -> Any:
        def told(*arguments: Any, **named: Any) -> None:
            moment("before")
            action(*arguments, **named)
            moment("after")

        return told

    sink.put = telling(put)  # type: ignore[method-assign]
    setattr(source_module, "save_checkpoints", telling(save))  # noqa: B010 - the name is imported there
    try:
        source = KinesisSource(
            "dmnd", state=lake / "state", start_ms=0, client=client, clock=client.clock, sleep=client.clock.sleep
        )
        plane = local_pipeline(sink, clock=client.clock)
        plane.run(source, stop=lambda: client.clock() > END_MS, settled=source.settled)
    finally:
        setattr(source_module, "save_checkpoints", save)  # noqa: B010


def runs(lakes: list[Path], how: str) -> list[str]:
    """Run into each of these lakes, and return the exit codes."""
    command = [sys.executable, "-W", "ignore", "-c", KILLER, ",".join(map(str, lakes)), how]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def rows(lake: Path) -> Iterator[tuple[str, str]]:
    """The change.id of each row in the lake, and the whole row."""
    for path in sorted(lake.rglob("*.parquet")):
        for row in pq.read_table(path).to_pylist():
            yield row["change"]["id"], repr(row)


def failed(lake: Path) -> set[str]:
    """The records in Firehose's error objects."""
    return {
        line.partition('"rawData":"')[2].partition('"')[0]
        for path in (lake / "data-pipeline" / "errors" / "firehose").rglob("*")
        if path.is_file()
        for line in path.read_text().splitlines()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("whole")
    run(lake)
    return lake


def test_killed_at_twenty_moments_and_started_again_nothing_is_lost(tmp_path: Path, whole: Path) -> None:
    moments: list[str] = []
    run(tmp_path / "counted", moments.append)
    chosen = random.Random(4).sample(range(1, moments.count("before") + 1), 20)  # noqa: S311
    lakes = [tmp_path / f"{at}-{when}" for at, when in zip(chosen, ["before", "after"] * 10, strict=True)]

    assert runs(lakes, "killed") == ["9"] * 20
    assert runs(lakes, "again") == ["0"] * 20

    once, found = list(rows(whole)), [list(rows(lake)) for lake in lakes]
    assert [set(one) == set(once) for one in found] == [True] * 20
    assert [failed(lake) == failed(whole) for lake in lakes] == [True] * 20
    assert any(len(one) > len(once) for one in found)


def test_started_again_after_an_end_nothing_is_doubled(tmp_path: Path, whole: Path) -> None:
    run(tmp_path)
    run(tmp_path)

    assert sorted(rows(tmp_path)) == sorted(rows(whole))


def test_under_load_what_is_delivered_is_checkpointed_although_the_source_never_waits(tmp_path: Path) -> None:
    client = Stream(Clock())
    client.add()
    for payload in changes(CHANGES, 7):
        client.put(payload)
    source = KinesisSource("dmnd", state=tmp_path, start_ms=0, client=client, clock=client.clock)
    told: list[int] = []

    def under_load() -> Iterator[EventRecord | None]:
        for record in islice(source, CHANGES):
            assert record is not None
            client.clock.now += 2_000
            yield record

    local_pipeline(FolderSink(tmp_path), clock=client.clock).run(under_load(), settled=told.append)

    assert told[-1] == CHANGES
    assert any(0 < count < CHANGES for count in told)
    assert told == sorted(told)
