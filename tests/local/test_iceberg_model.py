"""A stream into Iceberg tables against a simple model, over random records, tables, replies, clocks, faults, restarts.

The model: what becomes of a record is what its line says, unless the last invocation that had it failed. No table ever
has a row twice, whatever was refused, lost or read again; nothing is in a wrong place; what is settled has landed; at
the end everything has.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from firehose.local.testing import LocalFirehose
from tests.firehose_streams import answer, payload
from tests.iceberg_streams import make_table, routed_answer
from tests.stream_requests import calling, iceberg

pytestmark = pytest.mark.slow

STEPS = 40
EXAMPLES = 30

RETRIES = 1
TABLES = ("db.orders", "db.sales")
PLANS = ["ok", "ok", "ok", "ok", "dropped", "failed", "misfit", "homeless", "lost"]
VANISHED = ("", "")
CODES = {
    "dropped": VANISHED,
    "failed": ("processing-failed", "Lambda.ProcessingFailedStatus"),
    "misfit": ("iceberg-failed", "Iceberg.InvalidColumnValue"),
    "homeless": ("iceberg-failed", "Iceberg.InvalidTableName"),
    "lost": ("iceberg-failed", "Iceberg.NoSuchTable"),
}
FUNCTION_ERROR = ("processing-failed", "Lambda.FunctionError")


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
        return {"records": [self._answer(record, line) for record, line in lines]}

    def _answer(self, record: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        plan = line["plan"]
        if plan in ("dropped", "failed"):
            return answer(record, {"dropped": "Dropped", "failed": "ProcessingFailed"}[plan])
        row = {"id": str(line["n"]), "qty": "many" if plan == "misfit" else 1}
        to = {"homeless": "-.-", "lost": "db.lost"}.get(plan, line["to"])
        return routed_answer(record, {"row": row, "to": to})


class IcebergModel(RuleBasedStateMachine):
    """Rules are what may happen to a delivery stream, invariants what must hold all the time."""

    @initialize(interval=st.sampled_from([0, 60]))
    def create(self, interval: int) -> None:
        self.firehose = LocalFirehose()
        self.function = Function()
        for name in TABLES:
            make_table(self.firehose.catalog, name)
        function = calling(BufferSizeInMBs="1", BufferIntervalInSeconds="0", NumberOfRetries=str(RETRIES))
        hints = {"SizeInMBs": 1, "IntervalInSeconds": interval}
        made = iceberg(function, BufferingHints=hints, RetryOptions={"DurationInSeconds": 7200})
        self.stream = self.firehose.create(made, handler=self.function)
        self.lines: list[dict[str, Any]] = []
        self.again: set[int] = set()  # read again after a restart
        self.read: dict[str, tuple[str, Counter[int]]] = {}

    @rule(
        plans=st.lists(st.tuples(st.sampled_from(PLANS), st.sampled_from(TABLES)), min_size=1, max_size=8),
    )
    def put(self, plans: Sequence[tuple[str, str]]) -> None:
        for plan, table in plans:
            self.lines.append({"n": len(self.lines), "plan": plan, "to": table})
            self.stream.put(self.lines[-1])

    @rule(seconds=st.sampled_from([1, 10, 60, 200]))
    def advance(self, seconds: int) -> None:
        self.firehose.advance(seconds)

    @rule(times=st.integers(1, RETRIES + 2))
    def function_raises(self, times: int) -> None:
        self.function.raises = times

    @rule(
        fault=st.sampled_from(["iceberg-conflict", "iceberg-unknown", "s3-denied", "s3-cut"]), times=st.integers(1, 4)
    )
    def refuse(self, fault: str, times: int) -> None:
        self.stream.inject(fault, times)

    @rule()
    def restart(self) -> None:
        self.again.update(range(len(self.lines) - self.stream.waiting, len(self.lines)))
        self.stream.restart()

    def rows(self, name: str) -> Counter[int]:
        """The rows of a table by record; it is scanned when it has changed."""
        table = self.firehose.catalog.load_table(name)
        if self.read.get(name, ("",))[0] != table.metadata_location:
            ids = table.scan().to_arrow().column("id").to_pylist()
            self.read[name] = (table.metadata_location, Counter(map(int, ids)))
        return self.read[name][1]

    def landed(self) -> dict[int, Counter[tuple[str, str]]]:
        found: dict[int, Counter[tuple[str, str]]] = {}
        for name in TABLES:
            for number, count in self.rows(name).items():
                found.setdefault(number, Counter())[("table", name)] += count
        for key, held in self.stream.bucket.items():
            for error in map(json.loads, held.body.splitlines()):
                line = json.loads(payload({"data": error["rawData"]}))
                number = line["n"] if "n" in line else int(line["id"])
                found.setdefault(number, Counter())[(key.partition("/")[0], error["errorCode"])] += 1
        return found

    @invariant()
    def no_row_is_twice_in_a_table_and_nothing_is_lost_or_misplaced(self) -> None:
        landed = self.landed()
        for number, places in landed.items():
            assert places.keys() <= self.places(number)
            assert all(count == 1 for (kind, _), count in places.items() if kind == "table")
            assert places.total() == 1 or number in self.again
        settled = len(self.lines) - self.stream.waiting
        assert {number for number in landed if number < settled} == {
            number for number in range(settled) if number in landed or not self.may_vanish(number)
        }

    def places(self, number: int) -> set[tuple[str, str]]:
        """Where a record may be."""
        line = self.lines[number]
        planned = {("table", line["to"])} if line["plan"] == "ok" else {CODES[line["plan"]]} - {VANISHED}
        failed = self.function.failed[number]
        if number in self.again:
            return planned | {FUNCTION_ERROR}  # what an earlier reading made of it stays
        if failed:
            return {FUNCTION_ERROR} if failed == RETRIES + 1 else set()
        return planned

    def may_vanish(self, number: int) -> bool:
        return bool(self.lines[number]["plan"] == "dropped")

    def teardown(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.function.raises = 0
        for fault in ("iceberg-conflict", "iceberg-unknown", "s3-denied", "s3-cut"):
            self.stream.inject(fault, 0)
        self.firehose.advance(300)
        self.stream.flush()
        assert self.stream.waiting == 0
        self.no_row_is_twice_in_a_table_and_nothing_is_lost_or_misplaced()
        self.firehose.close()


def test_no_row_is_lost_doubled_or_misplaced_in_iceberg_tables() -> None:
    run_state_machine_as_test(
        IcebergModel, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )
