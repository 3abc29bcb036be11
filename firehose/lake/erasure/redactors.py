"""The redactors of a lake: which one redacts an object is a matter of its key."""

from collections.abc import Mapping
from pathlib import Path

from firehose.lake.erasure.avro_rows import AvroRows
from firehose.lake.erasure.error_records import ErrorRecords
from firehose.lake.erasure.parquet_rows import ParquetRows
from firehose.lake.erasure.redaction import Redactor
from glue.layout import ERRORS, Format, type_prefix
from glue.model import pii_names
from glue.schema import load


def redactors(schemas: Path, emptied: Mapping[str, frozenset[str]]) -> dict[str, Redactor]:
    """Return what redacts the objects below each prefix of a lake that may hold a subject's personal data."""
    types = load(schemas)
    errors = ErrorRecords(pii_names(types), emptied)
    found: dict[str, Redactor] = {ERRORS: errors}
    for name, record_type in types.items():
        if record_type.subject is not None:
            found[type_prefix(Format.PARQUET, name)] = ParquetRows(record_type)
            found[type_prefix(Format.AVRO, name)] = AvroRows(record_type)
    return found
