"""`dmd errors`: what failed, and where it lies."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from firehose.commands import Mistake
from firehose.commands.errors import errors as command
from firehose.errors import report
from tests.lakes import error_document, write_errors, write_firehose_errors

NOT_JSON = {"code": "not_json", "message": "not a JSON document"}

app = typer.Typer()
app.command()(command)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "data-pipeline").mkdir()
    return tmp_path


def run(lake: Path, *options: str) -> Result:
    result = CliRunner().invoke(app, ["--lake", str(lake), *options], catch_exceptions=False)
    assert result.exit_code == 0
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


@pytest.mark.parametrize("between", ["\n", "", " \n\n"], ids=["lines", "butted together", "blank lines"])
def test_firehoses_own_records_are_counted_by_their_kind(lake: Path, between: str) -> None:
    one = json.dumps({"attemptsMade": 1, "errorCode": "Lambda.ProcessingFailedStatus", "rawData": "e30="})
    write_firehose_errors(lake, "processing-failed", between.join([one, one, one]))
    write_firehose_errors(lake, "format-conversion-failed", one + between)

    found = report(str(lake))

    assert found.firehose == {"processing-failed": 3, "format-conversion-failed": 1}
    assert found.unreadable == []


def test_what_is_no_error_document_is_named_and_does_not_hide_the_others(lake: Path) -> None:
    path = write_errors(
        lake, "2025-01-01", error_document(), '{"torn', "[]", '{"timestamp": "t", "error": {}}', error_document()
    )
    raw = write_firehose_errors(lake, "processing-failed", '{"a": 1}\n{"torn')

    found = report(str(lake))

    assert [one.count for one in found.failures] == [2]
    assert found.firehose == {"processing-failed": 1}
    assert found.unreadable == [f"{path}:2", f"{path}:3", f"{path}:4", str(raw)]


def test_the_table_tells_all_but_nothing_of_a_record(lake: Path) -> None:
    path = write_errors(lake, "2025-01-01", error_document(), "SECRET")
    write_firehose_errors(lake, "processing-failed", '{"rawData": "SECRET"}')

    result = run(lake)

    line = next(line for line in result.stdout.splitlines() if line.startswith("invalid"))
    assert line.split()[:4] == ["invalid", "demand", "2025-01-01", "1"]
    assert "date.requested: missing required field" in line
    assert line.endswith(f"{path}:1")
    assert "processing-failed" in result.stdout
    assert result.stderr == f"not an error document: {path}:2\n"
    assert "SECRET" not in result.output


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
    with pytest.raises(Mistake, match="no such lake"):
        report(str(tmp_path / "none"))


@given(body=st.binary(max_size=80) | st.text(alphabet='{}[]":,aé1 \n', max_size=40).map(str.encode))
def test_every_line_where_documents_should_lie_is_counted_or_named(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        document = json.dumps(error_document()).encode()
        write_errors(Path(folder), "2025-01-01").write_bytes(document + b"\n" + body)
        write_firehose_errors(Path(folder), "processing-failed", "").write_bytes(body)

        found = report(folder)

    named = [where for where in found.unreadable if "errors/records" in where]
    assert sum(one.count for one in found.failures) + len(named) == 1 + len(body.splitlines())
