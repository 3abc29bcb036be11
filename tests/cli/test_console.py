"""`dmd console`: what is at hand, where it comes from, and that nothing is written."""

import json
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from firehose.cli.app import app
from firehose.cli.console import InteractiveSession, banner
from firehose.cli.console_session import ConsoleSession, local_configuration, sample
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.package import checkout_package
from firehose.pipeline.up.resources import BUCKET, make_resources
from glue.layout import FILE_FORMATS, Format
from tests.commands import dmd, result_of
from tests.given import change, payload, s
from tests.local_aws import local_aws

pytestmark = pytest.mark.slow


@pytest.fixture
def console(tmp_path: Path) -> ConsoleSession:
    return ConsoleSession(local_configuration(Format.PARQUET), str(tmp_path / "lake"))


def run(*arguments: str, typed: str | None = None) -> Result:
    return result_of("console", *arguments, standard_input=typed)


def test_a_change_is_shown_as_the_row_that_its_function_makes_of_it(console: ConsoleSession) -> None:
    shown = console.process(change("demand", fanId=s("f7")))

    assert list(shown) == ["demand"]
    assert shown["demand"]["result"] == "Ok"
    assert shown["demand"]["row"]["fanid"] == "f7"
    assert shown["demand"]["partitionKeys"] == {"type": "demand", "date": "2025-01-01"}


def test_a_change_may_be_given_as_the_text_of_its_record(console: ConsoleSession) -> None:
    text = payload(change("demand")).decode()

    assert console.process(text) == console.process(text.encode()) == console.process(change("demand"))


def test_why_a_change_fails_is_shown_and_its_error_document_is_kept(console: ConsoleSession) -> None:
    shown = console.process(change("demand", fanId={"N": "1"}))["demand"]

    assert shown["result"] == "ProcessingFailed"
    assert (shown["error"]["code"], shown["error"]["path"]) == ("invalid", "fanId")
    assert shown["objects"] == list(console.objects)


def test_in_avro_mode_the_container_is_kept(tmp_path: Path) -> None:
    console = ConsoleSession(local_configuration(Format.AVRO), str(tmp_path))

    (key,) = console.process(change("sale"))["avro"]["objects"]

    assert console.objects[key].startswith(b"Obj\x01")
    assert list(tmp_path.iterdir()) == []


def test_what_a_function_logs_is_not_shown(console: ConsoleSession, capfd: pytest.CaptureFixture[str]) -> None:
    console.process(change("demand"))

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["demand", "event", "notification", "sale"])
def test_a_sample_of_each_type_is_delivered(console: ConsoleSession, name: str) -> None:
    shown = console.process(sample(name))

    assert {one["row"]["type"] for one in shown.values()} == {name}


def test_of_an_unknown_type_there_is_no_sample() -> None:
    with pytest.raises(UserError, match="dmd sample makes no gift"):
        sample("gift")


def test_sql_asks_the_consoles_lake_or_another(console: ConsoleSession, tmp_path: Path) -> None:
    changes = tmp_path / "changes.jsonl"
    changes.write_bytes(payload(change("sale")) + b"\n")
    dmd("run", str(changes), "--lake", console.lake)
    dmd("run", str(changes), str(changes), "--lake", str(tmp_path / "other"))

    assert console.sql("SELECT count(*) AS n FROM sale") == [{"n": 1}]
    assert console.sql("SELECT count(*) AS n FROM sale", str(tmp_path / "other")) == [{"n": 2}]
    assert console.sql("SELECT count(*) AS n FROM sale", file_format="avro") == [{"n": 0}]


def test_every_example_of_the_banner_can_be_typed_as_it_stands(console: ConsoleSession, tmp_path: Path) -> None:
    (tmp_path / "lake" / "data-pipeline").mkdir(parents=True)
    examples = [re.split("  +", line)[3] for line in banner(console, "").splitlines() if line.startswith("  ")]

    assert len(examples) == 6
    assert max(map(len, banner(console, "").splitlines()[2:])) <= 80
    for example in examples:
        eval(example, dict(console.names))  # noqa: S307 - our own


def test_code_is_run_with_the_names_at_hand() -> None:
    done = run("-c", "print(sorted(types)); print(lake)", "--lake", "x")

    assert (done.exit_code, done.stdout) == (0, "['demand', 'event', 'notification', 'sale']\nx\n")


def test_what_comes_by_a_pipe_is_run() -> None:
    done = run("--format", "avro", typed="for name in configuration:\n    print(name)\n")

    assert (done.exit_code, done.stdout) == (0, "avro\n")


def test_what_code_raises_is_shown_from_its_own_line_on() -> None:
    done = run("-c", "1 / 0")

    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "Traceback (most recent call last):",
        '  File "<console>", line 1, in <module>',
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["-c", "sql('SELECT 1')", "--lake", "nowhere"], "no such lake: nowhere", id="no lake"),
        pytest.param(["--env", "dev1", "--format", "avro"], "--format is for the local pipeline", id="both"),
    ],
)
def test_what_cannot_be_done_is_the_users_mistake(arguments: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        run(*arguments)


def test_at_a_terminal_there_is_a_banner_and_a_mistake_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, terminal = pty.openpty()
    os.write(ours, b"sql('SELECT 1')\nlen(types)\n\x04")
    with open(terminal) as stdin:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdin", stdin)
        app(["console", "--lake", "nowhere"], standalone_mode=False)
    os.close(ours)

    printed = capsys.readouterr()
    assert "dmd console: the local pipeline; lake nowhere; Ctrl-D ends it" in printed.err
    assert "no such lake: nowhere is not a folder\n" in printed.err
    assert "Traceback" not in printed.err
    assert "4" in printed.out.split()


def test_other_errors_are_shown_as_python_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    InteractiveSession({}).runsource("1 / 0")

    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.fixture(scope="module")
def environment() -> Iterator[Endpoint]:
    with local_aws() as address:
        endpoint = Endpoint(address)
        make_resources(endpoint, FILE_FORMATS, checkout_package())
        yield endpoint


@pytest.fixture
def reached(environment: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    for name, value in environment.variables.items():
        monkeypatch.setenv(name, value)
    return environment


def test_with_an_environment_the_configuration_is_what_is_deployed_there(reached: Endpoint) -> None:
    code = "import json; print(json.dumps([lake, {name: dict(one.variables) for name, one in configuration.items()}]))"

    lake, deployed = json.loads(run("--env", "test", "-c", code).stdout)

    assert lake == f"s3://{BUCKET}"
    types = ["avro", "demand", "event", "notification", "sale"]
    assert sorted(deployed) == types
    assert deployed["sale"]["RECORD_TYPES"] == "sale"


def test_functions_run_on_it_and_write_nothing_there(reached: Endpoint) -> None:
    code = 'print(*process(sample("sale"))); process("{"); print(len(objects))'

    done = run("--env", "test", "-c", code)

    assert done.stdout == "avro sale\n3\n"
    assert reached.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_an_environment_where_nothing_is_deployed_is_the_users_mistake(reached: Endpoint) -> None:
    with pytest.raises(UserError, match=f"{reached.url} has no delivery stream prd3292-dev1-dmnd-"):
        run("--env", "dev1", "-c", "")


def test_help_ends_in_a_command_to_paste() -> None:
    lines = run("--help").stdout.strip().splitlines()

    assert lines[-1].strip().startswith("dmd console ")


def test_a_configuration_holds_the_request_and_the_table(reached: Endpoint) -> None:
    code = (
        'one = configuration["sale"]\n'
        'print(one.request["DeliveryStreamName"], one.table_input["Name"])\n'
        'print(configuration["avro"].table_input)'
    )

    assert run("--env", "test", "-c", code).stdout == "prd3292-test-dmnd-sale sale\nNone\n"
