"""Lakes of small files, their compaction, and their rows as other programs read them."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq

from firehose.lake.iceberg.catalogs import folder_tables
from glue.layout import ICEBERG_CATALOG
from tests.commands import result_of, write
from tests.given import change, m, s

# By default what is older than a day, in partitions of eight files.
NOW = ("--older-than", "0s", "--min-files", "2")


def demand(fan: str, day: str = "2025-01-01", **members: Any) -> dict[str, Any]:
    """A change of a demand that was requested on a day, and of whose fan tests tell rows apart."""
    return change(fanId=s(fan), date=m(requested=s(f"{day}T10:00:00.000Z")), **members)


def run(lake: Path | str, folder: Path, *pieces: list[Any], file_format: str = "parquet") -> None:
    """Run each piece alone, so that it has files of its own."""
    for number, records in enumerate(pieces):
        path = write(folder / f"piece-{number}.jsonl", *records)
        assert result_of("run", path, "--lake", str(lake), "--format", file_format).exit_code == 0


def compact(lake: Path | str, *options: str) -> dict[str, Any]:
    """Compact all files of a lake; the counts."""
    result = result_of("compact", "--lake", str(lake), "--json", *NOW, *options)
    counts: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (1 if counts["undone"] else 0)
    return counts


def files(lake: Path, table: str = "demand") -> list[Path]:
    """The data files of a table in all formats, as Athena sees them: none that is hidden or only in older snapshots."""
    found = (lake / "data-pipeline").glob(f"*/{table}/partition_date=*/*")
    visible = [path for path in found if not path.name.startswith((".", "_"))]
    iceberg = iceberg_table(lake, table) if (lake / ICEBERG_CATALOG).exists() else None
    return sorted([*visible, *([Path(one.file.file_path) for one in iceberg.scan().plan_files()] if iceberg else [])])


def iceberg_table(lake: Path, name: str = "demand") -> Any:
    return folder_tables(str(lake)).load(name)


def rows(lake: Path, table: str = "demand") -> list[dict[str, Any]]:
    """All rows of a table, as PyArrow and fastavro read them, in file order."""
    return [row for path in files(lake, table) for row in rows_of(path)]


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = pq.read_table(path, partitioning=None).to_pylist()
        return found
    with path.open("rb") as file:
        return [row for row in fastavro.reader(file) if isinstance(row, dict)]


def counted(lake: Path, table: str = "demand") -> Counter[str]:
    """Return the number of times that each row of a table is there."""
    return Counter(repr(row) for row in rows(lake, table))


def fans(lake: Path) -> list[str]:
    """The fans of all demands, in order of name."""
    return sorted(row.get("fanid") or row["fanId"] for row in rows(lake))


def age(lake: Path) -> None:
    """Let the notes of killed jobs be as old as free ones."""
    for path in (lake / "dmd-jobs").rglob("*.json"):
        if "leases" in path.parts or "open" in path.parts:
            at = path.stat().st_mtime - 700
            os.utime(path, (at, at))


def unnamed(lake: Path) -> set[str]:
    """The data files of Iceberg's demands that no snapshot names."""
    there = {str(path) for path in (lake / "data-pipeline/iceberg/demand/data").rglob("*.parquet")}
    return there.difference(iceberg_table(lake).inspect.all_data_files()["file_path"].to_pylist() if there else ())
