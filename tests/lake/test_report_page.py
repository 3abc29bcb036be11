"""The page of a report: one file that loads nothing, shows no value of a record, and says what to look at first."""

import re
import stat
from pathlib import Path

import msgspec
import pytest

from firehose.lake.errors.replay_journal import JournalEntry, PlannedObjects, entry_key
from firehose.lake.report.charts import Bars, colours
from firehose.lake.report.markup import size_text, table
from firehose.lake.report.periods import Period
from firehose.local.os_errors import sentence
from firehose.local.user_error import UserError
from tests.commands import SAMPLE, result_of
from tests.failed import CRASHED, error_object, failed
from tests.given import ARRIVED_MS, change, s
from tests.lake.report_pages import Page, asked, report_of
from tests.lakes import error_document, write_errors

GOOD = [change(fanId=s(f"f{number}")) for number in range(4)]
BAD = change(fanId={"N": "1"}, email=s("SECRET"))
pytestmark = pytest.mark.slow

TYPES = ("demand", "event", "notification", "sale")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    result_of("run", str(SAMPLE), "--lake", str(folder))
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "lake" / "data-pipeline").mkdir(parents=True)
    return tmp_path / "lake"


@pytest.fixture(scope="module")
def page(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return report_of(lake, tmp_path_factory.mktemp("page"))


def test_the_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    assert page.tags & {"script", "link", "img", "iframe", "object", "image", "use"} == set()
    assert {link[0] for link in page.links} == {"#"}
    assert "url(" not in page.text
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.text


def test_every_link_leads_to_a_section(page: Page) -> None:
    assert all(f'id="{link[1:]}"' in page.text for link in page.links)


def test_no_value_of_a_record_is_on_the_page(lake: Path, page: Page) -> None:
    personal = [
        "SELECT email, phonenumber, messagebody FROM notification",
        "SELECT email, phonenumber, fanid FROM demand",
    ]
    ids = [f"SELECT reference.id, change.id, change.item, change.sequence FROM {name}" for name in TYPES]
    names = ["SELECT eventname, salename, artistname, systemuserid FROM demand", "SELECT name, url FROM event"]

    values = {str(value) for sql in personal + ids + names for row in asked(lake, sql) for value in row if value}

    assert len(values) > 1000
    assert {value for value in values if value in page.text and len(value) > 3} <= {"[redacted]"}


def test_a_page_is_of_a_size_that_a_mail_takes(page: Page) -> None:
    assert len(page.text) < 600_000


def test_only_its_user_may_read_it(empty: Path, tmp_path: Path) -> None:
    report_of(empty, tmp_path)

    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600


def test_names_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "<script>"
    (folder / "data-pipeline").mkdir(parents=True)

    page = report_of(folder, tmp_path)

    assert "script" not in page.tags
    assert page.words["h1"] == [f"Lake {folder}"]


def test_a_replay_is_shown_by_the_day_of_its_error_objects(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(BAD, CRASHED), failed(GOOD[1]))
    error_object(tmp_path, failed(GOOD[2]), name="1-2025-01-02-10-00-00-5f2cd0e0-0000-4000-8000-000000000000")
    result_of("replay", "--lake", str(tmp_path))

    page = report_of(tmp_path, tmp_path)

    assert [tuple(row.values()) for row in page.table("Replayed records")] == [
        ("2025-01-01", 1, 2, 0, 1, 0),
        ("2025-01-02", 1, 1, 0, 0, 0),
    ]
    assert page.tile("failed records waiting") == "1"
    assert page.tile("rows") == "3"


def test_a_killed_replay_is_named_first(tmp_path: Path) -> None:
    key = error_object(tmp_path, failed(GOOD[0])).relative_to(tmp_path).as_posix()
    entry = tmp_path / entry_key(key)
    entry.parent.mkdir()
    entry.write_bytes(msgspec.json.encode(JournalEntry(key, intent=[PlannedObjects("p/", ["p/a.parquet"], [0])])))

    page = report_of(tmp_path, tmp_path)

    assert [row["unfinished objects"] for row in page.table("Replayed records")] == [1]
    assert "1 error object of a replay that was killed: run dmd replay" in page.words["a"]


def test_what_was_replayed_from_elsewhere_has_no_day(tmp_path: Path) -> None:
    error_object(tmp_path / "elsewhere", failed(GOOD[0]))
    result_of(
        "replay", "--lake", str(tmp_path / "lake"), "--errors", str(tmp_path / "elsewhere"), "--format", "parquet"
    )

    (row,) = report_of(tmp_path / "lake", tmp_path).table("Replayed records")

    assert (row["day"], row["done"]) == ("elsewhere", 1)


def test_drift_counts_a_field_once_whatever_its_place_in_a_list(tmp_path: Path) -> None:
    name = {"code": "invalid", "message": "venues[0].name: expected a string", "path": "venues[0].name"}
    other = name | {"message": "venues[12].name: expected a string", "path": "venues[12].name"}
    write_errors(tmp_path, "2025-01-01", error_document(type="event", error=name))
    write_errors(tmp_path, "2025-01-03", error_document(type="event", error=other), "not a document")

    page = report_of(tmp_path, tmp_path)

    assert [tuple(row.values()) for row in page.table("Values that did not fit")] == [
        ("event", "venues[].name", "expected a string", 2, "2025-01-01", "2025-01-03")
    ]
    assert "1 place in the error output cannot be read: dmd errors lists them" in page.words["a"]


def test_failures_without_a_time_do_not_stretch_the_others_over_years(tmp_path: Path) -> None:
    unknown = failed(b"{")
    del unknown["arrivalTimestamp"], unknown["attemptEndingTimestamp"]
    error_object(tmp_path, failed(b"{", arrival_ms=ARRIVED_MS + 10**11), unknown)

    shown = report_of(tmp_path, tmp_path).table("Failures by day and reason")

    assert [(row["day"], row["failures"]) for row in shown] == [("2015-01-01", 1), ("2028-03-03", 1)]


def test_a_file_that_cannot_be_written_is_named(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory") as error:
        result_of("report", "--lake", str(empty), "-o", str(tmp_path))

    assert sentence(error.value) == f"{tmp_path}: Is a directory"


def test_a_file_in_a_folder_that_is_missing_is_refused_before_the_lake_is_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    with pytest.raises(UserError, match=f"{missing} is not a folder"):
        result_of("report", "--lake", str(tmp_path / "no lake"), "-o", str(missing / "report.html"))


def test_a_folder_that_is_not_a_lake_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a lake"):
        result_of("report", "--lake", str(tmp_path), "-o", str(tmp_path / "report.html"))

    assert not (tmp_path / "report.html").exists()


def test_a_plot_is_drawn_for_a_page_and_for_a_phone_with_its_legend() -> None:
    bars = Bars("Rows", "rows a day", Period.DAY, colours(["INSERT", "<MODIFY>"], "change"))

    drawn = bars.draw({("2025-01-01", "INSERT"): 3})

    assert drawn.count("<svg") == drawn.count('role="img" aria-label="Rows"') == 2
    assert "</span>&lt;MODIFY&gt;</li>" in drawn
    assert drawn.count('fill="var(--change1)"') == 2
    assert "rows a day" in drawn


def test_a_plot_has_a_bar_for_each_count_of_its_table(page: Page) -> None:
    drawn = page.text.partition('id="rows"')[2].partition('id="coverage"')[0]
    shown = page.table("Rows by day, type and change")

    for colour, change_name in ((1, "INSERT"), (2, "MODIFY"), (3, "REMOVE")):
        counts = [row[change_name] for row in shown if row[change_name]]
        assert drawn.count(f'fill="var(--change{colour})"') == 2 * len(counts) > 0  # for a page, and for a phone


def test_the_first_colour_of_stacked_bars_lies_lowest() -> None:
    bars = Bars("Rows", "rows a day", Period.DAY, colours(["INSERT", "MODIFY"], "change"))

    drawn = bars.draw({("2025-01-01", "INSERT"): 1, ("2025-01-01", "MODIFY"): 3})

    tops = {
        colour: float(top) for top, colour in re.findall(r'd="M[\d.]+,([\d.]+)h[^"]*" fill="var\(--(change\d)', drawn)
    }
    assert tops["change1"] > tops["change2"]


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1.0 KiB"), (1_048_575, "1,024.0 KiB"), (1_048_576, "1.0 MiB")],
)
def test_sizes_are_read_in_their_unit(size_bytes: int, expected: str) -> None:
    assert size_text(size_bytes) == expected


def test_a_table_aligns_numbers_and_escapes_text() -> None:
    drawn = table("A < B", ["name", "rows"], [["<b>", 1234], [None, 0]])

    assert drawn.count('class="n"') == 3  # the head of the column, too
    assert ("&lt;b&gt;" in drawn, "A &lt; B" in drawn, ">1,234<" in drawn, "<td>-</td>" in drawn) == (True,) * 4
