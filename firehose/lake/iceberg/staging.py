"""Appends to Iceberg tables in two steps: workers write data files, and the driver of the job commits them.

A worker's catalog stages what would have been committed: the files, and the marks of their sources. The driver commits
many appends to a table in one transaction, with all their marks; an append whose mark has been moved meanwhile is left
out. So each row is there once, whatever is killed.

The files of a source have names that derive from the source: a worker that does it again replaces what a killed one has
left, and no file is written for what the table has. This file loads PyIceberg.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import count
from types import TracebackType
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from firehose.local.iceberg_catalogs import TO_TRY_AGAIN, without_retries
from firehose.local.user_error import UserError

# Live writers commit every minute or so, and an attempt takes about a second.
_ATTEMPTS = 10


class StagedAppend(NamedTuple):
    """Data files that were written for a table, the marks to set with them, and these marks as the table had them."""

    table: tuple[str, ...]
    files: list[DataFile]
    marks: Mapping[str, str]
    before: Mapping[str, str | None]


class StagingCatalog:
    """A catalog whose tables stage what is appended; `source` is in the names of the files."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._name = uuid5(NAMESPACE_URL, source)
        self._numbers: dict[tuple[str, ...], count[int]] = defaultdict(count)
        self.staged: list[StagedAppend] = []

    def load_table(self, identifier: tuple[str, ...]) -> "StagingTable":
        """Load the newest metadata of a table.

        Raises:
            NoSuchTableError: the table does not exist.
        """
        return StagingTable(self._catalog.load_table(identifier), self)

    def stage(self, table: Table, rows: pa.Table, marks: Mapping[str, str]) -> None:
        """Write rows into files of a table."""
        name = tuple(table.name())
        files = list(_dataframe_to_data_files(table.metadata, rows, table.io, self._name, self._numbers[name]))
        self.staged.append(StagedAppend(name, files, marks, {mark: table.properties.get(mark) for mark in marks}))


class StagingTable(Table):
    """A table whose transactions append to what is staged."""

    def __init__(self, table: Table, staging: StagingCatalog) -> None:
        super().__init__(table.name(), table.metadata, table.metadata_location, table.io, table.catalog, table.config)
        self._staging = staging

    def transaction(self) -> Any:
        """Return a transaction that takes an append and properties, the marks."""
        return _Staged(self, self._staging)

    def current_snapshot(self) -> None:
        """Return None: nothing was committed."""


class _Staged:
    def __init__(self, table: Table, staging: StagingCatalog) -> None:
        self._table = table
        self._staging = staging
        self._rows: pa.Table = None
        self._marks: Mapping[str, str] = {}

    def __enter__(self) -> "_Staged":
        return self

    def append(self, rows: pa.Table) -> None:
        self._rows = rows

    def set_properties(self, marks: Mapping[str, str]) -> None:
        self._marks = marks

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, _at: TracebackType | None) -> None:
        if kind is None:
            self._staging.stage(self._table, self._rows, self._marks)


def commit_staged(catalog: Catalog, appends: Iterable[StagedAppend]) -> None:
    """Commit appends, in one transaction a table. Those of one source must come together, and in order.

    Raises:
        UserError: others commit without a pause.
    """
    by_table: dict[tuple[str, ...], list[StagedAppend]] = defaultdict(list)
    for one in appends:
        by_table[one.table].append(one)
    for name, own in by_table.items():
        _commit(catalog, name, own)


def _commit(catalog: Catalog, name: tuple[str, ...], appends: list[StagedAppend]) -> None:
    for _ in range(_ATTEMPTS):
        table = without_retries(catalog.load_table(name))
        # After an attempt whose answer was lost, its marks are there.
        missing = [one for one in appends if all(table.properties.get(mark) == it for mark, it in one.before.items())]
        if not missing:
            return
        try:
            with table.transaction() as transaction:
                with transaction.update_snapshot().merge_append() as snapshot:
                    for one in missing:
                        for file in one.files:
                            snapshot.append_data_file(file)
                transaction.set_properties({mark: it for one in missing for mark, it in one.marks.items()})
        except TO_TRY_AGAIN:
            continue
        return
    raise UserError(f"others commit to {name[-1]} without a pause: rerun the same command to resume")
