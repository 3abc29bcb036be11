"""A delivery stream against a simple model, over random records, replies, clocks and faults.

The model: what becomes of a record is what its line says, unless the last invocation that had it failed, or there was
no room for its partition. A record is one row or several, which land together. At every step nothing has landed twice
or in a wrong place, and what is settled has landed; at the end everything has.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from firehose.local.testing import Bucket, LocalFirehose
from tests.firehose_streams import answer, payload, request, table

pytestmark = pytest.mark.slow

STEPS = 100
EXAMPLES = 100

RETRIES = 1
PARTITIONS = 3
DATES = [f"2025-01-0{day}" for day in range(1, 6)]
ROWS = st.integers(1, 3)  # of a record: JSON documents one after the other
PLANS = ["ok", "ok", "ok", "dropped", "failed", "missing", "misfit", "keyless"]

LAKE = "data-pipeline/parquet/order/partition_date="
ERRORS = "data-pipeline/errors/firehose/"
VANISHED = ("", "")
ERROR = -1  # in place of a row, where the whole record is in the error output
CODES = {
    "dropped": VANISHED,
    "failed": ("processing-failed", "Lambda.ProcessingFailedStatus"),
    "missing": ("processing-failed", "Lambda.MissingRecordId"),
    "misfit": ("format-conversion-failed", "DataFormatConversion.MalformedData"),
    "keyless": ("partitioning-failed", "DynamicPartitioning.MetadataExtractionFailed"),
}
FUNCTION_ERROR = ("processing-failed", "Lambda.FunctionError")
NO_ROOM = ("activePartitionExceeded", "DynamicPartitioning.ActivePartitionsLimitExceeded")

# The members of an error record that describe the attempt. After a restart the record gets another attempt.
ATTEMPT = {"errorCode", "errorMessage", "attemptsMade", "attemptEndingTimestamp", "lambdaARN"}


class Function:
    """Does what each line says; raises as often as it is told, and remembers how often in a row it failed whom."""

    def __init__(self) -> None:
        self.raises = 0
        self.failed: Counter[int] = Counter()

    def __call__(self, event: dict[str, Any], _: object) -> dict[str, Any]:
        lines = [(record, json.loads(payload(record))) for record in event["records"]]
        raises = self.raises > 0
        for _, line in lines:
            self.failed[line["n"]] = self.failed[line["n"]] + 1 if raises else 0
        if raises:
            self.raises -= 1
            raise RuntimeError
        return {"records": [one for record, line in lines for one in self._answers(record, line)]}

    def _answers(self, record: dict[str, Any], line: dict[str, Any]) -> Iterator[dict[str, Any]]:
        plan, rows = line["plan"], [{"id": f"{line['n']}.{row}"} for row in range(line["rows"])]
        if plan in ("dropped", "failed"):
            yield answer(record, {"dropped": "Dropped", "failed": "ProcessingFailed"}[plan])
        elif plan != "missing":
            rows[-1] |= {"qty": "many"} if plan == "misfit" else {}
            keys = {} if plan == "keyless" else {"type": "order", "date": line["date"]}
            yield answer(record, "Ok", "".join([json.dumps(row) + "\n" for row in rows]).encode(), **keys)


class Refusing(Bucket):
    """A bucket that refuses as often as it is told, before a put or, its answer lost, behind it. Knows what lies where.

    An object is put again only with the same bytes: another body under its key would take rows away. The first put of
    an error object after a restart may differ in what describes the attempt: that ended at another time, and the
    function may have answered otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refuses = 0
        self.loses_answers = 0
        self.landed: Counter[tuple[int, int, str, str]] = Counter()
        self.put_before_restart: set[str] = set()

    def put(self, key: str, body: bytes, content_type: str = "", content_encoding: str = "") -> None:
        if self.refuses:
            self.refuses -= 1
            raise OSError("503")
        if key in self:
            held = self[key].body
            assert body == held or (
                key in self.put_before_restart and _without_attempts(key, body) == _without_attempts(key, held)
            )
            self.landed -= Counter(_read(key, held))
        self.landed.update(_read(key, body))
        self.put_before_restart.discard(key)
        super().put(key, body, content_type, content_encoding)
        if self.loses_answers:
            self.loses_answers -= 1
            raise OSError("connection cut")


def _read(key: str, body: bytes) -> Iterator[tuple[int, int, str, str]]:
    """What an object holds: number of the record, row of it, kind of place, and which."""
    if key.startswith(LAKE):
        for row_id in pq.ParquetFile(io.BytesIO(body)).read(columns=["id"]).column(0).to_pylist():
            number, _, row = row_id.partition(".")
            yield int(number), int(row), "lake", key.removeprefix(LAKE).partition("/")[0]
        return
    kind = key.removeprefix(ERRORS).partition("/")[0]
    for error in map(json.loads, body.splitlines()):
        line = json.loads(payload({"data": error["rawData"]}))
        yield line["n"], ERROR, kind, error.get("errorCode") or error["lastErrorCode"]


def _without_attempts(key: str, body: bytes) -> object:
    """Return what every put of an object must repeat: the bytes of Parquet, error records without their attempt."""
    if key.startswith(LAKE):
        return body
    return [
        {member: error[member] for member in error.keys() - ATTEMPT} for error in map(json.loads, body.splitlines())
    ]


class DeliveryStreamModel(RuleBasedStateMachine):
    """Rules are what may happen to a delivery stream, invariants what must hold all the time."""

    @initialize()
    def create(self) -> None:
        self.firehose = LocalFirehose()
        self.function, self.bucket = Function(), Refusing()
        self.firehose._buckets["lake"] = self.bucket
        made = request(lambda_retries=RETRIES, lambda_buffer_seconds=10, buffer_seconds=60)
        self.stream = self.firehose.create(
            made, table=table({"id": "string", "qty": "int"}), handler=self.function, active_partitions=PARTITIONS
        )
        self.lines: list[dict[str, Any]] = []
        self.again: set[int] = set()  # read again after a restart

    @rule(plans=st.lists(st.tuples(st.sampled_from(PLANS), st.sampled_from(DATES), ROWS), min_size=1, max_size=8))
    def put(self, plans: Sequence[tuple[str, str, int]]) -> None:
        for plan, date, rows in plans:
            self.lines.append({"n": len(self.lines), "plan": plan, "date": date, "rows": rows})
            self.stream.put(self.lines[-1])

    @rule(seconds=st.sampled_from([1, 10, 60, 200]))
    def advance(self, seconds: int) -> None:
        self.firehose.advance(seconds)

    @rule(times=st.integers(1, RETRIES + 2))
    def function_raises(self, times: int) -> None:
        self.function.raises = times

    @rule(times=st.integers(1, 4))
    def bucket_refuses(self, times: int) -> None:
        self.bucket.refuses = times

    @rule(times=st.integers(1, 2))
    def answers_are_lost(self, times: int) -> None:
        self.bucket.loses_answers = times

    @rule()
    def restart(self) -> None:
        settled = len(self.lines) - self.stream.waiting
        self.again.update(range(settled, len(self.lines)))
        self.bucket.put_before_restart = set(self.bucket)
        self.stream.restart()

    @invariant()
    def nothing_is_lost_doubled_or_misplaced(self) -> None:
        found: dict[int, dict[tuple[str, str], set[int]]] = {}
        for (number, row, *place), count in self.bucket.landed.items():
            found.setdefault(number, {}).setdefault((place[0], place[1]), set()).add(row)
            assert count == 1 or number in self.again
        for number, places in found.items():
            assert places.keys() <= self.places(number)
            assert len(places) == 1 or number in self.again
            for (kind, _), rows in places.items():
                assert rows == (set(range(self.lines[number]["rows"])) if kind == "lake" else {ERROR})
        settled = len(self.lines) - self.stream.waiting
        landed = {number for number in found if number < settled}
        assert landed == {number for number in range(settled) if not self.vanishes(number)}

    def places(self, number: int) -> set[tuple[str, str]]:
        """Where a record may be."""
        line = self.lines[number]
        planned = {("lake", line["date"]), NO_ROOM} if line["plan"] == "ok" else {CODES[line["plan"]]} - {VANISHED}
        failed = self.function.failed[number]
        if number in self.again:
            return planned | {FUNCTION_ERROR}  # what an earlier reading made of it stays
        if failed:
            return {FUNCTION_ERROR} if failed == RETRIES + 1 else set()
        return planned

    def vanishes(self, number: int) -> bool:
        return self.lines[number]["plan"] == "dropped" and self.places(number).isdisjoint(
            (place[2], place[3]) for place in self.bucket.landed if place[0] == number
        )

    def teardown(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.function.raises = self.bucket.refuses = self.bucket.loses_answers = 0
        self.firehose.advance(300)
        self.stream.flush()
        assert self.stream.waiting == 0
        self.nothing_is_lost_doubled_or_misplaced()


def test_no_record_is_lost_doubled_or_misplaced() -> None:
    run_state_machine_as_test(
        DeliveryStreamModel, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )


@pytest.mark.parametrize(
    ("plan", "raises", "first_code"),
    [(plan, 0, CODES[plan][1]) for plan in ("failed", "missing", "misfit", "keyless")]
    + [(plan, RETRIES + 1, FUNCTION_ERROR[1]) for plan in ("failed", "missing")],
)
def test_an_error_object_put_again_after_a_restart_has_the_same_records_and_the_later_attempt(
    plan: str, raises: int, first_code: str
) -> None:
    model = DeliveryStreamModel()
    model.create()
    model.function_raises(raises)
    model.put([(plan, DATES[0], 2)])
    model.answers_are_lost(1)
    again_after = 4 if raises else 0  # a function that raised is called once more
    for seconds in (10, again_after, 60):  # the function is called, the errors become an object
        model.advance(seconds)
        model.nothing_is_lost_doubled_or_misplaced()
    [(key, first)] = model.bucket.items()
    assert _attempt(first.body) == (first_code, 10_000 + again_after * 1000)

    model.restart()
    model.teardown()
    [(key_again, second)] = model.bucket.items()
    assert key_again == key
    assert _attempt(second.body) == (CODES[plan][1], 80_000 + again_after * 1000)


def _attempt(body: bytes) -> tuple[str, int]:
    """Return the code of the only error record, and how many milliseconds after the arrival its attempt ended."""
    [error] = map(json.loads, body.splitlines())
    return error.get("errorCode") or error["lastErrorCode"], error["attemptEndingTimestamp"] - error["arrivalTimestamp"]
