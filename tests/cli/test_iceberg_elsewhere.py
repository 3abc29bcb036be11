"""Commands that do not know Iceberg tables say so by name, and touch none of their files."""

from pathlib import Path

import pytest

from firehose.local.user_error import UserError
from tests.commands import dmd, keys, write
from tests.given import change, s

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in Iceberg mode, with three rows of one date, each in a file of its own, and a failed record."""
    made = tmp_path_factory.mktemp("lake")
    for number in range(3):
        records = [change("demand", fanId=s(f"f{number}")), *([] if number else [b"nope"])]
        source = write(tmp_path_factory.mktemp("in") / "in.jsonl", *records)
        assert dmd("run", source, "--lake", str(made), "--format", "iceberg")[0] == 0
    return made


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("compact", "--format", "iceberg"), "dmd compact does not work on Iceberg tables: let AWS Glue's optimizers"),
        (("reconcile", "--export", "EXPORT"), "dmd reconcile does not work on Iceberg tables"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_it_is_refused_and_nothing_is_changed(lake: Path, tmp_path: Path, command: tuple[str, ...], why: str) -> None:
    (tmp_path / "export").mkdir()
    places = {"EXPORT": str(tmp_path / "export")}
    before = keys(lake)

    with pytest.raises(UserError, match=why):
        dmd(*(places.get(word, word) for word in command), "--lake", str(lake))

    assert keys(lake) == before


def test_a_compaction_of_every_format_leaves_the_files_of_tables_alone(lake: Path) -> None:
    """Many small files lie under a partition there, too; a table whose file is replaced is broken."""
    before = {key: body for key, body in keys(lake).items() if key.startswith("data-pipeline/iceberg/")}

    assert dmd("compact", "--lake", str(lake), "--older-than", "0s", "--min-files", "2")[0] == 0

    assert {key: body for key, body in keys(lake).items() if key.startswith("data-pipeline/iceberg/")} == before


def test_errors_are_listed_and_a_report_counts_the_rows_of_the_tables(lake: Path, tmp_path: Path) -> None:
    code, printed = dmd("errors", "--lake", str(lake))
    assert (code, "not_json" in printed) == (0, True)

    page = tmp_path / "report.html"
    assert dmd("report", "--lake", str(lake), "-o", str(page))[0] == 0
    assert "partition" in page.read_text()


def test_dmd_up_refuses_the_mode_before_it_starts_anything(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dmd up does not work on Iceberg tables: run them with dmd run"):
        dmd("up", "--mode", "iceberg", "--state", str(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_ddl_of_iceberg_tables_is_refused() -> None:
    with pytest.raises(UserError, match="dmd iceberg tables makes them"):
        dmd("glue", "ddl", "--format", "iceberg")
