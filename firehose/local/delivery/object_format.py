"""The format of a stream's objects: Parquet by record format conversion, or the records as they are.

Nothing else in a stream's delivery depends on the format: rows wait in batches of `schema`, and `body` makes an object
of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from firehose.local.behaviour import OBSERVED, Behaviour, ParquetTimestamps
from firehose.local.config.conversion_settings import ConversionSettings
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.conversion.converter import Converted, Converter
from firehose.local.conversion.parquet import parquet_file
from firehose.local.delivery.compression import COMPRESSIONS
from firehose.local.delivery.error_output import catalog_table


class ObjectFormat(Protocol):
    """Makes rows of records, and an object of rows."""

    schema: pa.Schema
    content_encoding: str
    catalog_table: dict[str, str]  # for error records of failed conversions

    def convert(self, records: Sequence[bytes]) -> Converted:
        """Returns the rows of these records, and the records that do not convert."""

    def body(self, rows: pa.Table, name: str) -> bytes:
        """Returns the body of the object `name` with these rows."""


def object_format(
    stream: DeliveryStream,
    table_input: Mapping[str, Any] | None,
    behaviour: Behaviour = OBSERVED,
    delimiter: bytes = b"",
) -> ObjectFormat:
    """Returns the format of a stream; a stream that converts needs the Glue TableInput that it names.

    Raises:
        ValueError: the stream converts and has no table, or one of its timestamp formats is not a Joda pattern.
    """
    conversion = stream.destination.conversion
    if conversion is None:
        return RawRecords(stream.destination.compression, delimiter)
    if table_input is None:
        raise ValueError(f"{stream.name} converts records by the table {conversion.table.table}, which is missing")
    return Parquet(conversion, table_input, stream.arn.split(":")[4], behaviour)


class Parquet:
    """Record format conversion: rows of the Glue table, and Parquet files."""

    def __init__(
        self, settings: ConversionSettings, table_input: Mapping[str, Any], account: str, behaviour: Behaviour
    ) -> None:
        converter = Converter(table_input, reader=settings.reader)
        self.convert = converter.convert
        self.schema = converter.schema
        # Observed on real objects, although the body is an ordinary Parquet file. Nobody has measured other
        # compressions.
        self.content_encoding = "hadoop-snappy"
        self.catalog_table = catalog_table(settings.table, account)
        int64 = behaviour.parquet_timestamps is ParquetTimestamps.INT64
        self._settings = msgspec.structs.replace(settings.parquet, int64_timestamps=int64)

    def body(self, rows: pa.Table, _: str) -> bytes:
        """Returns a Parquet file."""
        return parquet_file(rows, self._settings)


class RawRecords:
    """No conversion: a row is a record as it came or was answered; an object joins them with a delimiter."""

    def __init__(self, compression: str = "UNCOMPRESSED", delimiter: bytes = b"") -> None:
        self.schema = pa.schema([("data", pa.binary())])
        self.content_encoding = COMPRESSIONS[compression].content_encoding
        self.catalog_table: dict[str, str] = {}
        self._compress = COMPRESSIONS[compression].compress
        self._delimiter = delimiter

    def convert(self, records: Sequence[bytes]) -> Converted:
        r"""Returns a row for each record; no record fails."""
        rows = pa.RecordBatch.from_arrays([pa.array(records, pa.binary())], schema=self.schema)
        return Converted(rows, list(range(len(records))), [])

    def body(self, rows: pa.Table, name: str) -> bytes:
        """Returns the rows joined and compressed; no delimiter follows the last row (observed)."""
        return self._compress(self._delimiter.join(rows.column("data").to_pylist()), name)
