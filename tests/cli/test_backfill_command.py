"""`dmd backfill` as it is typed: mistakes are one sentence and exit 2, what has to be looked at is exit 1."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firehose.local.user_error import UserError
from firehose.pipeline import streams
from tests.commands import result_of as dmd
from tests.exports import demand, export, full, full_export, incremental_export, item, written
from tests.failed import everything, fans
from transform.function import build

pytestmark = pytest.mark.slow

# Named, which spares the first pass over an export.
KEYS = ("--key", "pk", "--key", "sk")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    full_export(
        tmp_path / "export", [demand("a"), demand("b", "2025-01-02")], [item("sale", "1"), demand("x", date=None)]
    )
    return "export"


def summary(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dmd("backfill", "--json", *arguments).stdout)
    return found


def test_it_says_what_became_of_every_item(source: str) -> None:
    result = dmd("backfill", "--export", source, "--lake", "lake")

    assert result.exit_code == 0
    rows = {line.split("  ")[0].strip(): line for line in result.stdout.splitlines() if line.strip()}
    assert rows["read"].split()[1:] == ["4"]
    assert rows["delivered"].split()[1:] == ["3", "2", "demand,", "1", "sale"]
    assert rows["failed"].split()[1:] == ["1", "1", "invalid"]
    assert "Traceback" not in result.stderr
    assert "resumed" not in result.stderr


def test_the_same_as_json_for_scripts(source: str) -> None:
    found = summary("--export", source, "--lake", "lake")

    assert (found["read"], found["delivered"], found["failed"]) == (4, {"demand": 2, "sale": 1}, {"invalid": 1})
    assert (found["would"], found["resumed"], found["places"]) == (False, False, [])


def test_a_dry_run_says_what_would_go_and_writes_nothing(source: str, tmp_path: Path) -> None:
    before = everything(tmp_path)

    found = summary("--export", source, "--lake", "lake", "--dry-run", "--processes", "2")
    shown = dmd("backfill", "--export", source, "--lake", "lake", "--dry-run").stdout

    assert everything(tmp_path) == before
    assert not (tmp_path / "lake").exists()
    assert found["would"]
    assert (found["delivered"], found["failed"]) == ({"demand": 2, "sale": 1}, {"invalid": 1})
    assert found["dates"]["demand"] == ["2025-01-01", "2025-01-02"]
    assert "2 demand 2025-01-01 to 2025-01-02" in shown
    assert "delivered" not in shown


@pytest.mark.parametrize(
    "options", [[], ["--type", "demand"], ["--from", "2025-01-02"], ["--to", "2025-01-01"]], ids=str
)
def test_a_dry_run_promises_what_the_run_does(source: str, options: list[str]) -> None:
    arguments = ["--export", source, "--lake", "lake", *options]

    would, did = summary(*arguments, "--dry-run"), summary(*arguments)

    same = ("read", "delivered", "failed", "undated", "other", "skipped", "not_lines")
    assert {name: would[name] for name in same} == {name: did[name] for name in same}


def test_its_state_is_gone_at_the_end(source: str, tmp_path: Path) -> None:
    dmd("backfill", "--export", source, "--lake", "lake")

    assert list((tmp_path / ".local" / "backfill").iterdir()) == []


def test_the_number_of_processes_makes_no_difference(source: str, tmp_path: Path) -> None:
    dmd("backfill", "--export", source, "--lake", "one")
    dmd("backfill", "--export", source, "--lake", "two", "--processes", "2")

    assert everything(tmp_path / "two") == everything(tmp_path / "one")
    assert fans(tmp_path / "two") == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "lines", "members", "words"),
    [
        pytest.param("not_lines", [b"{"], {}, ".json.gz:2: not an item", id="not an item"),
        pytest.param("miscounted", [], {"listed": {"itemCount": 9}}, "but the manifest says 9", id="another count"),
    ],
)
def test_what_has_to_be_looked_at_is_exit_1_and_told_by_its_place(
    tmp_path: Path, name: str, lines: list[Any], members: Any, words: str
) -> None:
    export(tmp_path / "export", [full(demand("a")), *lines], **members)
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake")]

    result = dmd("backfill", *arguments, "--state", str(tmp_path / "state"), "--json")

    assert result.exit_code == 1
    assert words in result.stderr
    assert json.loads(result.stdout)[name] == 1
    assert fans(tmp_path / "lake") == ["a"]


def test_a_delete_without_the_old_image_is_exit_1(tmp_path: Path) -> None:
    incremental_export(tmp_path / "export", [written(None), written(demand("a"))] + [written(None)] * 25)
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake")]

    result = dmd("backfill", *arguments, "--state", str(tmp_path / "state"))

    assert result.exit_code == 1
    assert ".json.gz:1: a delete without the old image" in result.stderr
    assert "and 6 more" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "specify either --table or --export"),
        (["--table", "t", "--export", "export"], "specify either --table or --export, not both"),
        (["--export", "export"], "specify either --lake or --stream"),
        (
            ["--export", "export", "--lake", "l", "--stream", "kinesis://s"],
            "specify either --lake or --stream, not both",
        ),
        (["--export", "export", "--lake", "l", "--type", "order"], "unknown record type 'order' (choose from demand,"),
        (
            ["--export", "export", "--lake", "l", "--from", "2025-1-1"],
            "'2025-1-1' is not a date (YYYY-MM-DD)",
        ),
        (["--export", "export", "--lake", "l", "--to", "20250101"], "'20250101' is not a date"),
        (
            ["--export", "export", "--lake", "l", "--from", "2025-01-02", "--to", "2025-01-01"],
            "--from 2025-01-02 is after --to 2025-01-01",
        ),
        (["--export", "export", "--stream", "dmnd"], "dmnd is not a stream: it should be kinesis://STREAM"),
        (["--table", "t", "--lake", "l", "--key", "pk"], "--key is only for a full export"),
        (["--export", "missing", "--lake", "l"], "no such export: missing is not a folder"),
        (["--export", "s3://", "--lake", "l"], "s3:// is not an export"),
        (["--export", "export", "--lake", "l", "--state", "export"], "export is not empty, and not the state of a"),
    ],
)
def test_a_mistake_is_one_sentence(source: str, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    assert source == "export"
    before = everything(tmp_path)

    with pytest.raises(UserError) as raised:
        dmd("backfill", *arguments)

    assert str(raised.value).startswith(sentence)
    assert everything(tmp_path) == before


def test_a_mistake_is_exit_2_without_a_traceback(source: str, tmp_path: Path) -> None:
    main = "from firehose.cli import main; main()"
    command = [sys.executable, "-c", main, "backfill", "--export", "missing", "--lake", "lake"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}
    )

    assert source == "export"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().endswith("no such export: missing is not a folder")
    assert "Traceback" not in done.stderr


def test_the_state_of_another_backfill_is_not_gone_on_with(source: str, tmp_path: Path) -> None:
    (path, *_) = sorted((tmp_path / "export").rglob("*.json.gz"))
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is damaged"):
        dmd("backfill", "--export", source, "--lake", "lake", "--state", "state", *KEYS)
    path.write_bytes(whole)

    with pytest.raises(
        UserError, match="state belongs to another backfill: finish that first, choose another --state, or remove it"
    ):
        dmd("backfill", "--export", source, "--lake", "another", "--state", "state", *KEYS)

    found = summary("--export", source, "--lake", "lake", "--state", "state", *KEYS)
    assert found["resumed"]
    assert fans(tmp_path / "lake") == ["a", "b"]


def test_an_export_that_is_another_one_now_is_not_gone_on_with(source: str, tmp_path: Path) -> None:
    (path, *_) = sorted((tmp_path / "export").rglob("*.json.gz"))
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is damaged"):
        dmd("backfill", "--export", source, "--lake", "lake", "--state", "state", *KEYS)
    full_export(tmp_path / "export", [demand("other")], exportArn="another")

    with pytest.raises(UserError, match="export has changed since this backfill began: to start over, remove state"):
        dmd("backfill", "--export", source, "--lake", "lake", "--state", "state", *KEYS)


def test_two_runs_of_one_backfill_do_not_go_at_the_same_time(source: str, tmp_path: Path) -> None:
    from firehose.lake.backfill.state import State  # noqa: PLC0415

    with (
        State(tmp_path / "state").locked(),
        pytest.raises(UserError, match="this backfill is already running, with its state in state"),
    ):
        dmd("backfill", "--export", source, "--lake", "lake", "--state", "state")


def test_ctrl_c_is_exit_130_and_the_next_run_goes_on(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal  # noqa: PLC0415

    from firehose.lake.backfill.lake_loader import LakeLoader  # noqa: PLC0415

    deliver = LakeLoader.deliver

    def interrupted(lake: LakeLoader, records: Any, counts: Any, unit: int) -> None:
        signal.raise_signal(signal.SIGINT)
        deliver(lake, records, counts, unit)

    with monkeypatch.context() as patch:
        patch.setattr(LakeLoader, "deliver", interrupted)
        result = dmd("backfill", "--export", source, "--lake", "lake")

    assert result.exit_code == 130
    assert "stopped; rerun the same command to resume" in result.stderr
    next_one = dmd("backfill", "--export", source, "--lake", "lake", "--json")
    assert json.loads(next_one.stdout)["resumed"]
    assert "resumed an earlier run; the counts include it\n" in next_one.stderr
    assert fans(tmp_path / "lake") == ["a", "b"]


@pytest.mark.parametrize("broken", [{"sale"}, {"demand", "event", "notification", "sale"}], ids=["one", "all"])
def test_an_exception_of_our_function_is_named_by_class_file_and_line_without_its_text(
    source: str, monkeypatch: pytest.MonkeyPatch, broken: set[str]
) -> None:
    def handler(*_: Any) -> None:
        raise ValueError("+15550100")

    def built(variables: Any, *others: Any, **shared: Any) -> Any:
        return handler if variables["RECORD_TYPES"] in broken else build(variables, *others, **shared)

    monkeypatch.setattr(streams, "build", built)

    result = dmd("backfill", "--export", source, "--lake", "lake")
    found = summary("--export", source, "--lake", "another")

    assert "dmnd-sale: the function raised ValueError at test_backfill_command.py:" in result.stderr
    assert "(8 invocations)" in result.stderr
    assert "+15550100" not in result.output
    assert len(found["function_problems"]) == len(broken)
    assert found["read"] == sum(found["delivered"].values()) + sum(found["failed"].values()) == 4
    assert found["delivered"].get("demand", 0) == (2 if broken == {"sale"} else 0)
