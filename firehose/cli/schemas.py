"""The record types that a command works with: `--schemas` and `--type`."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from firehose.local.user_error import UserError
from glue.model import RecordType, SchemaError
from glue.schema import load

Schemas = Annotated[
    Path,
    typer.Option(
        "--schemas", help="The folder of <type>.avsc files; ours by default.", metavar="FOLDER", show_default=False
    ),
]


def load_types(schemas: Path) -> dict[str, RecordType]:
    """Return the record types of a folder of schemas.

    Raises:
        UserError: a schema is invalid.
    """
    with schema_errors():
        return load(schemas)


@contextmanager
def schema_errors() -> Iterator[None]:
    """Raise an error in a schema as a user error."""
    try:
        yield
    except SchemaError as error:
        raise UserError(str(error)) from error


def check_types(names: Collection[str], types: Collection[str]) -> None:
    """Refuse names of unknown record types.

    Raises:
        UserError: `unknown record type 'x' (choose from demand, event, ...)`.
    """
    for name in names:
        if name not in types:
            raise UserError(f"unknown record type '{name}' (choose from {', '.join(sorted(types))})")
