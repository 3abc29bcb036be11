"""The prompt of `dmd query`: what is typed, recalled and completed."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from firehose.cli.query_prompt import SqlCompleter, read_statements
from firehose.lake.query.athena.plan import row_types
from glue.schema import load

TABLES = row_types(load())
UP, CTRL_C, CTRL_D = "\x1b[A", "\x03", "\x04"


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


def typed(keyboard: PipeInput, keys: str, history: Path) -> list[str]:
    keyboard.send_text(keys + CTRL_D)
    return list(read_statements(TABLES, history))


def completions(sql: str) -> list[str]:
    """The names that complete the word before the bar."""
    before, _, after = sql.partition("|")
    document = Document(before + after, len(before))
    return [one.text for one in SqlCompleter(TABLES).get_completions(document, CompleteEvent())]


def test_enter_runs_a_statement_that_ends_in_a_semicolon_and_breaks_the_line_of_others(
    keyboard: PipeInput, tmp_path: Path
) -> None:
    assert typed(keyboard, "SELECT 1\r+ 2;\rSELECT 3; SELECT 4;\r", tmp_path / "h") == [
        "SELECT 1\n+ 2;",
        "SELECT 3; SELECT 4;",
    ]


@pytest.mark.parametrize("word", ["quit", "EXIT", "exit;", "\\q"])
def test_a_word_leaves_the_prompt(keyboard: PipeInput, tmp_path: Path, word: str) -> None:
    assert typed(keyboard, f"SELECT 1;\r{word}\rSELECT 2;\r", tmp_path / "h") == ["SELECT 1;"]


@pytest.mark.parametrize("word", ["help", "HELP;", "?"])
def test_a_word_says_again_how_to_type(
    keyboard: PipeInput, tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert typed(keyboard, f"{word}\rSELECT 1;\r", tmp_path / "h") == ["SELECT 1;"]
    assert capsys.readouterr().err.count("End a statement with ;") == 2


def test_ctrl_c_drops_what_is_typed_and_an_empty_line_is_nothing(keyboard: PipeInput, tmp_path: Path) -> None:
    assert typed(keyboard, f"SELECT 1{CTRL_C}\rSELECT 2;\r", tmp_path / "h") == ["SELECT 2;"]


def test_a_statement_is_recalled_whole_in_a_later_prompt_and_only_its_user_reads_the_history(
    keyboard: PipeInput, tmp_path: Path
) -> None:
    history = tmp_path / "h"
    typed(keyboard, "SELECT 1\r+ 2;\r", history)

    assert typed(keyboard, f"{UP}\r", history) == ["SELECT 1\n+ 2;"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_without_a_place_for_the_history_statements_run_all_the_same(keyboard: PipeInput, tmp_path: Path) -> None:
    assert typed(keyboard, "SELECT 1;\r", tmp_path / "none" / "h") == ["SELECT 1;"]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT * FROM latest_|", ["latest_demand", "latest_event", "latest_notification", "latest_sale"]),
        ("SELECT saleSt| FROM sale", ["salestartdatetime", "salestartdate"]),
        ("SELECT date.re| FROM demand", ["requested"]),
        ("SELECT d.date.re| FROM demand AS d", ["requested"]),
        ("SELECT demand.fan| FROM demand", ["fanid"]),
        ("SELECT date.requested.| FROM demand", []),
        ("SELECT saleSt| FROM demand", []),
        ("SELECT * FROM sale WHERE betw|", ["BETWEEN"]),
    ],
)
def test_tables_the_columns_of_the_tables_in_the_statement_and_their_fields_are_completed(
    sql: str, found: list[str]
) -> None:
    assert completions(sql) == found


def test_before_a_table_is_named_the_columns_of_all_are_offered() -> None:
    assert {"fanid", "messagebody", "venues"} < set(completions("SELECT |"))


def test_the_error_documents_are_a_table_too() -> None:
    assert completions("SELECT error.c| FROM errors") == ["code"]
