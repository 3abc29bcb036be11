"""The Iceberg tables of a lake in a query: the files of their newest snapshots, other versions, and their metadata."""

from collections.abc import Mapping

import duckdb

from firehose.lake.iceberg.reading import LakeSnapshots
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.query.athena.versions import METADATA_COLUMNS
from firehose.lake.query.tables import files_below, register_tables
from firehose.lake.query.translation import TableVersion
from firehose.local.user_error import UserError
from glue.tables import TableInput


class IcebergTablesOfLake:
    """The tables of one lake.

    Raises, when it is made:
        UserError: the lake has none.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._snapshots = LakeSnapshots(lake)

    def files_of(self, lake: Lake, table_input: TableInput) -> dict[StoredObject, str]:
        """Return the files of a table's newest snapshot, each with its partition date.

        A table of another lake is one of files: the scratch lake of a reconciliation.

        Raises:
            UserError: the table is missing, or has delete files.
        """
        if lake is not self._lake:
            return files_below(lake, table_input)
        return self._snapshots.files(table_input["Name"])

    def register_versions(
        self,
        connection: duckdb.DuckDBPyConnection,
        inputs: Mapping[str, TableInput],
        versions: Mapping[str, TableVersion],
        *,
        with_hidden: bool,
    ) -> None:
        """Register versions and metadata of tables under their names.

        Raises:
            UserError: a table has no such version.
        """
        for name, version in versions.items():
            if version.kind in METADATA_COLUMNS:
                connection.register(name, self._snapshots.metadata(version))
                continue
            snapshot = self._snapshots.snapshot(version, _number(connection, version))
            files = self._snapshots.files(version.table, snapshot)
            register_tables(
                connection,
                {name: inputs[version.table]},
                {name: self._lake},
                [name],
                lambda _error: None,
                with_hidden=with_hidden,
                files_of=lambda _lake, _input, files=files: files,  # type: ignore[misc]
            )


def _number(connection: duckdb.DuckDBPyConnection, version: TableVersion) -> int:
    for statement in version.statements:
        connection.execute(statement)
    ((number,),) = connection.fetchall()
    if number is None:
        raise UserError(f"the version of {version.table} that is asked for is null")
    return int(number)
