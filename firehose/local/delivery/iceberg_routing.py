"""The table of each record: from the function's otfMetadata, else from a query, else the stream's only one.

Source: Firehose guide, "Route incoming records" of Apache Iceberg tables. Its questions are answered in this order for
each name of its own: a function may give the table, and the query the database.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from firehose.local.config.iceberg_destination import TableName
from firehose.local.conversion.documents import kind_of
from firehose.local.conversion.row_error import RowError
from firehose.local.delivery.partition_keys import Values
from firehose.local.processors.stage import Processed

DATABASE, TABLE, OPERATION = "destinationDatabaseName", "destinationTableName", "operation"

INVALID_NAME = "Iceberg.InvalidTableName"
NO_UNIQUE_KEYS = "Iceberg.UniqueKeysNotFound"
INVALID_OPERATION = "Iceberg.InvalidOperation"  # AWS's own code is not known

# "must match exactly"; the Iceberg library takes no hyphen (guide, "Considerations and limitations").
_NAME = re.compile(r"[\w.]{1,255}", re.ASCII)


class IcebergRouting(NamedTuple):
    """Finds the tables of one stream's records; `only` is the stream's only configured table."""

    only: TableName | None

    def evaluate(self, processed: Processed) -> list[Values | RowError]:
        """Return database and table of each ok record, or the error that says why it has none.

        ok=[(0, b"...", {"destinationDatabaseName": "db", "destinationTableName": "sale"})] -> [("db", "sale")]
        """
        return [self._of(metadata, processed.query_keys.get(index)) for index, _, metadata in processed.ok]

    def _of(self, metadata: Any, query_keys: Mapping[str, str] | None) -> Values | RowError:
        if metadata is not None and not isinstance(metadata, Mapping):
            return RowError(INVALID_NAME, f"metadata.otfMetadata must be an object, got {kind_of(metadata)}")
        configured = {DATABASE: self.only.database, TABLE: self.only.name} if self.only else {}
        given = [{name: it for name, it in each.items() if it is not None} for each in (query_keys, metadata) if each]
        found: dict[str, Any] = {name: it for each in (configured, *given) for name, it in each.items()}
        return _operation_error(found.get(OPERATION, "insert")) or _table(found)


def _operation_error(operation: Any) -> RowError | None:
    if operation == "insert":
        return None
    if operation in ("update", "delete"):
        return RowError(NO_UNIQUE_KEYS, f"{operation} needs unique keys, which the local Firehose does not support")
    return RowError(INVALID_OPERATION, "operation must be insert, update or delete")


def _table(found: Mapping[str, Any]) -> Values | RowError:
    for name in (DATABASE, TABLE):
        value = found.get(name)
        if value is None or value == "":
            return RowError(INVALID_NAME, f"{name} is missing or empty, and the stream has no single table")
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            return RowError(INVALID_NAME, f"{name} must be text of letters, digits, '_' and '.'")
    return found[DATABASE], found[TABLE]
