"""`dmd glue`: generates files from the schemas, and checks whether a change of them breaks a reader."""

import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from firehose.cli.output import print_line
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, schema_errors
from firehose.lake.opening import need_files
from firehose.local.user_error import UserError
from glue import build as generate
from glue.ddl import create_table
from glue.docs import copied_docs
from glue.evolution import breaking
from glue.layout import Format
from glue.model import RecordType, SchemaError
from glue.schema import SCHEMAS, load
from glue.tables import table_inputs, with_bucket

app = plain_app(no_args_is_help=True, epilog=to_paste("dmd glue check --against HEAD"))

Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="The folder that holds glue/tables/ and docs/; the project's by default.", metavar="FOLDER"
    ),
]


@app.callback()
def glue() -> None:
    """Generate tables, views and DDL from the schemas, and check changes of them."""


@app.command(epilog=to_paste("dmd glue build"))
def build(schemas: Schemas = SCHEMAS, out: Out = None) -> None:
    """Write the files that are generated from the schemas.

    They are glue/tables/<type>.json, glue/athena/* and docs/data-dictionary.md.
    """
    project = _project(schemas, out)
    with schema_errors():
        changed = generate.build(schemas, project)
        _say_copied_docs(schemas)
    for path, how in changed.items():
        print_line(f"{'removed' if how == generate.STALE else 'written'}  {path}")
    if not changed:
        typer.echo("nothing to do: the generated files match the schemas", err=True)


@app.command(epilog=to_paste("dmd glue check --against HEAD"))
def check(
    against: Annotated[
        str | None,
        typer.Option("--against", help="The older schemas: a folder, or a git revision.", metavar="FOLDER|REVISION"),
    ] = None,
    schemas: Schemas = SCHEMAS,
    out: Out = None,
) -> None:
    """Check the generated files, and changes of the schemas.

    Refuses files that do not match the schemas, and with --against changes that break a reader of the tables. Exits
    with 1 if it refuses something. If a folder and a revision have the same name, the folder is used.
    """
    with schema_errors():
        drifted = generate.drift(schemas, _project(schemas, out))
        _say_copied_docs(schemas)
        refused = breaking(_older(against, schemas), load(schemas)) if against is not None else []
    for path, how in drifted.items():
        print_line(f"{path}: {how}: run dmd glue build")
    for refusal in refused:
        print_line(str(refusal))
    if drifted or refused:
        raise typer.Exit(1)
    typer.echo("nothing refused", err=True)


@app.command(epilog=to_paste("dmd glue ddl demand --bucket prd3292.dev1.us-east-1.demand-capture.tmaws"))
def ddl(
    types: Annotated[list[str] | None, typer.Argument(help="The tables; all by default.", metavar="[TYPE]...")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="The format of the tables' files.")] = Format.PARQUET,
    bucket: Annotated[
        str | None, typer.Option("--bucket", metavar="BUCKET", help="The bucket; by default the DDL says ${bucket}.")
    ] = None,
    database: Annotated[str | None, typer.Option("--database", metavar="NAME", help="The Glue database.")] = None,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Print CREATE EXTERNAL TABLE statements for Athena."""
    need_files(file_format, "dmd glue ddl", "dmd iceberg tables makes them")
    with schema_errors():
        tables = table_inputs(load(schemas))
    for name in types or sorted(tables):
        if name not in tables:
            raise UserError(f"unknown table '{name}' (choose from {', '.join(sorted(tables))})")
        formats = tables[name]
        table = formats.get(file_format) or formats["json"]
        print_line(create_table(with_bucket(table, bucket) if bucket else table, database) + "\n")


def _say_copied_docs(schemas: Path) -> None:
    for copied in copied_docs(load(schemas)):
        typer.echo(copied, err=True)


def _project(schemas: Path, out: Path | None) -> Path:
    """Return the folder of the generated files.

    Files of other schemas must not overwrite ours, and an installed package is not the place to change schemas.
    """
    if out is not None:
        return out
    if schemas.resolve() != SCHEMAS.resolve():
        raise UserError("these are not the project's schemas: specify the folder of their generated files with --out")
    if not generate.is_checkout():
        raise UserError(
            f"{generate.PROJECT} is an installed package, not a checkout of the project: run this in a checkout, or "
            "specify the folder of the generated files with --out"
        )
    return generate.PROJECT


def _older(against: str, schemas: Path) -> dict[str, RecordType]:
    try:
        return load(Path(against), older=True) if against and Path(against).is_dir() else _at_revision(against, schemas)
    except SchemaError as error:
        raise UserError(f"the schemas of {against}: {error}") from error


def _at_revision(revision: str, schemas: Path) -> dict[str, RecordType]:
    """Return the schemas as they stood in the folder's git repository."""
    commit = _git(schemas, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    names = _git(schemas, revision, "ls-tree", "--name-only", "-z", commit.decode().strip()).decode().split("\0")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            if name.endswith(".avsc"):
                text = _git(schemas, revision, "show", f"{commit.decode().strip()}:./{name}")
                Path(folder, name).write_bytes(text)
        if not any(Path(folder).iterdir()):
            raise UserError(f"no schemas in {revision}")
        return load(Path(folder), older=True)


def _git(folder: Path, revision: str, *arguments: str) -> bytes:
    try:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603
    except FileNotFoundError as error:
        raise UserError("git not found: specify a folder with --against") from error
    except subprocess.CalledProcessError as error:
        raise UserError(f"{revision} is neither a folder nor a git revision with these schemas") from error
