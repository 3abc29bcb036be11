"""Opens the catalogs of Iceberg tables: SQLite in a lake's folder, or Glue of an environment.

PyIceberg is loaded when a catalog is opened: it is an extra, and takes 0.7 s.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.iceberg_installed import check_iceberg_installed
from firehose.local.sinks import S3, make_bucket_folder
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import ICEBERG_CATALOG, ICEBERG_NAMESPACE, Format, format_prefix

if TYPE_CHECKING:
    from firehose.pipeline.iceberg_tables import TablePlace

NAME = "lake"  # of a folder's catalog


def lake_tables(lake: str, *, make: bool = False) -> "TablePlace":
    """Return the tables of a lake: of a folder, in which `make` makes a catalog that is missing, or of a bucket.

    The tables of a bucket are in Glue of its environment.

    Raises:
        UserError: the folder has no catalog or was moved, or no environment has that bucket.
    """
    if not lake.startswith(S3):
        return folder_tables(lake, make=make)
    bucket = lake.removeprefix(S3).rstrip("/")
    names = Names.of_bucket(bucket)
    if names is None:
        raise UserError(f"{bucket} is the bucket of no environment, so its Iceberg tables cannot be found in Glue")
    return glue_tables(names.environment)


def folder_tables(lake: str, *, make: bool = False) -> "TablePlace":
    """Return the tables of a lake in a folder. `make` makes a catalog that is missing.

    Raises:
        UserError: the catalog is missing; or the lake was moved, since the tables' metadata hold absolute paths.
    """
    check_iceberg_installed()
    from firehose.local.iceberg_catalogs import folder_catalog, make_namespace  # noqa: PLC0415 - loads PyIceberg
    from firehose.pipeline.iceberg_tables import TablePlace  # noqa: PLC0415

    catalog_file = Path(lake, ICEBERG_CATALOG)
    if catalog_file.is_file():
        check_not_moved(lake)
    elif not make:
        raise UserError(f"{lake} has no Iceberg tables: make them with dmd iceberg tables --lake {lake}")
    if make:
        make_bucket_folder(catalog_file.parent, lake, "lake")
    catalog = folder_catalog(catalog_file.parent, NAME)
    if make:
        make_namespace(catalog, ICEBERG_NAMESPACE)
    return TablePlace(catalog, ICEBERG_NAMESPACE, address(lake))


def glue_tables(environment: str) -> "TablePlace":
    """Return the tables of an environment, in Glue of the account, or of AWS_ENDPOINT_URL.

    Raises:
        UserError: the environment's database does not exist, or Glue cannot be reached.
    """
    check_iceberg_installed()
    import boto3  # noqa: PLC0415 - slow, and not for a folder
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from firehose.local.iceberg_catalogs import glue_catalog  # noqa: PLC0415 - loads PyIceberg
    from firehose.pipeline.iceberg_tables import TablePlace  # noqa: PLC0415

    names = Names(environment)
    database = names.database(Format.ICEBERG)
    client = boto3.client("glue")
    with as_user_errors(database, "find"):
        try:
            client.get_database(Name=database)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            raise UserError(
                f"Glue has no database {database}: apply Terraform for {environment} first, which makes it"
            ) from None
    catalog = glue_catalog(client, **_s3_properties(client.meta.region_name))
    return TablePlace(catalog, database, f"{S3}{names.bucket}/{format_prefix(Format.ICEBERG)}".rstrip("/"))


def tables_elsewhere(place: "TablePlace", tables: Iterable[str]) -> list[str]:
    """Return a sentence about each of these tables that is there, and whose files do not lie in the lake."""
    found = {table: place.load(table) for table in tables}
    return [
        f"the Iceberg table {table} lies in {one.location()}, which is not below {place.address}: erase it there"
        for table, one in found.items()
        if one is not None and not one.location().startswith(f"{place.address}/")
    ]


def address(lake: str) -> str:
    """Return the address of the folder that holds a lake's tables: ".local/lake" -> "/.../data-pipeline/iceberg".

    It is a plain path: PyIceberg takes the %20 of a file:// address for a part of a file's name.
    """
    return str(Path(lake, ICEBERG_CATALOG).absolute().parent)


def metadata_of(lake: str) -> dict[str, str]:
    """Return the address of each table's metadata, by table, as the catalog of a lake's folder has them."""
    query = "SELECT table_name, metadata_location FROM iceberg_tables"
    with sqlite3.connect(f"{Path(lake, ICEBERG_CATALOG).absolute().as_uri()}?mode=ro", uri=True) as connection:
        try:
            return dict(connection.execute(query).fetchall())
        except sqlite3.OperationalError:  # a catalog that was made and never used
            return {}


def check_not_moved(lake: str) -> None:
    """Check that the tables of a lake's folder are where their metadata say.

    Raises:
        UserError: they were made elsewhere.
    """
    here = f"{address(lake)}/"
    if elsewhere := [one for one in metadata_of(lake).values() if not one.startswith(here)]:
        made = elsewhere[0].partition(f"/{format_prefix(Format.ICEBERG)}")[0]
        raise UserError(
            f"the Iceberg tables of {lake} were made in {made}, and name their files by absolute paths: "
            f"run dmd iceberg tables --lake {lake} --moved"
        )


def _s3_properties(region: str) -> dict[str, Any]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return {"s3.region": region, **({"s3.endpoint": endpoint} if endpoint else {})}
