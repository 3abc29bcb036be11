"""`dmd report`: shows a lake on one page."""

from pathlib import Path
from typing import Annotated

import typer

from firehose.cli.options import LakeToRead
from firehose.cli.output import check_folder
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, schema_errors
from firehose.local.private_files import write_file
from glue.layout import Format
from glue.schema import SCHEMAS

app = plain_app()


@app.command(epilog=to_paste("dmd report --lake .local/lake -o report.html"))
def report(
    lake: LakeToRead,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.", metavar="FILE")],
    *,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="The format whose rows are counted. [default: parquet if the lake has any, else avro]",
            show_default=False,
        ),
    ] = None,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Write a page that shows a lake: rows, dates, age, failures, files, deletions, drift and replays.

    It is one file that a browser opens without a network and without scripts. It has counts, names and paths, never a
    value of a record.
    """
    from firehose.lake.report.figures import read_figures  # noqa: PLC0415 - duckdb, which --help need not wait for
    from firehose.lake.report.page import page  # noqa: PLC0415

    check_folder(output)
    with schema_errors():
        figures = read_figures(lake, file_format, schemas)
    body = page(figures).encode()
    write_file(output, body)
    typer.echo(f"{output}: {sum(one.rows for one in figures.rows):,} rows on a page of {len(body):,} bytes", err=True)
