"""A catalog of Iceberg tables in which something is done shortly before a commit."""

from collections.abc import Callable
from typing import Any

from firehose.local.faults import Faults
from firehose.local.faulty_catalog import FaultyCatalog
from tests.fakes import failing


class Overtaken:
    """A catalog before whose first commit something else is done."""

    def __init__(self, catalog: Any, meanwhile: Callable[[], object]) -> None:
        self._catalog = FaultyCatalog(catalog, Faults())
        self._before = failing(1, InterruptionError())
        self._meanwhile = meanwhile

    def load_table(self, identifier: Any) -> Any:
        table = self._catalog.load_table(identifier)
        table.catalog = self
        return table

    def commit_table(self, *arguments: Any) -> Any:
        try:
            self._before()
        except InterruptionError:
            self._meanwhile()
        return self._catalog.commit_table(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


class InterruptionError(Exception):
    pass
