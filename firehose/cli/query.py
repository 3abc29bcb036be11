"""`dmd query`: SQL over a lake."""

import csv
import sys
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.text import Text

from firehose.cli.shown import plain_table, print_rich
from firehose.local.user_error import UserError
from glue.layout import Format

if TYPE_CHECKING:
    from firehose.lake.query.tables import Answer

EXAMPLE = 'dmd query "SELECT eventid, count(*) AS demands FROM demand GROUP BY eventid" --lake .local/lake'


def query(
    sql: Annotated[str, typer.Argument(help="SQL over demand, event, notification, sale and errors.")],
    lake: Annotated[str, typer.Option("--lake", help="A folder, or s3://bucket.", metavar="LAKE")],
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; null is empty.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, a row a line.")] = False,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format", help="Which files to ask: Parquet where there are any, else Avro.", show_default=False
        ),
    ] = None,
) -> None:
    """SQL over a lake, with the Glue tables as tables.

    Names are lower case and partition_date is a string, as in Athena. A table that has no data yet is empty.
    """
    if as_csv and as_json:
        raise UserError("say --csv or --json, not both")
    from firehose.lake.query.tables import query as ask  # noqa: PLC0415 - duckdb costs 0.15 s, which other commands need not wait for

    answer = ask(sql, lake, file_format=file_format)
    if as_csv:
        print_csv(answer)
    elif as_json:
        print_json(answer)
    else:
        print_table(answer)


def print_table(answer: "Answer") -> None:
    """The answer for people; numbers stand to the right."""
    table = plain_table()
    for position, name in enumerate(answer.columns):
        numbers = all(isinstance(row[position], int | float | Decimal | None) for row in answer.rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in answer.rows:
        # Text, because "[redacted]" would be rich's markup.
        table.add_row(*(Text(_printable(_text(value, null="null"))) for value in row))
    print_rich(table)


def print_csv(answer: "Answer") -> None:
    """The answer as CSV, nested values as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([_text(value, null="") for value in row] for row in answer.rows)


def print_json(answer: "Answer") -> None:
    """The answer as a JSON array, a row a line. A column name that comes twice gets a number: a, a_2."""
    names = _unique(answer.columns)
    lines = (_json(dict(zip(names, row, strict=True))) for row in answer.rows)
    sys.stdout.write("[" + ",\n ".join(lines) + "]\n")


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
    """A value as one text: 2025-01-01 10:00:00.123, true, {"id":"x"}."""
    if value is None:
        return null
    plain = _plain(value)
    return plain if isinstance(plain, str) else _json(plain)


def _json(value: Any) -> str:
    return _ENCODE(_plain(value)).decode()


_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def _plain(value: Any) -> Any:
    """A value of JSON's kinds. Times are written as Athena writes them, to the millisecond where that is exact."""
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
    """The text on one line, without what would steer a terminal: a line break becomes backslash n."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
