"""`dmd iceberg`: makes and evolves the Iceberg tables from the schemas, in a folder's catalog or in Glue."""

from typing import Annotated

import msgspec
import typer

from firehose.cli.options import either
from firehose.cli.output import print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, load_types
from firehose.cli.text_table import print_table, text_table
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.schema import SCHEMAS

app = plain_app(no_args_is_help=True, epilog=to_paste("dmd iceberg tables --lake .local/lake"))


@app.callback()
def iceberg() -> None:
    """Make and evolve the Iceberg tables from the schemas. Experimental until compared with AWS (docs/modes.md)."""


@app.command(epilog=to_paste("dmd iceberg tables --lake .local/lake --dry-run"))
def tables(
    *,
    lake: Annotated[str, typer.Option("--lake", help="The tables of a lake in this folder.", metavar="FOLDER")] = "",
    glue: Annotated[
        bool, typer.Option("--glue", help="The tables of an environment, in AWS Glue, or at AWS_ENDPOINT_URL.")
    ] = False,
    environment: Annotated[
        str, typer.Option("--environment", help="The environment, with --glue.", metavar="ENV")
    ] = "",
    moved: Annotated[
        bool, typer.Option("--moved", help="Also correct the paths in the tables' metadata: the folder was moved.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Make the Iceberg tables that are missing, and bring the others to their schemas.

    A table evolves by name: a column that a schema has gained is added with a new field id, and ids are never reused.
    What would break a table's readers is refused, as by dmd glue check. Doing it again changes nothing.

    On AWS, make a new type's table before you deploy the type: until then its rows go to the error output.

    Exits with 1 if a table is refused; the others are done.
    """
    either("--lake", lake, "--glue", "yes" if glue else "")
    types = load_types(schemas)
    if glue:
        if not environment:
            raise UserError("specify the environment with --environment: dev1, for example, or test for that of dmd up")
        if moved:
            raise UserError("--moved is for a folder: the paths of tables in Glue do not change")
    elif lake.startswith(S3):
        raise UserError("the tables of a bucket are in Glue: specify --glue and --environment")
    # PyIceberg takes 0.7 s, and is an extra.
    from firehose.lake.iceberg.catalogs import folder_tables, glue_tables  # noqa: PLC0415

    if moved:
        from firehose.lake.iceberg.moved import move_tables  # noqa: PLC0415

        count = move_tables(lake, dry_run=dry_run)
        typer.echo(f"{'would correct' if dry_run else 'corrected'} the paths in {count} metadata files", err=True)
        if dry_run and count:
            return
    place = glue_tables(environment) if glue else folder_tables(lake, make=True)
    from firehose.pipeline.iceberg_tables import make_tables, refusals  # noqa: PLC0415

    outcomes = make_tables(place, types, dry_run=dry_run)
    if as_json:
        print_line(msgspec.json.encode(outcomes).decode())
    else:
        rows = [(one.table, one.state.value, "; ".join(one.details)) for one in outcomes]
        print_table(text_table(["table", "would be" if dry_run else "is", "details"], rows))
    raise typer.Exit(1 if refusals(outcomes) else 0)
