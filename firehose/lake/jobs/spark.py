"""Share the units of a job among the executors of Apache Spark: of this machine, or of the cluster that runs this.

A task takes Spark some 80 ms, so units are packed into a few tasks a core. A lost task begins anew with all its units,
which a job allows (job.py). Answers and progress come back when a task has ended, by accumulators, so that each is
counted once however often Spark repeats a task.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from firehose.lake.jobs.job import Answers, AnswerT, Job, Tick, Unit
from firehose.lake.jobs.packing import pack
from firehose.local.user_error import UserError
from transform.error_place import error_place

# Enough for a core that is done first to find another.
TASKS_A_CORE = 4

_LOOK_SECONDS = 0.2


# Set in a process that spark-submit began, or AWS Glue as it does. The JVM is there then, and knows the cluster.
_SUBMITTED = "PYSPARK_GATEWAY_PORT"


class _Failure(NamedTuple):
    """A sentence about a unit that failed.

    Spark would repeat the task three times and log the error with its message, which may quote a record.
    """

    sentence: str


class Spark(NamedTuple):
    """An executor on Spark; outside a cluster, on so many cores of this machine."""

    cores: int

    def run(self, job: Job[AnswerT], units: Sequence[Unit], tick: Tick) -> Answers[AnswerT]:
        """Run the units, and yield the number and the answer of each one when its task ends.

        Raises:
            UserError: a unit or Spark failed, or Spark or Java is missing.
        """
        if not units:
            return
        context = _context(self.cores)
        try:
            yield from _run(context, job, units, tick)
        finally:
            context.stop()


def _run(context: Any, job: Job[AnswerT], units: Sequence[Unit], tick: Tick) -> Answers[AnswerT]:
    answers = context.accumulator([], _lists())
    done = context.accumulator(0)
    tasks = pack(units, TASKS_A_CORE * context.defaultParallelism)
    spread = context.parallelize(tasks, len(tasks))
    failed: list[BaseException] = []
    thread = Thread(target=_in_thread, args=(partial(spread.foreach, partial(_work, job, answers, done)), failed))
    thread.start()
    seen = ticked = 0
    while thread.is_alive() or seen < len(answers.value):
        thread.join(_LOOK_SECONDS)
        for number, answer in answers.value[seen:]:
            seen += 1
            if isinstance(answer, _Failure):
                raise UserError(answer.sentence)
            yield number, answer
        now = done.value
        tick(now - ticked)
        ticked = now
    if failed:
        raise UserError("Spark could not run this job: its own log says why; rerun the same command") from failed[0]


def _in_thread(action: Any, failed: list[BaseException]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever Spark raises, for the thread that waits
        failed.append(error)


def _work(job: Job[Any], answers: Any, done: Any, units: list[int]) -> None:
    """Work on a task's units, in a process of an executor."""
    worker = None
    try:
        worker = job.worker(done.add)
        for unit in units:
            answers.add([(unit, worker.work(unit))])
    except UserError as error:
        answers.add([(-1, _Failure(str(error)))])
    except Exception as error:  # noqa: BLE001 - whatever a bug raises; without its message
        answers.add([(-1, _Failure(f"our own code failed: {type(error).__name__} at {error_place(error)}"))])
    finally:
        if worker is not None:
            worker.close()


def _lists() -> Any:
    from pyspark.accumulators import AccumulatorParam  # noqa: PLC0415 - no environment but Spark's own has it

    class Lists(AccumulatorParam):  # type: ignore[misc]
        def zero(self, value: list[Any]) -> list[Any]:  # noqa: ARG002 - Spark's
            return []

        def addInPlace(self, one: list[Any], other: list[Any]) -> list[Any]:  # noqa: N802 - Spark's
            one += other
            return one

    return Lists()


def _context(cores: int) -> Any:
    """Return Spark's context: of the cluster that this process was submitted to, else on so many cores here."""
    try:
        from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - as above
    except ImportError:
        raise UserError(
            "--engine spark needs PySpark: pip install -r requirements-spark.txt, in its own environment"
        ) from None
    if _SUBMITTED in os.environ:
        context = SparkContext.getOrCreate()  # any setting of ours would replace that of whoever submitted
    else:
        if not _has_java():
            raise UserError("--engine spark needs Java 8, 11 or 17: neither JAVA_HOME nor the PATH has one")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else executors take the first python3, without us
        conf = SparkConf().setMaster(f"local[{cores}]").setAppName("dmd")
        conf.set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
        context = SparkContext.getOrCreate(conf)
    context.setLogLevel("ERROR")
    return context


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool((home and Path(home, "bin", "java").exists()) or shutil.which("java"))
