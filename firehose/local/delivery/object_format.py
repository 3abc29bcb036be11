"""What the objects of a delivery stream are: Parquet by record format conversion, or the records as they are.

The one choice of a stream that the rest of its delivery does not know of: rows wait in batches of `schema`, whatever
those are, and `body` makes an object of them.
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
    """How the records of a stream become rows, and rows an object."""

    schema: pa.Schema
    content_encoding: str
    catalog_table: dict[str, str]  # what the error records of rows that do not convert name

    def convert(self, records: Sequence[bytes]) -> Converted:
        """The rows of these records."""

    def body(self, rows: pa.Table, name: str) -> bytes:
        """The object of these rows, which will have this name."""


def object_format(
    stream: DeliveryStream, table_input: Mapping[str, Any] | None, behaviour: Behaviour = OBSERVED
) -> ObjectFormat:
    """The format of a stream; one that converts needs the Glue TableInput that it names.

    Raises:
        ValueError: it converts and there is no table, or a timestamp format of its reader is no pattern of Joda's.
    """
    conversion = stream.destination.conversion
    if conversion is None:
        return RawRecords(stream.destination.compression, b"\n" if stream.processing.delimiter else b"")
    if table_input is None:
        raise ValueError(f"{stream.name} converts records by the table {conversion.table.table}, and has none")
    return Parquet(conversion, table_input, stream.arn.split(":")[4], behaviour)


class Parquet:
    """Record format conversion: a row is a row of the Glue table, an object a Parquet file."""

    def __init__(
        self, settings: ConversionSettings, table_input: Mapping[str, Any], account: str, behaviour: Behaviour
    ) -> None:
        converter = Converter(table_input, reader=settings.reader)
        self.convert = converter.convert
        self.schema = converter.schema
        # Though the body is an ordinary Parquet file, real objects carry this Content-Encoding; whether those without
        # Snappy inside do as well, nobody measured.
        self.content_encoding = "hadoop-snappy"
        self.catalog_table = catalog_table(settings.table, account)
        int64 = behaviour.parquet_timestamps is ParquetTimestamps.INT64
        self._settings = msgspec.structs.replace(settings.parquet, int64_timestamps=int64)

    def body(self, rows: pa.Table, _: str) -> bytes:
        """A Parquet file."""
        return parquet_file(rows, self._settings)


class RawRecords:
    """No conversion: a row is a record as it came or was answered, an object its rows with a delimiter between them."""

    def __init__(self, compression: str = "UNCOMPRESSED", delimiter: bytes = b"") -> None:
        self.schema = pa.schema([("data", pa.binary())])
        self.content_encoding = COMPRESSIONS[compression].content_encoding
        self.catalog_table: dict[str, str] = {}
        self._compress = COMPRESSIONS[compression].compress
        self._delimiter = delimiter

    def convert(self, records: Sequence[bytes]) -> Converted:
        r"""[b'{"id":"x"}\n', b""] -> the same two as rows; nothing fails here."""
        rows = pa.RecordBatch.from_arrays([pa.array(records, pa.binary())], schema=self.schema)
        return Converted(rows, list(range(len(records))), [])

    def body(self, rows: pa.Table, name: str) -> bytes:
        """The rows joined, none after the last (observed, whatever the parameters say), and compressed."""
        return self._compress(self._delimiter.join(rows.column("data").to_pylist()), name)
