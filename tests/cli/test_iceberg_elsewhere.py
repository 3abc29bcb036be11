"""Errors and a report of a lake in Iceberg mode; what does not know its tables says so by name."""

from pathlib import Path

import pytest

from firehose.local.user_error import UserError
from tests.commands import dmd, write
from tests.given import change, s

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in Iceberg mode, with three rows of one date, and a failed record."""
    made = tmp_path_factory.mktemp("lake")
    for number in range(3):
        records = [change("demand", fanId=s(f"f{number}")), *([] if number else [b"nope"])]
        source = write(tmp_path_factory.mktemp("in") / "in.jsonl", *records)
        assert dmd("run", source, "--lake", str(made), "--format", "iceberg")[0] == 0
    return made


def test_errors_are_listed_and_a_report_counts_the_rows_of_the_tables(lake: Path, tmp_path: Path) -> None:
    code, printed = dmd("errors", "--lake", str(lake))
    assert (code, "not_json" in printed) == (0, True)

    page = tmp_path / "report.html"
    assert dmd("report", "--lake", str(lake), "-o", str(page))[0] == 0
    assert "partition" in page.read_text()


def test_ddl_of_iceberg_tables_is_refused() -> None:
    with pytest.raises(UserError, match="dmd iceberg tables makes them"):
        dmd("glue", "ddl", "--format", "iceberg")
