"""`dmd iceberg`: makes and evolves the Iceberg tables from the schemas, and brings the current ones up to date."""

import json
from typing import Annotated

import msgspec
import typer

from firehose.cli.options import HELP, duration, either
from firehose.cli.output import print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, check_types, load_types
from firehose.cli.text_table import print_table, text_table
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.merge import merge_sql, seconds_ago
from glue.schema import SCHEMAS

app = plain_app(no_args_is_help=True, epilog=to_paste("dmd iceberg tables --lake .local/lake"))


@app.callback()
def iceberg() -> None:
    """Make Iceberg tables, and merge changes into the current ones. Experimental until compared with AWS."""


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

    Of each type there are two: the history of its changes, and sale_current and the like, which dmd iceberg merge
    brings up to date. A table evolves by name: a column that a schema has gained is added with a new field id, and ids
    are never reused. What would break a table's readers is refused, as by dmd glue check. Doing it again changes
    nothing.

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
    from glue.iceberg import current, history  # noqa: PLC0415

    outcomes = make_tables(place, types, (history, current), dry_run=dry_run)
    if as_json:
        print_line(msgspec.json.encode(outcomes).decode())
    else:
        rows = [(one.table, one.state.value, "; ".join(one.details)) for one in outcomes]
        print_table(text_table(["table", "would be" if dry_run else "is", "details"], rows))
    raise typer.Exit(1 if refusals(outcomes) else 0)


@app.command(epilog=to_paste("dmd iceberg merge --full --lake .local/lake"))
def merge(
    *,
    lake: Annotated[str, typer.Option("--lake", help=f"{HELP} Not with --sql.", metavar="LAKE")] = "",
    window: Annotated[
        str, typer.Option("--window", help="Merge the changes of this last time: 1h.", metavar="DURATION")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Merge all of history.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--type", help="Only this record type. Repeatable.", metavar="TYPE")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements for Athena; run nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts, or the statements, as JSON.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Bring the current tables up to date with the history: the newest row of each entity, deletions redacted.

    Changes are compared by their own time, so whatever their order, duplicates and earlier runs, a full merge leaves
    the newest row of each entity. A window reads the changes made in it and misses those that came later than that: run
    --full once a day, and after each replay and backfill. Doing it again changes nothing.

    On AWS, Athena runs the same by MERGE: Terraform's `iceberg.merge` is the schedule, and --sql prints the statements;
    with --json as the input of its state machine. One process at a time may write a current table; the others fail.
    """
    either("--window", window, "--full", "yes" if full else "")
    types = load_types(schemas)
    check_types(only or [], types)
    chosen = {name: types[name] for name in only or types}
    since = None if full else seconds_ago(int(duration(window).total_seconds()))
    if sql:
        _print_statements([merge_sql(one, since) for one in chosen.values()], full=full, as_json=as_json)
        return
    if not lake:
        raise UserError("specify the lake with --lake, or --sql for the statements")
    # PyIceberg takes 0.7 s, and is an extra.
    from firehose.lake.iceberg.catalogs import lake_tables  # noqa: PLC0415

    place = lake_tables(lake)
    from firehose.lake.iceberg.merging import merge as merge_tables  # noqa: PLC0415

    merged = merge_tables(place, lake, schemas, chosen, since)
    if as_json:
        print_line(msgspec.json.encode(merged).decode())
    else:
        rows = [(one.table, f"{one.inserted:,}", f"{one.replaced:,}") for one in merged]
        print_table(text_table(["table", "inserted", "replaced"], rows))


def _print_statements(statements: list[str], *, full: bool, as_json: bool) -> None:
    """Print statements, or as the input of Terraform's state machine: {"full": true, "statements": [...]}."""
    if as_json:
        print_line(json.dumps({"full": full, "statements": statements}))
    else:
        print_line("\n\n".join(f"{one};" for one in statements))
