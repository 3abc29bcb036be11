"""Writes a Parquet file by the settings of Firehose's ParquetSerDe."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from firehose.local.config.conversion_settings import ParquetSettings
from firehose.local.conversion.hive_footer import with_hive_names

_CODECS = {"SNAPPY": "snappy", "GZIP": "gzip", "UNCOMPRESSED": "none"}
# The format's version determines the name of a dictionary encoding: PLAIN_DICTIONARY in V1, RLE_DICTIONARY in V2.
_VERSIONS: dict[str, dict[str, Any]] = {
    "V1": {"version": "1.0", "data_page_version": "1.0"},
    "V2": {"version": "2.6", "data_page_version": "2.0"},
}
_INT96 = {"use_deprecated_int96_timestamps": True}
# Hive's own INT64 timestamps are microseconds.
_INT64 = {"coerce_timestamps": "us", "allow_truncated_timestamps": True}
# Arrow would end a page at 20,000 rows; Hive's writer goes by the bytes alone.
_ANY_ROWS = 2**62

_MAGIC = b"PAR1"


def parquet_file(rows: pa.Table, settings: ParquetSettings, *, page_index: bool = False) -> bytes:
    """Returns a Parquet file of these rows; a row group is a block of `block_bytes` before compression.

    Timestamps are INT96, the only kind that Hive's own SerDe reads. The root and the levels of lists and maps have
    Hive's names, if the elements of lists are called `array_element`, as a Converter's are. Arrow's schema is left out
    of the metadata: Hive's files have none, and in a small file of events it is a third of the bytes. `page_index` adds
    the statistics of pages, which Firehose does not write.

    Raises:
        ValueError: the name of a column has control characters.
    """
    blocks = -(-rows.nbytes // settings.block_bytes) or 1
    block_rows = max(1, -(-rows.num_rows // blocks))
    row_groups = -(-rows.num_rows // block_rows) or 1
    for statistics in (True, False):
        written = _written(rows, settings, block_rows, statistics=statistics, page_index=page_index)
        length = int.from_bytes(written[-8:-4], "little")
        footer = with_hive_names(bytes(written[-8 - length : -8]), row_groups)
        if footer is not None:
            # The footer, its length in four bytes and the magic end a file.
            return b"".join([written[: -8 - length], footer, len(footer).to_bytes(4, "little"), _MAGIC])
    raise ValueError("the name of a column has control characters, which a Glue table cannot have")


def _written(
    rows: pa.Table, settings: ParquetSettings, block_rows: int, *, statistics: bool, page_index: bool
) -> memoryview:
    # Into a buffer of Arrow's. An event of 110 columns takes 1.7 ms, most of it for the columns' own headers.
    out = pa.BufferOutputStream()
    pq.write_table(
        rows,
        out,
        row_group_size=block_rows,
        compression=_CODECS[settings.compression],
        use_dictionary=settings.dictionary,
        data_page_size=settings.page_bytes,
        max_rows_per_page=_ANY_ROWS,
        use_compliant_nested_type=False,
        store_schema=False,
        write_statistics=statistics,
        write_page_index=statistics and page_index,
        **_VERSIONS[settings.writer_version],
        **(_INT64 if settings.int64_timestamps else _INT96),
    )
    return memoryview(out.getvalue())
