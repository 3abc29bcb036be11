"""Lakes of Iceberg tables in which people are erased."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestContent, ManifestWriterV2
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.table import Table

from firehose.lake.iceberg.catalogs import folder_tables, glue_tables, lake_tables
from firehose.pipeline.iceberg_tables import make_tables
from firehose.pipeline.names import Names
from glue.layout import Format
from glue.schema import load
from tests.compacting import demand, run
from tests.given import s

PHONE, EMAIL = "+15550107301", "ann@example.com"


def of(fan: str, day: str = "2025-01-01") -> Any:
    """A change of a demand with personal data that say whose they are."""
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"), email=s(f"{fan}-{EMAIL}"))


PIECES = [[of("a"), of("b")], [of("a", "2025-01-02"), of("c", "2025-01-02")], [of("c", "2025-01-03")]]


def fill(lake: Path | str, folder: Path) -> None:
    """Run each piece alone: a commit with files of its own."""
    run(lake, folder, *PIECES, file_format="iceberg")


def make_environment() -> str:
    """Make dev1's bucket, which keeps versions, and the tables of history in Glue; the lake's address."""
    names = Names("dev1")
    client = boto3.client("s3")
    client.create_bucket(Bucket=names.bucket)
    client.put_bucket_versioning(Bucket=names.bucket, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("glue").create_database(DatabaseInput={"Name": names.database(Format.ICEBERG)})
    make_tables(glue_tables("dev1"), load())
    return f"s3://{names.bucket}"


def table_of(lake: Path | str, name: str = "demand") -> Table:
    """A table as it stands now."""
    table = lake_tables(str(lake)).load(name)
    assert table is not None
    return table


def make_table_beside(lake: Path, name: str, partitions: PartitionSpec = UNPARTITIONED_PARTITION_SPEC) -> Table:
    """A table with the columns of demands, whose manifests hold bounds of all of them."""
    place = folder_tables(str(lake))
    return place.catalog.create_table(
        place.identifier(name), table_of(lake).schema(), location=f"{place.address}/{name}", partition_spec=partitions
    )


def table_rows(lake: Path | str, name: str = "demand") -> list[dict[str, Any]]:
    """The rows of a table, by PyIceberg alone, in an order that no redaction changes."""
    found: list[dict[str, Any]] = table_of(lake, name).scan().to_arrow().to_pylist()
    return sorted(found, key=lambda row: json.dumps([row["fanid"], row["partition_date"], row["change"]], default=str))


def table_files(lake: Path, name: str = "demand") -> dict[str, bytes]:
    """The files of a table, by key."""
    files = (lake / "data-pipeline/iceberg" / name).rglob("*")
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files if path.is_file()}


def delete_by_position(table: Table, fan: str) -> None:
    """Delete the rows of a fan by a delete file, as Athena's MERGE and DELETE do. PyIceberg reads those only."""
    task = next(one for one in table.scan().plan_files() if fan in _fans(one.file.file_path))
    path = f"{table.location()}/data/deletes-{fan}.parquet"
    # The ids of the two columns are reserved (Iceberg specification, "Position Delete Files").
    columns = {"file_path": (pa.string(), "2147483546"), "pos": (pa.int64(), "2147483545")}
    schema = pa.schema(
        [pa.field(name, kind, False, {"PARQUET:field_id": one}) for name, (kind, one) in columns.items()]
    )
    places = [place for place, one in enumerate(_fans(task.file.file_path)) if one == fan]
    pq.write_table(pa.table([[task.file.file_path] * len(places), places], schema=schema), path)
    maps = ("column_sizes", "value_counts", "null_value_counts", "nan_value_counts")
    absent = ("sort_order_id", "equality_ids", "key_metadata", "lower_bounds", "upper_bounds", "split_offsets")
    members: dict[str, Any] = {**{name: {} for name in maps}, **dict.fromkeys(absent)}
    members |= {"partition": task.file.partition, "spec_id": table.spec().spec_id, "record_count": len(places)}
    members |= {"file_path": path, "file_size_in_bytes": Path(path).stat().st_size, "file_format": FileFormat.PARQUET}
    deletes = DataFile.from_args(content=DataFileContent.POSITION_DELETES, **members)
    described: Any = ManifestWriterV2._meta
    with (
        mock.patch.object(ManifestWriterV2, "content", return_value=ManifestContent.DELETES),
        mock.patch.object(
            ManifestWriterV2, "_meta", property(lambda self: {**described.fget(self), "content": "deletes"})
        ),
        table.transaction() as transaction,
        transaction.update_snapshot().fast_append() as append,
    ):
        append.append_data_file(deletes)


def _fans(path: str) -> list[str]:
    found: list[str] = pq.read_table(path, columns=["fanid"], partitioning=None).column("fanid").to_pylist()
    return found
