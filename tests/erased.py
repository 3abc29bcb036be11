"""Subjects who are erased, and a search for what files still say of them."""

from contextlib import closing
from pathlib import Path

from firehose.lake.erasure.erased_subjects import SubjectList
from firehose.lake.opening import open_lake, open_lake_to_write
from tests.erasing import texts
from tests.given import CHANGED_MS

# A day after the changes of tests.given.
ERASED_MICROS = (CHANGED_MS + 86_400_000) * 1000


def list_erased(lake: Path | str, *subjects: str, at_micros: int = ERASED_MICROS, key: str = "") -> None:
    """Enter subjects into a lake's list, as an erasure does before it redacts anything."""
    where = str(lake)
    with closing(open_lake_to_write(where)) as store:
        SubjectList(store, open_lake(where, may_be_empty=True), where, key).request(subjects, at_micros)


def holding(folder: Path, *values: str) -> list[str]:
    """Return the files below a folder that hold one of these values, in whatever form."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        path.relative_to(folder).as_posix()
        for path in files
        if any(value.encode() in text for text in texts(path.read_bytes()) for value in values)
    ]
