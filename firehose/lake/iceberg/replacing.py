"""Rewrites data files of an Iceberg table: others with the same rows replace exactly the files that were read.

What others append meanwhile stays, since a commit names each file that it removes. If one of those is gone from the
newest snapshot, or rows of it are deleted there, its replacement is not committed. Marks of sources are table
properties, so a rewrite leaves them as they are. Older snapshots keep the old files. This file loads PyIceberg.

All files that one writer writes carry its name. So whoever takes over from a writer that was killed finds them
(remove_uncommitted).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, count
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pyarrow as pa
from pyiceberg.exceptions import ValidationException
from pyiceberg.expressions import AlwaysTrue, In, Reference
from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from firehose.local.iceberg_catalogs import TO_TRY_AGAIN, without_retries
from firehose.local.user_error import UserError
from glue.layout import PARTITION

# In the summary of a snapshot: which attempt it is of.
_ATTEMPT = "dmd.rewrite"

# A live stream commits every minute or so, and an attempt takes about a second.
_ATTEMPTS = 10


class Rewrite(NamedTuple):
    """Data files, and those with the same rows that are to replace them."""

    sources: Sequence[DataFile]
    targets: Sequence[DataFile]


class TableRewriter:
    """Rewrites files of one table. `load` loads it anew, `name` is in the names of all files that this writes."""

    def __init__(self, load: Callable[[], Table], name: UUID) -> None:
        self._load = load
        self._table = load()
        self._name = name
        self._numbers = count()

    def read(self, files: Sequence[DataFile]) -> pa.Table:
        """Return the rows of data files, by the table's schema.

        Raises:
            UserError: a file is missing or damaged.
        """
        table = self._table
        scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
        try:
            rows = scan.to_table([FileScanTask(one) for one in files]).combine_chunks()
        except (pa.ArrowException, OSError, ValueError):  # its message may quote a value
            raise UserError("a file is missing or damaged") from None
        if rows.num_rows != sum(one.record_count for one in files):
            raise UserError("the rows that were read are not as many as the manifests say")
        return rows

    def write(self, rows: pa.Table) -> list[DataFile]:
        """Write rows into data files that are in no snapshot yet."""
        table = self._table
        files = list(_dataframe_to_data_files(table.metadata, rows, table.io, self._name, self._numbers))
        for one in files:
            one.spec_id = table.metadata.default_spec_id  # PyIceberg sets it when it reads a manifest, to be read here
        return files

    def replace(self, rewrites: Sequence[Rewrite], before: Callable[[], None]) -> list[bool]:
        """Replace sources by their targets in one commit; return of each rewrite whether its sources were all there.

        `before` is called before each attempt: whatever it raises ends this. A commit that is refused, or of which
        nobody knows whether it has landed, is tried again.

        Raises:
            UserError: others commit without a pause.
        """
        attempted: dict[str, list[bool]] = {}
        for _ in range(_ATTEMPTS):
            table = without_retries(self._load())
            if landed := _landed(table, attempted):
                return landed
            there = _have_all_sources(table, rewrites)
            if not any(there):
                return there
            before()
            attempt = str(uuid4())
            attempted[attempt] = there
            try:
                _commit(table, list(compress(rewrites, there)), attempt)
            except (*TO_TRY_AGAIN, ValidationException):
                continue
            return there
        raise UserError(f"others commit to {table.name()[-1]} without a pause: try again later")


def remove_uncommitted(load: Callable[[], Table], paths: Iterable[str], before: Callable[[], None]) -> None:
    """Delete those of a writer's files that are in no snapshot; `before` is called before each deletion.

    The writer may only stand still, before a commit. So an empty commit comes first: PyIceberg commits on the
    condition that the newest snapshot is the one that it has loaded, so the writer's is refused from then on.
    """
    with load().transaction() as transaction, transaction.update_snapshot().fast_append():
        pass
    table = load()
    committed = set(table.inspect.all_data_files()["file_path"].to_pylist())
    for path in paths:
        if path not in committed:
            before()
            table.io.delete(path)


def _landed(table: Table, attempted: dict[str, list[bool]]) -> list[bool] | None:
    attempts = [str(one.summary[_ATTEMPT]) for one in table.snapshots() if one.summary]
    return next((attempted[one] for one in attempts if one in attempted), None)


def _have_all_sources(table: Table, rewrites: Sequence[Rewrite]) -> list[bool]:
    """Return of each rewrite whether its sources are in the newest snapshot, with all their rows."""
    dates: Any = {str(one.partition[0]) for rewrite in rewrites for one in rewrite.sources}
    there = {
        task.file
        for task in table.scan(In(term=Reference(PARTITION), values=dates)).plan_files()
        if not task.delete_files
    }
    return [there.issuperset(one.sources) for one in rewrites]


def _commit(table: Table, rewrites: Sequence[Rewrite], attempt: str) -> None:
    with (
        table.transaction() as transaction,
        transaction.update_snapshot({_ATTEMPT: attempt}).overwrite() as snapshot,
    ):
        for rewrite in rewrites:
            for source in rewrite.sources:
                snapshot.delete_data_file(source)
            for target in rewrite.targets:
                snapshot.append_data_file(target)
