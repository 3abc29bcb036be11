"""The modes of the pipeline, and everything in which they differ.

A row determines a mode's delivery streams, functions, requests, tables and names: on a laptop, in `dmd up` and in
tests. Terraform has the same table, modules/pipeline/modes.tf. A further mode is one row here and one there, its name
in glue/layout.Format, and the module transform/<mode>_mode.py.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from glue.layout import FIREHOSE_ERRORS, Format, partition, type_prefix
from glue.model import RecordType
from glue.tables import TableInput, avro_table, parquet_table


class Destination(StrEnum):
    """The destination of a delivery stream, in Terraform's words."""

    S3 = "extended_s3"
    ICEBERG = "iceberg"


class ModeRow(msgspec.Struct, frozen=True):
    """One mode.

    key             names a stream and its function; `%s` in it is the record type, so that each type has its own stream
    destination     what its streams deliver to
    converts        Firehose converts rows by the Glue table of the record type
    partitions      Firehose puts rows below the partition keys that the function answers
    table           makes the Glue table of a record type; None for Iceberg tables, which `dmd iceberg tables` makes
    database        the end of the Glue database's name
    prefix          the prefix of what Firehose delivers; None for Iceberg tables, which have places of their own
    lambda_buffer_* how much Firehose gathers before it calls the function
    """

    key: str
    destination: Destination
    converts: bool
    partitions: bool
    table: Callable[[RecordType], TableInput] | None
    database: str
    prefix: str | None
    lambda_buffer_mib: float
    lambda_buffer_seconds: int
    memory_mib: int
    timeout_seconds: int

    @property
    def per_type(self) -> bool:
        """True if each record type has a delivery stream of its own, which a conversion by its table needs."""
        return "%s" in self.key

    def key_of(self, record_type: str) -> str:
        """Return the name of the stream that serves a type, within its environment: "sale" -> "sale", or "avro"."""
        return self.key % record_type if self.per_type else self.key


MODES = {
    Format.PARQUET: ModeRow(
        key="%s",
        destination=Destination.S3,
        converts=True,
        partitions=True,
        table=parquet_table,
        database="_parquet",
        # Many records an object, by type and partition date (REQ-3, BR-9).
        prefix=partition(
            type_prefix(Format.PARQUET, "!{partitionKeyFromLambda:type}"), "!{partitionKeyFromLambda:date}"
        ),
        # Lambda's request and reply may not exceed 6 MB, base64 adds a third, and a row can be larger than the change
        # record. 1 MiB and 60 s are Firehose's defaults (guide, "Transform data").
        lambda_buffer_mib=1,
        lambda_buffer_seconds=60,
        memory_mib=512,
        timeout_seconds=60,
    ),
    Format.AVRO: ModeRow(
        key=Format.AVRO,
        destination=Destination.S3,
        converts=False,
        partitions=False,
        table=avro_table,
        database="",
        # The function writes the containers and answers Dropped, so Firehose delivers nothing. An Ok could only come
        # from another mode's function. Its rows are not a container, so they must not lie below avro/: below the error
        # prefix they raise its alarm, fall under its tighter policy, and `dmd errors` shows them as a kind of their
        # own.
        prefix=f"{FIREHOSE_ERRORS}unexpected-ok/",
        # A container holds one batch, so batches are large, and the reply is short. With Firehose's maximum of 3 MiB,
        # small changes (700 bytes, and 450 more of each in the event) could make a request exceed 6 MB. With 2 MiB even
        # changes of 350 bytes do not.
        lambda_buffer_mib=2,
        lambda_buffer_seconds=50,
        memory_mib=1024,
        timeout_seconds=300,
    ),
    # Each row names its table, so one stream serves all types.
    Format.ICEBERG: ModeRow(
        key=Format.ICEBERG,
        destination=Destination.ICEBERG,
        converts=False,
        partitions=False,
        table=None,
        database="_iceberg",
        prefix=None,
        # As in Parquet mode: the reply holds the rows.
        lambda_buffer_mib=1,
        lambda_buffer_seconds=60,
        memory_mib=512,
        timeout_seconds=60,
    ),
}
