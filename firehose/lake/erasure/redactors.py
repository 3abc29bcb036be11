"""The redactors of a lake: which one redacts an object is a matter of its key."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from firehose.lake.erasure.arrow_rows import ArrowRows
from firehose.lake.erasure.avro_rows import AvroRows
from firehose.lake.erasure.error_records import ErrorRecords
from firehose.lake.erasure.iceberg_files import IcebergFiles
from firehose.lake.erasure.parquet_rows import ParquetRows
from firehose.lake.erasure.redaction import Redactor
from glue.layout import ERRORS, Format, iceberg_tables, type_prefix
from glue.model import RecordType, pii_names
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
    for table, record_type in tables_of_subjects(types):
        found[type_prefix(Format.ICEBERG, table)] = IcebergFiles(record_type)
    return found


def tables_of_subjects(types: Mapping[str, RecordType]) -> Iterator[tuple[str, RecordType]]:
    """Yield each Iceberg table that a lake may have of types with a subject, and the type of its rows."""
    for name, record_type in types.items():
        if record_type.subject is not None:
            for table in iceberg_tables(name):
                yield table, record_type


def table_rows(types: Mapping[str, RecordType]) -> dict[str, ArrowRows]:
    """Return what redacts the rows of each of these tables."""
    return {table: ArrowRows(record_type) for table, record_type in tables_of_subjects(types)}
