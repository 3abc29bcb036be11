"""A table each of whose changes is a file of its own in a lake, so that a test can lose it."""

import json
import shutil
from pathlib import Path
from typing import Any

from firehose.lake.iceberg.catalogs import folder_tables
from glue.layout import FILE_FORMATS
from tests.commands import result_of, write
from tests.exports import EXPORTED_MICROS, full_export
from tests.failed import everything
from tests.given import Attributes, change_of
from transform.item import item_of

# A year before the export: what the items say of themselves is later.
BEGAN = EXPORTED_MICROS - 365 * 86_400_000_000
MINUTE = 60_000_000
TYPES = ("demand", "event", "notification", "sale")


class Table:
    """A table and the lake of its changes, which `dmd run` fills with these options besides."""

    def __init__(self, folder: Path, file_format: str = "parquet", *options: str) -> None:
        self.lake = folder / "lake"
        self._folder = folder
        self._format = file_format
        self._options = options
        self.items: dict[str, Attributes] = {}
        self.at = BEGAN

    def write(self, one: Attributes, name: str = "INSERT", at: int | None = None, **image: Any) -> Path | None:
        """Change an item, and run its change with these attributes; return its file, None if it failed."""
        changes = write(self._folder / "changes.jsonl", self.change(one, name, at, **image))
        before = everything(self.lake)
        run = result_of("run", changes, "--lake", str(self.lake), "--format", self._format, *self._options)
        assert run.exit_code == 0
        new = [name for name in everything(self.lake) if name not in before and self._is_data(name)]
        return self.lake / new[0] if new else None

    def lose(self, one: Attributes, name: str = "INSERT") -> None:
        """Change an item, and lose the change."""
        path = self.write(one, name)
        assert path
        self.remove(path)

    def remove(self, path: Path) -> None:
        """Remove the file of a change from its table."""
        if self._format in FILE_FORMATS:
            path.unlink()
        else:
            table, file = self._iceberg(path)
            with table.transaction() as transaction, transaction.update_snapshot().overwrite() as snapshot:
                snapshot.delete_data_file(file)

    def double(self, path: Path) -> None:
        """Add the rows of a file to its table once more."""
        if self._format in FILE_FORMATS:
            shutil.copyfile(path, path.with_name(f"twice.{self._format}"))
        else:
            table, file = self._iceberg(path)
            table.append(table.scan(row_filter=f"partition_date = '{file.partition[0]}'").to_arrow())

    def _iceberg(self, path: Path) -> tuple[Any, Any]:
        table: Any = folder_tables(str(self.lake)).load(path.parents[2].name)
        (file,) = (one.file for one in table.scan().plan_files() if one.file.file_path == str(path))
        return table, file

    def _is_data(self, name: str) -> bool:
        return f"/{self._format}/" in name and "partition_date=" in name

    def change(self, one: Attributes, name: str = "INSERT", at: int | None = None, **image: Any) -> Any:
        """Change an item, and return its change with these attributes."""
        self.at += MINUTE
        key = one["pk"]["S"]
        self.items[key] = one
        if name == "REMOVE":
            del self.items[key]
        record = change_of(one | image, name)
        record["eventID"] = f"change-{self.at}"
        record["dynamodb"] |= {
            "Keys": {"pk": one["pk"], "sk": one["sk"]},
            "ApproximateCreationDateTime": at or self.at,
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        }
        return record

    def delete(self, one: Attributes, at: int | None = None) -> Path | None:
        return self.write(one, "REMOVE", at)

    def reconcile(self, *options: str) -> dict[str, Any]:
        """Export the table and compare it with the lake; the result, with its exit code."""
        full_export(self._folder / "export", list(self.items.values()))
        where = str(self._folder / "export")
        result = result_of("reconcile", "--export", where, "--lake", str(self.lake), "--json", *options)
        found: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == (1 if found["unexplained"] else 0)
        assert set(found["types"]) >= set(TYPES)
        assert all(len(counts) == 14 for counts in found["types"].values())
        return found


def counted(found: dict[str, Any], record_type: str = "demand") -> dict[str, int]:
    return {name: count for name, count in found["types"][record_type].items() if count}


def named(found: dict[str, Any]) -> dict[str, str]:
    """The class of each item that is named."""
    return {one["item"]: one["class"] for one in found["items"]}


def of(one: Attributes) -> str | None:
    return item_of(json.dumps({"pk": one["pk"], "sk": one["sk"]}, separators=(",", ":")).encode())
