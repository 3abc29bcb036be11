"""`dmd query`: runs SQL over a lake."""

import csv
import sys
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer

from firehose.cli.options import Lake
from firehose.cli.output import print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, schema_errors
from firehose.cli.text_table import print_table, text_table
from firehose.lake.query.sql import Answer, Dialect
from firehose.lake.query.sql import query as run_query
from firehose.local.os_errors import file_named
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import SCHEMAS

app = plain_app()


@app.command(
    epilog=to_paste('dmd query "SELECT eventid, count(*) AS demands FROM demand GROUP BY eventid" --lake .local/lake')
)
def query(
    sql: Annotated[
        str, typer.Argument(help="A query over demand, event, notification, sale and errors.", metavar="SQL")
    ],
    lake: Lake,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; null is empty.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one row a line.")] = False,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="The format of the files to read. [default: parquet if it has any, else avro]",
            show_default=False,
        ),
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="Whose SQL it is.")] = Dialect.ATHENA,
    environment: Annotated[str, typer.Option(help="The environment whose Glue database SHOW lists.")] = "dev1",
    schemas: Schemas = SCHEMAS,
) -> None:
    """Run Athena's SQL over a lake, with the Glue tables as tables.

    It means what it means in Athena (engine 3). A function or form that cannot mean the same here is refused by name.
    A table without data is empty.
    """
    if as_csv and as_json:
        raise UserError("specify either --csv or --json, not both")
    with schema_errors():
        answer = run_query(
            sql, lake, file_format=file_format, schemas=schemas, dialect=dialect, environment=environment
        )
    if as_csv:
        print_csv(answer)
    elif as_json:
        print_json(answer)
    else:
        print_text(answer)


def print_text(answer: Answer) -> None:
    """Print the answer as a table; columns of numbers are aligned right."""
    numbers = [
        position
        for position in range(len(answer.columns))
        if all(isinstance(row[position], int | float | Decimal | None) for row in answer.rows)
    ]
    rows = ([_printable(_text(value, null="null")) for value in row] for row in answer.rows)
    print_table(text_table(answer.columns, rows, right=numbers))


def print_csv(answer: Answer) -> None:
    """Print the answer as CSV, nested values as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    with file_named("standard output"):
        writer.writerow(answer.columns)
        writer.writerows([_text(value, null="") for value in row] for row in answer.rows)


def print_json(answer: Answer) -> None:
    """Print the answer as a JSON array, one row a line. A column name that occurs twice gets a number: a, a_2."""
    names = _unique(answer.columns)
    lines = (_json(dict(zip(names, row, strict=True))) for row in answer.rows)
    print_line("[" + ",\n ".join(lines) + "]")


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = 1
        unique = name
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found


def _text(value: Any, null: str) -> str:
    """Return a value as text: 2025-01-01 10:00:00.123, true, {"id":"x"}."""
    if value is None:
        return null
    plain = _plain(value)
    return plain if isinstance(plain, str) else _json(plain)


def _json(value: Any) -> str:
    return _ENCODE(_plain(value)).decode()


_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. Times are written as Athena writes them, to the millisecond if that is exact."""
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds" if value.microsecond % 1000 else "milliseconds")
    return (
        value if isinstance(value, str | int | float | Decimal | None) else msgspec.to_builtins(value, builtin_types=())
    )


def _printable(text: str) -> str:
    """Return the text on one line, control characters escaped: a line break becomes backslash n."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
