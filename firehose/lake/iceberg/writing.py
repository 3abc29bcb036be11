"""The Iceberg tables of a lake that is written to."""

from collections.abc import Mapping
from typing import Any

import msgspec

from firehose.lake.iceberg.catalogs import folder_tables, glue_tables
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from firehose.pipeline.streams import IcebergLake
from glue.model import RecordType


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
    if lake.startswith(S3):
        bucket = lake.removeprefix(S3).rstrip("/")
        names = Names.of_bucket(bucket)
        if names is None:
            raise UserError(f"{bucket} is the bucket of no environment, so its Iceberg tables cannot be found in Glue")
        place = glue_tables(names.environment)
    else:
        place = folder_tables(lake, make=True)
        from firehose.pipeline.iceberg_tables import make_tables, refusals  # noqa: PLC0415 - loads PyIceberg

        if refused := refusals(make_tables(place, types)):
            raise UserError("the Iceberg tables cannot follow their schemas: " + "; ".join(refused[0].details))
    return WritableTables(place.catalog, place.namespace)
