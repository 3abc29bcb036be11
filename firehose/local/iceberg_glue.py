"""Glue's catalog of Iceberg tables, in which a commit whose answer was lost is found. This file loads PyIceberg."""

from typing import Any

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableResponse
from pyiceberg.table.update import AddSnapshotUpdate


class FindingGlueCatalog(GlueCatalog):
    """PyIceberg's catalog of Glue.

    boto3 repeats an UpdateTable whose answer was lost. Glue refuses the repetition, since the table has another version
    then, and PyIceberg would take the commit for one that has not landed, and delete the manifests that it has written.
    """

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> CommitTableResponse:
        """Commit; of a commit that is refused, find out if it is there.

        Raises:
            CommitFailedException: another commit came first.
        """
        try:
            return super().commit_table(table, requirements, updates)
        except CommitFailedException:
            added = {one.snapshot.snapshot_id for one in updates if isinstance(one, AddSnapshotUpdate)}
            now = self.load_table(table.name())
            if added.isdisjoint(one.snapshot_id for one in now.metadata.snapshots):
                raise
            landed = {"metadata": now.metadata, "metadata_location": now.metadata_location}
            return CommitTableResponse.model_validate(landed)
