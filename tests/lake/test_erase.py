"""`dmd erase` on a lake in a folder: what is redacted, what stays, and what is said."""

import json
from pathlib import Path

import pytest

from firehose.local.user_error import UserError
from tests.commands import keys, result_of
from tests.compacting import demand, rows, run
from tests.erasing import NO_WAIT, data, erase, holders, states
from tests.failed import error_object, failed
from tests.given import change, s

pytestmark = pytest.mark.slow

PHONE, EMAIL = "+15550107301", "ann@example.com"
FORMATS = pytest.mark.parametrize("file_format", ["parquet", "avro"])


def of(fan: str, day: str = "2025-01-01") -> object:
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"), email=s(f"{fan}-{EMAIL}"))


@pytest.fixture(params=["parquet", "avro"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    run(tmp_path / "lake", tmp_path, [of("a"), of("b")], [of("a", "2025-01-02"), of("c")], file_format=request.param)
    return tmp_path / "lake"


def member(row: dict[str, object], name: str) -> object:
    return next(value for key, value in row.items() if key.lower() == name)


def test_a_subjects_personal_data_are_redacted_and_all_else_stays(lake: Path, tmp_path: Path) -> None:
    before = rows(lake)

    counts = erase(lake, tmp_path, "a")

    assert (counts["objects"], counts["rows"], counts["values"]) == (2, 2, 4)
    assert counts["found_in_second_pass"] == counts["unreadable"] == 0
    after = rows(lake)
    for one, other in zip(before, after, strict=True):
        differing = {name for name in one if one[name] != other[name]}
        is_theirs = member(one, "fanid") == "a"
        assert {name.lower() for name in differing} == ({"phonenumber", "email"} if is_theirs else set())
        assert all(other[name] == "[redacted]" for name in differing)
    assert holders(lake, f"{PHONE}-a") == holders(lake, f"a-{EMAIL}") == []
    assert len(holders(lake, f"{PHONE}-b")) == 1


def test_what_is_null_stays_null(tmp_path: Path) -> None:
    run(tmp_path / "lake", tmp_path, [demand("a", email=s(EMAIL))])

    counts = erase(tmp_path / "lake", tmp_path, "a")

    assert counts["values"] == 1
    assert [(row["phonenumber"], row["email"]) for row in rows(tmp_path / "lake")] == [(None, "[redacted]")]


def test_a_second_run_changes_nothing(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "a", "c")
    before = data(lake)

    counts = erase(lake, tmp_path, "a", "c")

    assert (counts["objects"], counts["rows"], counts["values"], counts["versions"]) == (0, 0, 0, 0)
    assert data(lake) == before


def test_a_dry_run_says_the_same_and_writes_nothing(lake: Path, tmp_path: Path) -> None:
    before = keys(lake)

    would = erase(lake, tmp_path, "a", "x", options=("--dry-run",))

    assert keys(lake) == before
    assert states(would) == (1, 1, 0)
    done = erase(lake, tmp_path, "a", "x")
    assert [would[name] for name in ("objects", "rows", "values")] == [
        done[name] for name in ("objects", "rows", "values")
    ]


def test_a_subject_is_erased_once_a_run_a_day_later_finds_nothing(lake: Path, tmp_path: Path) -> None:
    assert states(erase(lake, tmp_path, "a", "b")) == (0, 2, 0)
    assert states(erase(lake, tmp_path, "a", "b")) == (0, 2, 0), "the retention has not passed"

    assert states(erase(lake, tmp_path, "a", "b", options=NO_WAIT)) == (2, 0, 0)


def test_a_run_that_finds_something_leaves_a_subject_pending(lake: Path, tmp_path: Path) -> None:
    assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (0, 1, 0)
    assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (1, 0, 0)


def test_a_change_later_than_the_erasure_is_a_new_consent(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "a")
    later = change(fanId=s("a"), email=s("again@example.com"))
    later["dynamodb"]["ApproximateCreationDateTime"] = 4_102_444_800_000
    file_format = next(key.split("/")[1] for key in data(lake))
    run(lake, tmp_path, [later], file_format=file_format)

    counts = erase(lake, tmp_path, "a")

    assert counts["objects"] == 0
    assert len(holders(lake, "again@example.com")) == 1


@FORMATS
def test_younger_objects_are_left_to_a_later_run(tmp_path: Path, file_format: str) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [of("a")], file_format=file_format)
    before = data(lake)

    counts = erase(lake, tmp_path, "a", options=(*NO_WAIT, "--older-than", "1h"))

    assert states(counts) == (0, 1, 0)
    assert (counts["objects"], counts["found_in_second_pass"]) == (0, 1)
    assert data(lake) == before


def test_messages_of_a_notification_are_redacted(tmp_path: Path) -> None:
    run(tmp_path / "lake", tmp_path, [change("notification", fanId=s("a"), messageBody=s("Hello Ann"))])

    erase(tmp_path / "lake", tmp_path, "a")

    assert holders(tmp_path / "lake", "Hello Ann") == []


def test_the_report_names_nobody(lake: Path, tmp_path: Path) -> None:
    fan = "9f8e7d6c"
    run(lake, tmp_path, [of(fan)], file_format=next(key.split("/")[1] for key in data(lake)))

    counts = erase(lake, tmp_path, fan, options=("--label", "Legal, case 7", "--report", str(tmp_path / "page.md")))

    page = (lake / counts["report"]).read_text()
    assert page == (tmp_path / "page.md").read_text()
    assert "Legal, case 7" in page
    assert "pending" in page
    lines = (lake / counts["report"].replace(".md", ".jsonl")).read_text().splitlines()
    assert [json.loads(line)["values"] for line in lines] == [2]
    assert all(fan not in path.read_text() for path in (lake / "dmd-jobs").rglob("*") if path.is_file())


def test_the_report_keeps_no_etag_of_what_was_redacted(lake: Path, tmp_path: Path) -> None:
    versions = {f"{path.stat().st_ino}-{path.stat().st_mtime_ns}" for path in (lake / "data-pipeline").rglob("*.*")}

    counts = erase(lake, tmp_path, "a")

    report = (lake / counts["report"].replace(".md", ".jsonl")).read_text()
    assert not any(version in report for version in versions)


def test_sql_finds_the_objects_in_athena(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("a\nO'Neil\n")

    said = result_of("erase", "--lake", str(tmp_path / "none"), "--subjects", str(tmp_path / "ids"), "--sql").stdout

    assert said.count('SELECT DISTINCT "$path" FROM') == 2
    assert "WHERE fanid IN ('a', 'O''Neil')" in said


def test_ids_are_read_from_a_file_alone(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("\n \n")

    with pytest.raises(UserError, match="holds no id"):
        result_of("erase", "--lake", str(tmp_path), "--subjects", str(tmp_path / "ids"))


def test_a_damaged_file_is_counted_and_left(lake: Path, tmp_path: Path) -> None:
    path = next(path for path in (lake / "data-pipeline").rglob("*.*") if "demand" in str(path))
    path.write_bytes(path.read_bytes()[:-40])
    before = path.read_bytes()

    counts = erase(lake, tmp_path, "nobody", options=NO_WAIT)

    assert counts["unreadable"] == 1
    assert path.read_bytes() == before
    assert states(counts) == (1, 0, 0)


def test_of_a_damaged_file_that_holds_an_id_nobody_says_that_the_person_is_erased(lake: Path, tmp_path: Path) -> None:
    path = next(path for path in (lake / "data-pipeline").rglob("*.*") if "demand" in str(path))
    path.write_bytes(b"PAR1 zz9 cut off")

    counts = erase(lake, tmp_path, "zz9", "yy8", options=NO_WAIT)

    assert states(counts) == (1, 0, 1)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("data-pipeline/iceberg/demand/data/a.parquet", "has no Iceberg tables: make them with dmd iceberg tables"),
        ("data-pipeline/iceberg/refund/data/a.parquet", "no schema here knows this table"),
        ("data-pipeline/parquet/refund/partition_date=2025-01-01/a.parquet", "no schema here knows this table"),
    ],
)
def test_while_there_is_a_table_that_cannot_be_redacted_nobody_is_erased(
    lake: Path, tmp_path: Path, key: str, said: str
) -> None:
    (lake / key).parent.mkdir(parents=True)
    (lake / key).write_bytes(b"1")

    counts = erase(lake, tmp_path, "a", "x", options=NO_WAIT)

    assert states(counts) == (0, 0, 2)
    assert said in counts["undone"][0]
    assert counts["rows"] == 2, "all else is redacted"


def test_what_lies_elsewhere_in_the_error_output_is_redacted_too(lake: Path, tmp_path: Path) -> None:
    path = error_object(lake, failed(change(fanId=s("a"), email=s("odd@example.com"))))
    path.rename(lake / "data-pipeline/errors" / path.name)

    assert erase(lake, tmp_path, "a")["records"] == 1
    assert holders(lake, "odd@example.com") == []
