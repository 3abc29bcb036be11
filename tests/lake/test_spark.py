"""A job on Apache Spark leaves what it leaves on the pool, byte for byte; run by make test-spark."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from firehose.lake.jobs.job import Tick, Unit
from firehose.lake.jobs.spark import Spark
from firehose.local.user_error import UserError
from firehose.pipeline.package import PROJECT
from tests.commands import DMD, result_of
from tests.compacting import NOW, age, compact, counted, files, run
from tests.compacting import demand as compacted_demand
from tests.erased import holding, list_erased
from tests.erasing import data, erase
from tests.exports import EXPORTED_MICROS, demand, full_export, item
from tests.failed import document_of, documents, error_object, everything, failed, fans
from tests.given import change, payload, s

pytestmark = [
    pytest.mark.spark,
    # PySpark leaves the sockets of its JVM to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None, reason="PySpark or Java is missing: make test-spark"
)

FILES = [[demand("a"), demand("b", "2025-01-02")], [item("sale", "1"), demand("c")], [demand("d")]]


class Noted(NamedTuple):
    """A job that notes its units in a folder."""

    folder: Path
    fails_at: int = -1
    breaks_at: int = -1

    def worker(self, tick: Tick) -> "NotedWorker":
        return NotedWorker(self, tick)


class NotedWorker:
    def __init__(self, job: Noted, tick: Tick) -> None:
        self._job = job
        self._tick = tick

    def work(self, unit: int) -> int:
        if unit == self._job.fails_at:
            raise UserError(f"unit {unit} cannot be read")
        if unit == self._job.breaks_at:
            raise ValueError("a value of a record")
        (self._job.folder / f"{unit}").write_text(f"{os.getpid()}")
        self._tick(unit)
        return 2 * unit

    def close(self) -> None:
        (self._job.folder / f"closed-{os.getpid()}").touch()


@needs_spark
def test_every_unit_is_answered_and_the_progress_adds_up(tmp_path: Path) -> None:
    ticks: list[int] = []
    units = [Unit(number, number) for number in range(20)]

    answers = dict(Spark(2).run(Noted(tmp_path), units, ticks.append))

    assert answers == {number: 2 * number for number in range(20)}
    assert sum(ticks) == sum(range(20))
    for unit in range(20):
        assert (tmp_path / f"closed-{(tmp_path / f'{unit}').read_text()}").exists()


@needs_spark
def test_the_error_of_a_unit_is_the_jobs_and_a_bug_is_named_by_its_place_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"^unit 1 cannot be read$"):
        dict(Spark(1).run(Noted(tmp_path, fails_at=1), [Unit(0, 1), Unit(1, 1)], lambda _: None))
    with pytest.raises(UserError, match=r"^our own code failed: ValueError at .*test_spark.py:\d+$"):
        dict(Spark(1).run(Noted(tmp_path, breaks_at=1), [Unit(0, 1), Unit(1, 1)], lambda _: None))
    assert "a value of a record" not in capfd.readouterr().err


@needs_spark
@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_an_export_backfilled_on_spark_is_the_same_lake(tmp_path: Path, file_format: str) -> None:
    full_export(tmp_path / "export", *FILES)
    for engine in ("local", "spark"):
        arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / engine), "--format", file_format]
        options = ["--state", str(tmp_path / "state"), "--engine", engine, "--processes", "2"]
        assert result_of("backfill", *arguments, *options).exit_code == 0

    assert everything(tmp_path / "spark") == everything(tmp_path / "local")
    assert len(everything(tmp_path / "spark")) >= 5


@needs_spark
def test_a_backfill_that_stopped_on_spark_is_finished_by_the_pool(tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", *FILES)
    data = sorted((home / "data").iterdir())
    whole = data[2].read_bytes()
    data[2].write_bytes(b"")
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake"), "--key", "pk", "--key", "sk"]
    state = ["--state", str(tmp_path / "state")]
    with pytest.raises(UserError, match="is damaged: its MD5"):
        result_of("backfill", *arguments, *state, "--engine", "spark")
    data[2].write_bytes(whole)

    result_of("backfill", *arguments, *state)

    assert fans(tmp_path / "lake") == ["a", "b", "c", "d"]


@needs_spark
def test_a_table_is_reconciled_on_spark(tmp_path: Path) -> None:
    full_export(tmp_path / "export", *FILES)
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake")]
    result_of("backfill", *arguments, "--state", str(tmp_path / "state"))

    assert result_of("reconcile", *arguments, "--engine", "spark").exit_code == 0


PIECES = [
    [compacted_demand("a"), compacted_demand("b", "2025-01-02")],
    [compacted_demand("c")],
    [compacted_demand("d")],
]


@needs_spark
@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_a_lake_that_is_compacted_on_spark_holds_the_same_bytes(tmp_path: Path, file_format: str) -> None:
    merged = {}
    for engine in ("local", "spark"):
        run(tmp_path / engine, tmp_path, *PIECES, file_format=file_format)
        counts = compact(tmp_path / engine, "--engine", engine, "--processes", "2")
        assert (counts["files_before"], counts["files_after"]) == (3, 1)
        merged[engine] = [path.read_bytes() for path in files(tmp_path / engine)]

    assert merged["spark"] == merged["local"]
    assert len(merged["spark"]) == 2


# In the processes of Spark's executors, not in the driver, which takes such steps, too.
DIES = """
import os, sys
if "pyspark.daemon" in sys.orig_argv:
    from tests.kills import each_step
    dies_at = int(os.environ["DIES_AT"])
    each_step(((os, "replace"), (os, "unlink")), lambda step: os._exit(9) if step == dies_at else None)
"""


# With the target there and not committed; committed; and with some of the sources deleted.
@needs_spark
@pytest.mark.parametrize(("step", "engine"), [(4, "local"), (5, "spark"), (8, "local")])
def test_a_compaction_killed_on_spark_loses_nothing_and_the_next_leaves_each_row_once(
    tmp_path: Path, step: int, engine: str
) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES)
    before = counted(lake)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(DIES)
    path = os.pathsep.join([str(tmp_path / "site"), str(PROJECT)])

    done = subprocess.run(
        [*DMD, "compact", "--lake", str(lake), "--engine", "spark", *NOW],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "DIES_AT": str(step), "PYTHONWARNINGS": "ignore"},
    )

    assert done.returncode == 2, done.stderr[-2000:]
    assert "dmd: Spark could not run this job" in done.stderr
    assert set(counted(lake)) == set(before)
    assert counted(lake).total() > before.total() or step == 8
    age(lake)
    compact(lake, "--engine", engine)
    assert counted(lake) == before
    assert len(files(lake)) == 2


@needs_spark
@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_an_erasure_on_spark_leaves_the_same_objects(tmp_path: Path, file_format: str) -> None:
    personal = [demand(fan, day, email=s(f"{fan}@x")) for fan, day in (("a", "2025-01-01"), ("b", "2025-01-02"))]
    full_export(tmp_path / "export", personal)
    broken = change(fanId=s("a"), email=s("a@x"), eventId={"N": "1"})
    for engine in ("local", "spark"):
        lake = tmp_path / engine
        result_of("backfill", "--export", str(tmp_path / "export"), "--lake", str(lake), "--format", file_format)
        error_object(lake, failed(broken), failed(payload(broken)[:-9]))
        documents(lake, document_of(broken), document_of(payload(broken)[:-9]))
        counts = erase(lake, tmp_path, "a", options=("--engine", engine, "--processes", "2"))
        assert (counts["objects"], counts["records"], counts["found_in_second_pass"]) == (3, 4, 0)

    assert data(tmp_path / "spark") == data(tmp_path / "local")


@pytest.mark.parametrize("source", [["--table", "t", "--lake", "l"], ["--export", "e", "--stream", "kinesis://s"]])
def test_what_keeps_its_state_here_is_not_for_spark(source: list[str]) -> None:
    with pytest.raises(UserError, match="--engine spark is for an export into a lake"):
        result_of("backfill", *source, "--engine", "spark")


@needs_spark
def test_units_on_spark_redact_who_is_erased_without_the_file_of_the_key(tmp_path: Path) -> None:
    key = tmp_path / "erasure.key"
    key.write_text("0123456789abcdef0123456789abcdef")
    full_export(tmp_path / "export", *([demand(fan, phoneNumber=s(f"+1 {fan}"))] for fan in ("gone", "kept", "left")))
    export = ("backfill", "--export", str(tmp_path / "export"), "--no-compare")
    for name, engine in (("pool", "local"), ("spark", "spark")):
        list_erased(tmp_path / name, "gone", at_micros=EXPORTED_MICROS, key=str(key))
        options = ("--lake", str(tmp_path / name), "--engine", engine, "--processes", "2", "--erasure-key", str(key))
        assert result_of(*export, *options).exit_code == 0

    pool, spark = data(tmp_path / "pool"), data(tmp_path / "spark")
    assert pool == spark
    assert holding(tmp_path / "spark", "+1 gone") == []
    assert len(holding(tmp_path / "spark", "+1 kept", "+1 left")) == 2
    with pytest.raises(UserError, match="its key is not there"):
        result_of(*export, "--lake", str(tmp_path / "spark"), "--engine", "spark")
