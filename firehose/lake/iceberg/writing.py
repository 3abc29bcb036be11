"""The Iceberg tables of a lake that is written to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from firehose.lake.iceberg.catalogs import lake_tables
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from firehose.pipeline.streams import IcebergLake
from glue.model import RecordType

if TYPE_CHECKING:
    from firehose.pipeline.iceberg_tables import TablePlace


class WritableTables(msgspec.Struct, frozen=True):
    """The tables of a lake, by their catalog and their namespace in it."""

    catalog: Any
    namespace: str

    def of(self, source_of: SourceOf) -> IcebergLake:
        """Return them as what a local pipeline delivers to, with records of these sources."""
        return IcebergLake(lambda: self.catalog, self.namespace, source_of)


def tables_to_write(lake: str, types: Mapping[str, RecordType]) -> WritableTables:
    """Return the tables of a lake: of a folder, whose tables are made and brought to their schemas, or of a bucket.

    The tables of a bucket are in Glue of its environment, where only dmd iceberg tables makes them.

    Raises:
        UserError: the folder was moved, its tables cannot follow their schemas, or no environment has that bucket.
    """
    place = lake_tables(lake, make=True)
    if not lake.startswith(S3):
        follow_schemas(place, types)
    return WritableTables(place.catalog, place.namespace)


def follow_schemas(place: "TablePlace", types: Mapping[str, RecordType], *, current: bool = False) -> None:
    """Make the tables that a folder lacks, and bring the others to their schemas; `current`: the current tables, too.

    Raises:
        UserError: a table cannot follow its schema.
    """
    from firehose.pipeline.iceberg_tables import make_tables, refusals  # noqa: PLC0415 - loads PyIceberg
    from glue import iceberg  # noqa: PLC0415 - loads PyIceberg

    kinds = (iceberg.history, iceberg.current) if current else (iceberg.history,)
    if refused := refusals(make_tables(place, types, kinds)):
        raise UserError("the Iceberg tables cannot follow their schemas: " + "; ".join(refused[0].details))
