"""`dmd glue build`, `check` and `ddl`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firehose.cli.glue import app
from firehose.local.user_error import UserError
from tests.invented import gift, member, optional


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(folder: Path, schema: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gift.avsc").write_text(json.dumps(schema))
    return folder


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    return write(tmp_path / "schemas", gift(member("x", optional("string"))))


@pytest.fixture
def built(tmp_path: Path, schemas: Path) -> Path:
    run("build", "--schemas", schemas, "--out", tmp_path)
    return tmp_path


def test_build_names_what_it_wrote_and_then_has_nothing_to_do(tmp_path: Path, schemas: Path) -> None:
    first = run("build", "--schemas", schemas, "--out", tmp_path)
    second = run("build", "--schemas", schemas, "--out", tmp_path)

    assert first.stdout.splitlines() == [
        "written  docs/data-dictionary.md",
        "written  glue/athena/deletions.sql",
        "written  glue/athena/merges.json",
        "written  glue/athena/personal-data-of-deleted.sql",
        "written  glue/athena/rows-without-item.sql",
        "written  glue/athena/views.json",
        "written  glue/tables/errors.json",
        "written  glue/tables/gift.json",
    ]
    assert second.stdout == ""
    assert "nothing to do" in second.stderr


def test_build_of_other_schemas_does_not_overwrite_ours(schemas: Path) -> None:
    result = run("build", "--schemas", schemas)

    assert isinstance(result.exception, UserError)
    assert "--out" in str(result.exception)


def test_check_passes_on_our_own_files() -> None:
    assert run("check").exit_code == 0


def test_check_refuses_a_file_changed_by_hand(built: Path, schemas: Path) -> None:
    (built / "glue/tables/gift.json").write_text("{}")

    result = run("check", "--schemas", schemas, "--out", built)

    assert result.exit_code == 1
    assert result.stdout.startswith("glue/tables/gift.json: different")


def test_check_names_each_breaking_change_against_a_folder(built: Path, schemas: Path) -> None:
    older = write(built / "older", gift(member("x", optional("string"), pii=True), member("y")))

    result = run("check", "--schemas", schemas, "--out", built, "--against", older)

    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == ["gift.x", "gift.y"]


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def history(built: Path, schemas: Path) -> Path:
    """A repository whose one commit holds the schemas."""
    git(built, "init", "--quiet")
    git(built, "add", "schemas")
    git(built, "commit", "--quiet", "--message", "schemas")
    return built


def test_check_against_a_git_revision_refuses_what_breaks_since(history: Path, schemas: Path) -> None:
    write(schemas, gift())
    run("build", "--schemas", schemas, "--out", history)

    result = run("check", "--schemas", schemas, "--out", history, "--against", "HEAD")

    assert result.exit_code == 1
    assert result.stdout.startswith("gift.x: removed")


def test_check_against_a_git_revision_passes_what_does_not_break(history: Path, schemas: Path) -> None:
    write(schemas, gift(member("x", optional("string")), member("y", optional("int"))))
    run("build", "--schemas", schemas, "--out", history)

    assert run("check", "--schemas", schemas, "--out", history, "--against", "HEAD").exit_code == 0


@pytest.mark.parametrize("against", ["nothing", "--version", "HEAD~7", ""])
def test_check_against_what_is_no_revision_is_the_users_mistake(history: Path, schemas: Path, against: str) -> None:
    result = run("check", "--schemas", schemas, "--out", history, f"--against={against}")

    assert isinstance(result.exception, UserError)


def test_check_against_a_revision_before_the_schemas_is_the_users_mistake(tmp_path: Path, schemas: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "nothing")

    result = run("check", "--schemas", schemas, "--out", tmp_path, "--against", "HEAD")

    assert isinstance(result.exception, UserError)
    assert "HEAD" in str(result.exception)


def test_a_schema_that_is_none_is_the_users_mistake_with_its_path(tmp_path: Path) -> None:
    schemas = write(tmp_path / "schemas", gift(member("x", "text")))

    for arguments in (["build", "--out", tmp_path], ["check", "--out", tmp_path], ["ddl"]):
        result = run(*arguments, "--schemas", schemas)

        assert isinstance(result.exception, UserError)
        assert str(result.exception).startswith("gift.x: ")


def test_ddl_prints_the_tables_asked_for_over_the_bucket_given() -> None:
    result = run("ddl", "demand", "errors", "--bucket", "b", "--database", "d", "--format", "avro")

    assert result.stdout.count("CREATE EXTERNAL TABLE") == 2
    assert "`d`.`demand`" in result.stdout
    assert "'s3://b/data-pipeline/avro/demand/'" in result.stdout
    assert "'s3://b/data-pipeline/errors/records/'" in result.stdout


def test_ddl_prints_every_table_unless_some_are_named() -> None:
    assert run("ddl").stdout.count("CREATE EXTERNAL TABLE") == 5


def test_ddl_of_no_such_table_is_the_users_mistake() -> None:
    result = run("ddl", "demands")

    assert isinstance(result.exception, UserError)
    assert "demand, errors, event" in str(result.exception)


@pytest.mark.parametrize("command", ["build", "check", "ddl"])
def test_help_ends_in_a_command_to_paste(command: str) -> None:
    last = run(command, "--help").stdout.strip().splitlines()[-1]

    assert last.strip().startswith("dmd glue ")
