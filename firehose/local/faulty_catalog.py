"""An Iceberg catalog with faults. This file loads PyIceberg: import it when a stream needs it."""

from typing import Any

from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, NoSuchTableError

from firehose.local.faults import Fault, Faults


class FaultyCatalog:
    """A PyIceberg catalog that refuses a commit, hides that one has landed, or has no tables."""

    def __init__(self, catalog: Any, faults: Faults) -> None:
        self._catalog = catalog
        self._faults = faults

    def load_table(self, identifier: Any) -> Any:
        """Load a table, whose commits come through here.

        Raises:
            NoSuchTableError: the table does not exist, or a fault was injected.
        """
        if self._faults.strikes(Fault.ICEBERG_MISSING_TABLE):
            raise NoSuchTableError("injected")
        table = self._catalog.load_table(identifier)
        table.catalog = self
        return table

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
        """Commit.

        Raises:
            CommitFailedException: the commit was refused, as by a concurrent one.
            CommitStateUnknownException: the commit has landed, and the answer was lost.
        """
        if self._faults.strikes(Fault.ICEBERG_CONFLICT):
            raise CommitFailedException("injected")
        answer = self._catalog.commit_table(table, requirements, updates)
        if self._faults.strikes(Fault.ICEBERG_UNKNOWN):
            raise CommitStateUnknownException("injected")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)
