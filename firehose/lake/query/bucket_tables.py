"""SQL over the bucket of anybody's delivery stream: its tables are those that a Glue catalog, or a file, declares.

The lake of this pipeline needs none of it: its tables are made from its schemas (sql.py).
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from firehose.lake.objects import BucketLake, FolderLake, Lake, StoredObject
from firehose.lake.query.athena.catalog import Catalog, catalog
from firehose.lake.query.athena.split import split
from firehose.lake.query.athena.statement import translate
from firehose.lake.query.result import Result, Scan, results_of
from firehose.lake.query.sql import SETTINGS, Dialect, own_sql
from firehose.lake.query.tables import ParquetTable, register, table_schema
from firehose.local.aws_errors import as_user_errors
from firehose.local.config.members import SettingError
from firehose.local.config.table import read_table
from firehose.local.os_errors import file_named
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue import arrow, hive
from glue.tables import TableInput

_PARQUET = "parquet"


class BucketTables(NamedTuple):
    """The objects of a bucket and the tables over them, by name, of one Glue database."""

    lake: Lake
    tables: Mapping[str, TableInput]
    database: str

    @property
    def catalog(self) -> Catalog:
        """The tables as Athena's SQL names them."""
        return catalog(self.tables, {}, self.database)


def open_tables(where: str, files: Sequence[Path], database: str) -> BucketTables:
    """Return the tables over the bucket in a folder or in `s3://bucket`.

    They are those of `files`, each a TableInput or an answer of GetTable; without files those of the Glue catalog, for
    s3:// alone, that lie in the bucket. `database` chooses the Glue database, "" if there is only one.

    Raises:
        UserError: the bucket has no tables, or tables of several databases; a table is not of Parquet files.
    """
    bucket = where.removeprefix(S3).rstrip("/") if where.startswith(S3) else ""
    if not bucket and not Path(where).is_dir():
        raise UserError(f"no such bucket: {where} is not a folder")
    if not bucket and not files:
        raise UserError(f"{where} is a folder, which no Glue catalog knows: specify its tables with --table FILE")
    found = [_of_file(path) for path in files] if files else list(_of_glue(bucket))
    if database:
        found = [table for table in found if _database(table) == database]
    databases = sorted({_database(table) for table in found})
    if not databases:
        raise UserError(f"no Glue table{' of ' + database if database else ''} lies in {where}")
    if len(databases) > 1:
        raise UserError(f"the tables of {where} are in {' and '.join(databases)}: choose one with --database")
    lake = BucketLake(bucket) if bucket else FolderLake(Path(where))
    return BucketTables(lake, {str(table["Name"]).lower(): table for table in found}, databases[0])


def results(sql: str, opened: BucketTables, dialect: Dialect = Dialect.ATHENA) -> Generator[Result]:
    """Run the statements of SQL, and yield the result of each; read it before you ask for the next one.

    Raises:
        UserError: the SQL is refused, or a file does not match its table.
    """
    for statement in split(sql) if dialect is Dialect.ATHENA else [sql]:
        if dialect is Dialect.ATHENA:
            translation = translate(statement, opened.catalog)
        else:
            translation = own_sql(statement, opened.tables, {})
        with duckdb.connect(config=SETTINGS) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            scan = Scan()
            for name in translation.tables:
                table = _dataset(
                    opened.tables[name], opened.lake, scan.errors.append, with_hidden=translation.wants_path
                )
                scan.tables.append(table)
                register(connection, name, table)
            yield from results_of(connection, translation.statements, scan, own=dialect is Dialect.DUCKDB)


def _database(table: TableInput) -> str:
    return str(table.get("DatabaseName", "default"))


def _of_file(path: Path) -> TableInput:
    try:
        with file_named(path):
            return _checked(read_table(json.loads(path.read_bytes())))
    except SettingError as error:
        raise UserError(f"{path}: {error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from error


def _of_glue(bucket: str) -> Iterator[TableInput]:
    """Yield the tables of all databases whose rows lie in a bucket."""
    import boto3  # noqa: PLC0415 - costs 0.3 s, which a folder need not wait for

    with as_user_errors("the Glue catalog", "read"):
        glue = boto3.client("glue")
        for page in glue.get_paginator("get_databases").paginate():
            for database in page["DatabaseList"]:
                for tables in glue.get_paginator("get_tables").paginate(DatabaseName=database["Name"]):
                    yield from (_checked(one) for one in tables["TableList"] if _location(one)[0] == bucket)


def _location(table: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bucket and prefix of a table: "s3://lake/orders" -> ("lake", "orders/")."""
    location = str(table.get("StorageDescriptor", {}).get("Location", ""))
    bucket, _, prefix = location.removeprefix(S3).partition("/")
    return bucket, f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""


def _checked(table: TableInput) -> TableInput:
    """Return a table whose rows can be found; whether they can be read is seen when it is queried."""
    if not _location(table)[0]:
        raise UserError(f"the table {table['Name']} has no StorageDescriptor.Location: s3://BUCKET/PREFIX of its rows")
    return table


def _dataset(table: TableInput, lake: Lake, on_error: Callable[[UserError], None], *, with_hidden: bool) -> Any:
    descriptor, parameters = table["StorageDescriptor"], table.get("Parameters") or {}
    formats = (parameters.get("classification", ""), descriptor.get("InputFormat", ""))
    if any(formats) and not any(_PARQUET in name.lower() for name in formats):
        raise UserError(f"the table {table['Name']} is not of Parquet files, and no others are read here")
    keys = _keys(table)
    try:
        columns = arrow.schema(table)
    except (hive.HiveTypeError, ValueError) as error:
        raise UserError(f"the table {table['Name']}: {error}") from error
    schema = table_schema(columns, keys, with_hidden=with_hidden)
    files = _partitions(lake, _location(table)[1], keys)
    return ParquetTable(files, lake, schema, on_error) if files else schema.empty_table()


def _keys(table: TableInput) -> pa.Schema:
    """Return the partition keys of a table."""
    return pa.schema(
        [(one["Name"].lower(), arrow.arrow_type(hive.parse(one["Type"]))) for one in table.get("PartitionKeys") or []]
    )


def _partitions(lake: Lake, prefix: str, keys: pa.Schema) -> dict[StoredObject, Mapping[str, Any]]:
    """Return the files below a prefix, each with the values of its partition: .../day=2026-01-02/a.parquet.

    Raises:
        UserError: files lie there, but none in a partition; or a value is not of its key's type.
    """
    found: dict[StoredObject, Mapping[str, Any]] = {}
    outside = []
    for stored in lake.objects(prefix):
        folders = stored.key.removeprefix(prefix).split("/")[:-1]
        values = dict(folder.split("=", 1) for folder in folders if "=" in folder)
        if set(keys.names) <= set(values):
            found[stored] = {key.name: _value(values[key.name], key, lake.where(stored)) for key in keys}
        else:
            outside.append(stored)
    if outside and not found:
        wanted = "/".join(f"{name}=..." for name in keys.names)
        raise UserError(f"{lake.where(outside[0])} is not below {wanted}/: it is in no partition of its table")
    return found


def _value(text: str, key: Any, where: str) -> Any:
    try:
        return pa.scalar(text).cast(key.type)
    except pa.ArrowInvalid:
        raise UserError(f"{where}: its {key.name} is not of the type {key.type}") from None
