"""Reconcile a table with a lake: fill a scratch lake with the table's items, and compare it, type by type.

The scratch lake is filled by an ordinary backfill, so that both sides went through the same transform.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.run import BackfillResult, Throttle
from firehose.lake.backfill.run import run as run_backfill
from firehose.lake.jobs.job import Executor, Phase
from firehose.lake.objects import Lake
from firehose.lake.opening import format_to_read, open_lake
from firehose.lake.query.sql import Beside, query
from firehose.lake.reconcile.comparison import Compared, Window, began_sql, comparison_sql
from firehose.lake.reconcile.explanations import Explanations
from firehose.lake.reconcile.failed_items import documented_items, failed_items
from firehose.lake.reconcile.file_schemas import FileSchemas
from firehose.lake.reconcile.result import ClassCounts, Reconciliation
from firehose.lake.reconcile.scratch import scratch_lake
from firehose.local.user_error import UserError
from glue.layout import Format, data_format
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import TableInputs, table_inputs

# The names of the tables over the scratch lake: `exported_demand` beside `demand`.
EXPORTED = "exported_"


class Request(NamedTuple):
    """A reconciliation. `source` is a full export or the name of a table; `as_of` is by default the time of either.

    `file_format` is by default the one that queries read.
    """

    source: str
    is_table: bool
    lake: str
    keys: tuple[str, ...] = ()
    as_of_micros: int | None = None
    grace_micros: int = 300_000_000
    scratch: str = ""
    schemas: Path = SCHEMAS
    file_format: Format | None = None


def reconcile(
    request: Request, executor: Executor, *, phase: Phase, say: Callable[[str], None] = lambda _: None
) -> Reconciliation:
    """Compare the newest row of each item with the item.

    Raises:
        UserError: the table, its export or the lake cannot be read, or the scratch lake cannot be written.
    """
    lake = open_lake(request.lake)
    file_format = request.file_format or format_to_read(lake)
    _check_full(request)
    with scratch_lake(request.scratch) as scratch:
        job = BackfillJob(
            source=request.source,
            is_table=request.is_table,
            target=scratch.lake,
            is_stream=False,
            file_format=data_format(file_format),
            keys=request.keys,
            schemas=str(request.schemas),
        )
        done = run_backfill(
            job, scratch.state, executor=executor, throttle=Throttle(), phase=phase, erased=None, say=say
        )
        filled = open_lake(scratch.lake, may_be_empty=True)
        return _Comparison(request, file_format, filled, _window(request, done), scratch.spill).result(
            lake, done, phase
        )


def athena_sql(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the comparison of each record type as SQL for Athena, where `exported_<type>` has the backfilled export.

    Raises:
        UserError: the export cannot be read, or a table is given without a time.
    """
    as_of = request.as_of_micros
    if as_of is None:
        export = None if request.is_table else find_export(request.source)
        if export is None:
            raise UserError("--sql of a table needs --as-of, the time at which its scan began")
        as_of = export.at_micros
    window = Window(as_of, as_of, request.grace_micros)
    types = load(request.schemas)
    for name, record_type in types.items():
        sql = comparison_sql(record_type, f"{EXPORTED}{name.lower()}", window, began_sql([*map(str.lower, types)]))
        yield name, sql


def _check_full(request: Request) -> None:
    if not request.is_table and find_export(request.source).incremental:
        raise UserError(
            f"{request.source} is an incremental export, which lacks the items that did not change: name a full one"
        )


def _window(request: Request, done: BackfillResult) -> Window:
    as_of = done.at_micros if request.as_of_micros is None else request.as_of_micros
    # A scan takes a while, and items may change until it ends.
    return Window(as_of, time.time_ns() // 1000 if request.is_table else as_of, request.grace_micros)


class _Comparison:
    """The comparison of a lake with a filled scratch lake."""

    def __init__(self, request: Request, file_format: Format, scratch: Lake, window: Window, spill: Path) -> None:
        self._request = request
        self._format = file_format
        self._scratch = scratch
        self._window = window
        self._spill = spill
        self._types = load(request.schemas)
        self._tables = table_inputs(self._types)
        self._files = data_format(file_format)  # of the lake and of the scratch lake

    def result(self, lake: Lake, done: BackfillResult, phase: Phase) -> Reconciliation:
        """Compare all types."""
        lines: dict[str, list[Compared]] = {}
        tick = phase("compared types", len(self._types))
        for name, record_type in self._types.items():
            lines[name] = self._compare(record_type)
            tick(1)
        explanations = Explanations(
            failed_there={one.item or one.where: one for one in documented_items(self._scratch)},
            failed_here={one.item: one for one in failed_items(lake, self._types) if one.item},
            began_micros=min(
                (one.first_change for of in lines.values() for one in of if one.first_change), default=None
            ),
            files=FileSchemas(lake, {name: self._tables[name][self._files] for name in self._types}),
        )
        tally = ClassCounts(self._types, explanations, done.counts)
        for name, of in lines.items():
            for line in of:
                tally.add(name, line)
        return tally.result(self._window.as_of)

    def _compare(self, record_type: RecordType) -> list[Compared]:
        exported = f"{EXPORTED}{record_type.name.lower()}"
        copy: TableInputs = {self._files: self._tables[record_type.name][self._files] | {"Name": exported}}
        tables = {**self._tables, exported: copy}
        sql = comparison_sql(record_type, exported, self._window)
        answer = query(
            sql,
            self._request.lake,
            tables,
            self._format,
            self._request.schemas,
            beside=Beside({exported: self._scratch}, self._spill),
        )
        return [Compared(*row) for row in answer.rows]
