"""`dmd errors`: what failed, and where it lies."""

import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from firehose.lake.errors.failures import DELIVERS, DROPS
from firehose.lake.errors.report import Basis, report
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline
from tests.commands import result_of
from tests.failed import CRASHED, STATUS, document_of, documents, error_object, failed
from tests.given import ARRIVED_MS, Function, change, number_changes, s
from tests.lakes import error_document, write_errors
from transform.outcome import Reason

NOT_JSON = {"code": "not_json", "message": "not a JSON document"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "data-pipeline").mkdir()
    return tmp_path


def run(lake: Path, *options: str, code: int = 0) -> Result:
    result = result_of("errors", "--lake", str(lake), *options)
    assert result.exit_code == code
    return result


def test_failures_are_counted_by_reason_type_and_day_the_most_first(lake: Path) -> None:
    write_errors(lake, "2025-01-01", error_document(), error_document(type="sale"))
    write_errors(lake, "2025-01-02", error_document(), error_document(), error_document(type=None, error=NOT_JSON))

    found = report(str(lake))

    assert [(one.reason, one.type, one.day, one.count) for one in found.failures] == [
        ("invalid", "demand", "2025-01-02", 2),
        ("invalid", "demand", "2025-01-01", 1),
        ("invalid", "sale", "2025-01-01", 1),
        ("not_json", None, "2025-01-02", 1),
    ]


def test_examples_are_the_commonest_ways_and_where_each_lies_first(lake: Path) -> None:
    other = {"code": "invalid", "message": "not a time", "path": "date.notified"}
    others = (error_document(error=other | {"path": path}) for path in ("a", "b", "c"))
    path = write_errors(lake, "2025-01-01", error_document(error=other), error_document(), error_document(), *others)

    (failures,) = report(str(lake)).failures

    assert len(failures.examples) == 3
    first = failures.examples[0]
    assert (first.path, first.message, first.count) == ("date.requested", "missing required field", 2)
    assert first.where == f"{path}:2"


def test_each_of_firehoses_records_is_one_failure_and_its_document_says_why(lake: Path) -> None:
    one, other = change(fanId=s("1")), change(fanId=s("2"))
    error_object(lake, failed(one), failed(one), failed(other))
    path = documents(lake, document_of(one), document_of(one), document_of(other, Reason.TOO_LARGE))

    found = report(str(lake))

    assert [(one.reason, one.type, one.day, one.count) for one in found.failures] == [
        ("bug", "demand", "2025-01-01", 2),
        ("too_large", "demand", "2025-01-01", 1),
    ]
    assert found.failures[0].examples[0].where == f"{path}:1"
    assert found.firehose == {"processing-failed": 3}
    assert (found.basis, found.unmatched_documents) == (Basis.FIREHOSE, 0)


def test_a_document_without_a_record_of_firehoses_is_no_failure(lake: Path) -> None:
    record = change()
    error_object(lake, failed(record))
    documents(
        lake,
        document_of(record),
        document_of(record),
        document_of(record, arrival_ms=ARRIVED_MS + 1),
        document_of(change(fanId=s("2"))),
    )

    found = report(str(lake))

    assert [(one.reason, one.count) for one in found.failures] == [("bug", 1)]
    assert found.unmatched_documents == 3
    assert "not counted: 3 documents" in run(lake).stderr


def test_the_document_of_another_arrival_is_not_taken(lake: Path) -> None:
    error_object(lake, failed(change()))
    documents(lake, document_of(change(), arrival_ms=ARRIVED_MS + 1))

    assert [one.reason for one in report(str(lake)).failures] == [STATUS]


def test_of_many_places_that_cannot_be_read_the_first_are_named(lake: Path) -> None:
    error_object(lake, *[1] * 25)

    lines = run(lake, code=1).stderr.splitlines()

    assert len(lines) == 21
    assert lines[-1] == "not an error record: 5 more, see --json"


def test_the_document_of_another_stream_is_not_taken(lake: Path) -> None:
    record = change()
    error_object(lake, failed(record, CRASHED))
    documents(lake, document_of(record, stream="dmnd-sale"))

    found = report(str(lake))

    assert [one.reason for one in found.failures] == [CRASHED]
    assert found.unmatched_documents == 1


def test_where_nobody_says_why_todays_code_is_asked(lake: Path) -> None:
    bad = change(fanId={"N": "1"})
    path = error_object(lake, failed(bad), failed(bad, CRASHED), failed(change()), failed(change(type=s("x"))))

    found = report(str(lake))

    ways = {
        (one.reason, one.type, example.message, example.where) for one in found.failures for example in one.examples
    }
    assert ways == {
        ("invalid", "demand", 'fanId: expected a string: {"S": text}', f"{path}:1"),
        (CRASHED, "demand", 'today\'s code fails it, too: fanId: expected a string: {"S": text}', f"{path}:2"),
        (STATUS, "demand", DELIVERS, f"{path}:3"),
        (STATUS, "other", DROPS, f"{path}:4"),
    }


def test_of_a_batch_that_failed_as_a_whole_a_stream_answers_for_its_own_type(lake: Path) -> None:
    batch = [failed(one, CRASHED) for one in (change(), change("sale"), change(type=s("x")), b"{")]
    error_object(lake, *batch)
    error_object(lake, *batch, stream="dmnd-sale")

    found = report(str(lake))

    assert {(one.reason, one.type): one.count for one in found.failures} == {
        (CRASHED, "demand"): 1,
        (CRASHED, "sale"): 1,
        (CRASHED, None): 1,
    }
    assert found.other_streams == 5
    assert "not counted: 5 reported by other streams, or of a type that no stream archives\n" in run(lake).stderr


def test_what_no_stream_can_tell_the_type_of_is_a_failure_once_though_all_lost_it(lake: Path) -> None:
    """As often as in the stream that lost it most often: two equal records are two."""
    once, twice = failed(b"{", CRASHED), failed(b"[", CRASHED)
    for stream in ("dmnd-demand", "dmnd-event", "dmnd-notification", "dmnd-sale"):
        error_object(lake, once, twice, twice, stream=stream)
    error_object(lake, failed(b"{", CRASHED, ARRIVED_MS + 1), twice, stream="dmnd-sale", kind="other")

    found = report(str(lake))

    assert [one.count for one in found.failures] == [5]
    assert found.other_streams == 9


def test_a_stream_of_all_types_answers_for_each(lake: Path) -> None:
    error_object(lake, failed(change(), CRASHED), failed(change("sale"), CRASHED), stream="dmnd-avro")

    assert {one.type for one in report(str(lake)).failures} == {"demand", "sale"}


def test_what_its_own_function_failed_is_a_failure_of_whatever_type_it_is_today(lake: Path) -> None:
    error_object(lake, failed(change("sale")))

    assert [(one.reason, one.type) for one in report(str(lake)).failures] == [(STATUS, "sale")]


def test_a_row_in_an_error_record_is_explained_as_its_change(lake: Path) -> None:
    row = Function().row(change("sale"))
    code = "DataFormatConversion.MalformedData"
    error_object(lake, failed(row, code), stream="dmnd-sale", kind="format-conversion-failed")

    found = report(str(lake))

    assert [(one.reason, one.type, one.examples[0].message) for one in found.failures] == [(code, "sale", DELIVERS)]
    assert found.firehose == {"format-conversion-failed": 1}


def test_the_run_of_a_lake_and_its_errors_say_the_same(lake: Path) -> None:
    lines = list(changes(3_000, seed=9))
    plane = local_pipeline(FolderSink(lake))

    ran = plane.run(number_changes(lines))

    found = report(str(lake))
    assert sum(one.count for one in found.failures) == ran.failed > 10
    assert (found.unmatched_documents, found.other_streams, found.unreadable) == (0, 0, [])
    assert {one.reason for one in found.failures} == {"invalid", "not_json", "no_image"}


def test_where_firehose_has_no_error_objects_the_documents_are_the_next_best(lake: Path) -> None:
    write_errors(lake, "2025-01-01", error_document())

    result = run(lake)

    assert report(str(lake)).basis is Basis.DOCUMENTS
    assert result.stderr.startswith("there are no error objects of Firehose")


def test_what_is_no_error_document_is_named_and_does_not_hide_the_others(lake: Path) -> None:
    record = change()
    path = documents(lake, document_of(record), "torn", [], {"timestamp": "t", "error": {}}, document_of(record))
    raw = error_object(lake, failed(record), {"a": 1}, failed(record))

    found = report(str(lake))

    assert [one.count for one in found.failures] == [2]
    assert found.firehose == {"processing-failed": 2}
    assert found.unreadable == [f"{path}:2", f"{path}:3", f"{path}:4", f"{raw}:2"]


def test_the_table_tells_all_but_nothing_of_a_record(lake: Path) -> None:
    bad = change(fanId={"N": "1"}, email=s("SECRET"))
    error_object(lake, failed(bad), failed(b"SECRET"), b"SECRET".decode())
    path = documents(lake, document_of(bad))

    result = run(lake, code=1)

    lines = result.stdout.splitlines()
    totals, days = (next(line.split() for line in lines if line.startswith(start)) for start in ("bug", "2025"))
    assert totals == ["bug", "demand", "1", "2025-01-01", "2025-01-01"]
    assert days == ["2025-01-01", "2", "1", "bug,", "1", "not_json"]
    assert f"    {path}:1" in lines
    assert "processing-failed" in result.stdout
    assert result.stderr.splitlines()[-1].startswith("not an error record: ")
    assert "dmd replay --lake" in result.stderr
    assert "SECRET" not in result.output


def test_totals_of_all_days_come_first_and_then_those_of_each_day(lake: Path) -> None:
    sale = error_document(type="sale", error={"code": "bug", "message": "m"})
    write_errors(lake, "2025-01-02", sale, sale, error_document())
    write_errors(lake, "2025-01-01", error_document(), error_document(error=NOT_JSON, type=None))

    lines = [line.split() for line in run(lake).stdout.splitlines()]

    assert lines[0] == ["reason", "type", "failures", "first", "day", "last", "day"]
    assert lines[2:5] == [
        ["bug", "sale", "2", "2025-01-02", "2025-01-02"],
        ["invalid", "demand", "2", "2025-01-01", "2025-01-02"],
        ["not_json", "(none)", "1", "2025-01-01", "2025-01-01"],
    ]
    assert lines[8:10] == [
        ["2025-01-01", "2", "1", "invalid,", "1", "not_json"],
        ["2025-01-02", "3", "2", "bug,", "1", "invalid"],
    ]


def test_examples_of_all_days_are_counted_together(lake: Path) -> None:
    other = {"code": "invalid", "message": "not a time", "path": "date.notified"}
    first = write_errors(lake, "2025-01-01", error_document(), error_document(error=other))
    write_errors(lake, "2025-01-02", error_document(error=other))

    lines = run(lake).stdout.splitlines()

    assert lines[lines.index("── invalid, demand ─────────────────────") + 1 :][:4] == [
        "2   date.notified: not a time",
        f"    {first}:2",
        "1   date.requested: missing required field",
        f"    {first}:1",
    ]


def test_records_are_shown_beside_their_reasons_if_asked_for_one_of_each_reason_first(lake: Path) -> None:
    bad = change(fanId={"N": "1"}, email=s("PERSONAL"), nowhere=s("UNNAMED"))
    error_object(lake, failed(bad), failed(bad), failed(b"UNPARSED"))

    shown = run(lake, "--show", "2").stdout
    every = json.loads(run(lake, "--show", "9", "--json").stdout)["records"]

    assert "record   not shown: it is not a JSON object" in shown.splitlines()
    assert 'fanId: {"N":"1"}' in map(str.strip, shown.splitlines())
    assert not {"PERSONAL", "UNNAMED", "UNPARSED"} & set(re.findall(r"\w+", shown))
    assert [(one["reason"], one["path"], one["record"] is None) for one in every] == [
        ("invalid", "fanId", False),
        ("not_json", None, True),
        ("invalid", "fanId", False),
    ]


def test_personal_data_are_shown_by_an_option_of_their_own(lake: Path) -> None:
    error_object(lake, failed(change(fanId={"N": "1"}, email=s("PERSONAL"))))

    assert "PERSONAL" in run(lake, "--show", "1", "--with-personal-data").stdout
    with pytest.raises(UserError, match="no effect without --show N"):
        run(lake, "--with-personal-data")


def test_where_firehose_has_no_error_objects_the_originals_of_the_documents_are_shown(lake: Path) -> None:
    record = json.dumps(change(fanId={"N": "1"}, email=s("PERSONAL")))
    binary = {"events": ["/w=="], "encoding": "base64"}
    write_errors(
        lake, "2025-01-01", error_document(events=[record]), error_document(events=[]), error_document(**binary)
    )

    records = json.loads(run(lake, "--show", "3", "--json").stdout)["records"]

    assert [one["record"] is None for one in records] == [False, True, True]
    assert records[0]["record"]["dynamodb"]["NewImage"]["email"] == s("[redacted]")


def test_json_is_the_same_report(lake: Path) -> None:
    write_errors(lake, "2025-01-01", error_document(), error_document(type=None, error=NOT_JSON))

    shown: dict[str, Any] = json.loads(run(lake, "--json").stdout)

    assert {one["reason"]: (one["type"], one["count"]) for one in shown["failures"]} == {
        "invalid": ("demand", 1),
        "not_json": (None, 1),
    }
    assert shown["firehose"] == {}
    assert "SECRET" not in json.dumps(shown)


def test_a_lake_without_failures_says_so(lake: Path) -> None:
    assert run(lake).stdout == "nothing failed\n"


def test_a_lake_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such lake"):
        report(str(tmp_path / "none"))


@given(body=st.binary(max_size=80) | st.text(alphabet='{}[]":,aé1 \n', max_size=40).map(str.encode))
def test_every_line_where_documents_should_lie_is_counted_or_named(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        document = json.dumps(error_document()).encode()
        write_errors(Path(folder), "2025-01-01").write_bytes(document + b"\n" + body)

        found = report(folder)

    lines = io.BytesIO(body).readlines()  # ends of lines are line feeds alone, as in every source
    assert sum(one.count for one in found.failures) + len(found.unreadable) == 1 + len(lines)
