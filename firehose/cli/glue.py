"""`dmd glue`: what is made from the schemas, and whether they may change so."""

import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from firehose.local.user_error import UserError
from glue import build as generate
from glue.ddl import create_table
from glue.evolution import breaking
from glue.layout import Format
from glue.model import RecordType, SchemaError
from glue.schema import SCHEMAS, load
from glue.tables import table_inputs, with_bucket

app = typer.Typer(
    help="What is made from the schemas: Glue tables, views, DDL, the data dictionary.",
    epilog="dmd glue check --against HEAD",
    no_args_is_help=True,
)

Schemas = Annotated[
    Path,
    typer.Option(
        "--schemas", help="The folder of <type>.avsc files; ours by default.", metavar="FOLDER", show_default=False
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Where glue/tables/ and docs/ are; the project's own by default.", metavar="FOLDER"),
]


@app.command(epilog="dmd glue build")
def build(schemas: Schemas = SCHEMAS, out: Out = None) -> None:
    """Writes the generated files: glue/tables/<type>.json, glue/athena/* and docs/data-dictionary.md."""
    project = _project(schemas, out)
    try:
        changed = generate.build(schemas, project)
    except SchemaError as error:
        raise UserError(str(error)) from error
    for path, how in changed.items():
        typer.echo(f"{'removed' if how == generate.STALE else 'written'}  {path}")
    if not changed:
        typer.echo("nothing to do: the generated files are those of the schemas", err=True)


@app.command(epilog="dmd glue check --against HEAD")
def check(
    against: Annotated[
        str | None,
        typer.Option("--against", help="Older schemas: a folder, or a git revision.", metavar="FOLDER|REVISION"),
    ] = None,
    schemas: Schemas = SCHEMAS,
    out: Out = None,
) -> None:
    """Refuses generated files that are not the schemas' (drift), and changes of the schemas that break a reader.

    Exits 1 when it refuses something. A folder is taken before a revision of the same name.
    """
    try:
        drifted = generate.drift(schemas, _project(schemas, out))
        refused = breaking(_older(against, schemas), load(schemas)) if against is not None else []
    except SchemaError as error:
        raise UserError(str(error)) from error
    for path, how in drifted.items():
        typer.echo(f"{path}: {how}: run dmd glue build")
    for refusal in refused:
        typer.echo(str(refusal))
    if drifted or refused:
        raise typer.Exit(1)
    typer.echo("nothing refused", err=True)


@app.command(epilog="dmd glue ddl demand --bucket prd3292.dev1.us-east-1.demand-capture.tmaws")
def ddl(
    types: Annotated[list[str] | None, typer.Argument(help="Tables; all by default.", metavar="[TYPE]...")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Which files the tables are over.")] = Format.PARQUET,
    bucket: Annotated[str | None, typer.Option("--bucket", help="The bucket; ${bucket} stays otherwise.")] = None,
    database: Annotated[str | None, typer.Option("--database", help="The Glue database.")] = None,
    schemas: Schemas = SCHEMAS,
) -> None:
    """Prints CREATE EXTERNAL TABLE statements for Athena."""
    try:
        tables = table_inputs(load(schemas))
    except SchemaError as error:
        raise UserError(str(error)) from error
    for name in types or sorted(tables):
        if name not in tables:
            raise UserError(f"there is no table {name}: the tables are {', '.join(sorted(tables))}")
        formats = tables[name]
        table = formats.get(file_format) or formats["json"]
        typer.echo(create_table(with_bucket(table, bucket) if bucket else table, database) + "\n")


def _project(schemas: Path, out: Path | None) -> Path:
    """The folder that the generated files lie in. Other schemas than ours may not overwrite ours."""
    if out is None and schemas.resolve() != SCHEMAS.resolve():
        raise UserError("say with --out where the generated files of these schemas are")
    return out or generate.PROJECT


def _older(against: str, schemas: Path) -> dict[str, RecordType]:
    try:
        return load(Path(against)) if against and Path(against).is_dir() else _at_revision(against, schemas)
    except SchemaError as error:
        raise UserError(f"the schemas of {against}: {error}") from error


def _at_revision(revision: str, schemas: Path) -> dict[str, RecordType]:
    """The schemas as they stood in the folder's git repository."""
    commit = _git(schemas, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    names = _git(schemas, revision, "ls-tree", "--name-only", "-z", commit.decode().strip()).decode().split("\0")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            if name.endswith(".avsc"):
                text = _git(schemas, revision, "show", f"{commit.decode().strip()}:./{name}")
                Path(folder, name).write_bytes(text)
        if not any(Path(folder).iterdir()):
            raise UserError(f"there are no schemas in {revision}")
        return load(Path(folder))


def _git(folder: Path, revision: str, *arguments: str) -> bytes:
    try:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603
    except FileNotFoundError as error:
        raise UserError("git is not installed: give --against a folder") from error
    except subprocess.CalledProcessError as error:
        raise UserError(f"{revision} is neither a folder nor a git revision with these schemas") from error
