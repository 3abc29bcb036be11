"""The Iceberg tables of a lake that is written to."""

from collections.abc import Callable, Mapping
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
    """The tables of a lake, by their catalog and their namespace in it; `redact` redacts the rows of a commit."""

    catalog: Any
    namespace: str
    redact: Callable[[str, Any], Any] | None

    def of(self, source_of: SourceOf) -> IcebergLake:
        """Return them as what a local pipeline delivers to, with records of these sources."""
        return IcebergLake(lambda: self.catalog, self.namespace, source_of, self.redact)


def tables_to_write(
    lake: str, types: Mapping[str, RecordType], redact: Callable[[str, Any], Any] | None
) -> WritableTables:
    """Return the tables of a lake: of a folder, whose tables are made and brought to their schemas, or of a bucket.

    The tables of a bucket are in Glue of its environment, where only dmd iceberg tables makes them. `redact` takes the
    name of a table and rows, and returns the rows without the personal data of erased subjects; None for a lake that
    has no list of them.

    Raises:
        UserError: the folder was moved, its tables cannot follow their schemas, or no environment has that bucket.
    """
    place = lake_tables(lake, make=True)
    if not lake.startswith(S3):
        follow_schemas(place, types)
    return WritableTables(place.catalog, place.namespace, redact)


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
