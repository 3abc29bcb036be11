"""The source that `dmd query` runs SQL over: a lake, or the bucket of any delivery stream."""

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from typer import Context

from firehose.cli.schemas import load_types
from firehose.lake.query.result import Result
from firehose.lake.query.sql import Dialect
from firehose.lake.query.sql import results as results_of_lake
from firehose.local.user_error import UserError
from glue.layout import Format

if TYPE_CHECKING:
    from firehose.lake.query.athena.types import Type

# The options of one source, which the other has no use for.
_OF_LAKE = {"lake": "--lake", "file_format": "--format", "environment": "--environment", "schemas": "--schemas"}
_OF_BUCKET = {"table": "--table", "database": "--database"}


class QuerySource(NamedTuple):
    """Runs statements and yields their results; returns the row types of the tables, for the prompt."""

    run: Callable[[str], Generator[Result]]
    row_types: "Callable[[], Mapping[str, Type]]"


def of_lake(lake: str, file_format: Format | None, schemas: Path, dialect: Dialect, environment: str) -> QuerySource:
    """Return a lake."""
    if not lake:
        raise UserError("specify the lake with --lake, or the bucket of any delivery stream with --bucket")
    run = partial(
        results_of_lake, lake=lake, file_format=file_format, schemas=schemas, dialect=dialect, environment=environment
    )
    return QuerySource(run, partial(_types_of_schemas, schemas))


def of_bucket(where: str, tables: Sequence[Path], database: str, dialect: Dialect) -> QuerySource:
    """Return the tables over a bucket."""
    from firehose.lake.query.bucket_tables import open_tables, results  # noqa: PLC0415 - pyarrow, sqlglot: 0.2 s

    opened = open_tables(where, tables, database)
    return QuerySource(partial(results, opened=opened, dialect=dialect), lambda: opened.catalog.row_types)


def refuse_without_effect(context: Context, *, is_bucket: bool) -> None:
    """Refuse the options of the other source, rather than ignore them. DMD_LAKE gives way to --bucket.

    Raises:
        UserError: an option has no effect.
    """
    for name, option in (_OF_LAKE if is_bucket else _OF_BUCKET).items():
        given = context.get_parameter_source(name)
        if given and given.name == "COMMANDLINE":
            raise UserError(f"{option} has no effect {'with' if is_bucket else 'without'} --bucket: leave it out")


def _types_of_schemas(schemas: Path) -> "Mapping[str, Type]":
    from firehose.lake.query.athena.plan import row_types  # noqa: PLC0415 - sqlglot: 0.1 s

    return row_types(load_types(schemas))
