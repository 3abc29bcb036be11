"""`dmd query`: runs SQL over a lake."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from firehose.cli.options import LakeToRead
from firehose.cli.output import check_folder
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.query_source import QuerySource, of_bucket, of_lake, refuse_without_effect
from firehose.cli.result_output import Output, write_results
from firehose.cli.schemas import Schemas, schema_errors
from firehose.lake.query.sql import Dialect
from firehose.local.os_errors import file_named
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import SCHEMAS

HISTORY = Path("~/.dmd_query_history")

app = plain_app()


@app.command(
    epilog=to_paste('dmd query "SELECT eventid, count(*) AS demands FROM demand GROUP BY eventid" --lake .local/lake')
)
def query(  # noqa: PLR0913 - options of a command
    sql: Annotated[
        str | None,
        typer.Argument(
            help="Statements over demand, event, notification, sale and errors, separated by semicolons.",
            metavar="[SQL]",
            show_default=False,
        ),
    ] = None,
    *,
    context: typer.Context,
    lake: LakeToRead = "",
    bucket: Annotated[
        str,
        typer.Option(
            "--bucket",
            metavar="WHERE",
            help="Instead of a lake, the bucket of any delivery stream: s3://bucket, or a folder with --table.",
        ),
    ] = "",
    table: Annotated[
        list[Path] | None,
        typer.Option(
            "--table", metavar="FILE", help="A Glue table over --bucket: a TableInput or GetTable's output. Repeatable."
        ),
    ] = None,
    database: Annotated[
        str, typer.Option("--database", metavar="NAME", help="The Glue database, if --bucket has tables of several.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("-f", help="Read the SQL from this file; - is standard input.", metavar="FILE")
    ] = None,
    output: Annotated[
        Output | None,
        typer.Option(
            "--output",
            help="How to write results. [default: as the name of -o FILE ends, else table]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", help="Write to this file instead of standard output.", metavar="FILE")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="--output csv: null is empty, nested values are JSON.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="--output json: an array, one row a line.")] = False,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="The format of the files to read. [default: parquet if it has any, else avro]",
            show_default=False,
        ),
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="Whose SQL it is.")] = Dialect.ATHENA,
    environment: Annotated[
        str, typer.Option(metavar="ENV", help="The environment whose Glue database SHOW lists.")
    ] = "dev1",
    schemas: Schemas = SCHEMAS,
) -> None:
    """Run Athena's SQL over a lake, with the Glue tables as tables.

    It means what it means in Athena (engine 3). A function or form that cannot mean the same here is refused by name.
    A table without data is empty. A table that is too wide for the terminal is shown a record at a time.

    With --bucket the tables are those that the Glue catalog has there, at AWS or at the endpoint in AWS_ENDPOINT_URL.

    Without SQL, standard input is run; at a terminal a prompt opens, with history and completion of names.
    """
    chosen = _output(output, out, as_csv=as_csv, as_json=as_json)
    if out is not None:
        check_folder(out)
    refuse_without_effect(context, is_bucket=bool(bucket))
    with schema_errors():
        if bucket:
            source = of_bucket(bucket, table or [], database, dialect)
        else:
            source = of_lake(lake, file_format, schemas, dialect, environment)
        text = _sql(sql, file)
        if text is not None:
            with closing(source.run(text)) as results:
                write_results(results, chosen, out)
        elif out is not None:
            raise UserError("-o FILE needs the SQL: as an argument, or in a file with -f")
        else:
            _prompt(source, chosen)


def _output(output: Output | None, out: Path | None, *, as_csv: bool, as_json: bool) -> Output:
    asked = [output, Output.CSV if as_csv else None, Output.JSON if as_json else None]
    chosen = {one for one in asked if one is not None}
    if len(chosen) > 1:
        raise UserError("specify one of --output, --csv and --json, not both")
    return next(iter(chosen), None) or _output_named(out)


def _output_named(out: Path | None) -> Output:
    """Return the form that the name of a file asks for: answer.csv -> CSV, answer.txt -> TABLE."""
    ending = out.suffix.removeprefix(".") if out is not None else ""
    if ending in ("", "txt"):
        return Output.TABLE
    if ending not in list(Output):
        raise UserError(f"{out}: .{ending} names no form of results: choose one with --output ({', '.join(Output)})")
    return Output(ending)


def _sql(sql: str | None, file: Path | None) -> str | None:
    """Return the SQL to run, or None where it is to be asked for at the terminal."""
    if sql is not None and file is not None:
        raise UserError("specify either the SQL or -f FILE, not both")
    if sql is not None:
        return sql
    if file is None and sys.stdin.isatty() and sys.stdout.isatty():
        return None
    if file is None or file == Path("-"):
        return sys.stdin.read()
    try:
        with file_named(file):
            return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text in UTF-8") from None


def _prompt(source: QuerySource, output: Output) -> None:
    from firehose.cli.query_prompt import read_statements  # noqa: PLC0415 - 0.1 s, of the prompt alone

    for statements in read_statements(source.row_types(), HISTORY.expanduser()):
        try:
            with closing(source.run(statements)) as results:
                write_results(results, output, None)
        except UserError as error:
            typer.echo(str(error), err=True)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
