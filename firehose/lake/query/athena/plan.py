"""Athena's SQL over the tables of a lake: what DuckDB runs, and which tables it reads."""

from collections.abc import Mapping

from firehose.lake.query.athena.catalog import catalog
from firehose.lake.query.athena.statement import translate
from firehose.lake.query.athena.types import Type
from firehose.lake.query.translation import Translation
from firehose.pipeline.names import Names
from glue.layout import FILE_FORMATS, Format
from glue.model import RecordType
from glue.tables import TableInput, table_inputs, with_bucket
from glue.views import view_inputs


def plan(
    sql: str,
    table_inputs: Mapping[str, TableInput],
    types: Mapping[str, RecordType],
    environment: str,
    file_format: Format,
) -> Translation:
    """Return what DuckDB runs.

    The views are those of the record types.

    The tables are listed under the database of an environment and a mode, though those of any other answer, too.

    Raises:
        UserError: the SQL is not Athena's, or it cannot mean the same here.
    """
    names = Names(environment)
    located = {name: with_bucket(one, names.bucket) for name, one in table_inputs.items()}
    versioned = file_format not in FILE_FORMATS
    return translate(sql, catalog(located, view_inputs(types), names.database(file_format), versioned=versioned))


def row_types(types: Mapping[str, RecordType]) -> dict[str, Type]:
    """Return the rows of the tables and views of record types: {"sale": row(type varchar, ...), "latest_sale": ...}."""
    inputs = {name: next(iter(formats.values())) for name, formats in table_inputs(types).items()}
    return catalog(inputs, view_inputs(types), "").row_types
