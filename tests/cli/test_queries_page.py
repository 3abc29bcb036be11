"""docs/queries.md: each of its queries gives the answer that it shows, over the sample."""

import re
from pathlib import Path

import pytest

from tests.commands import SAMPLE, dmd

PAGE = Path(__file__).parent.parent.parent / "docs" / "queries.md"
QUESTIONS = re.findall(r"^### (.*?)\n.*?^```sql\n(.*?)^```\n\n^```text\n(.*?)^```", PAGE.read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("lake"))
    assert dmd("run", str(SAMPLE), "--lake", folder)[0] == 0
    return folder


def test_the_page_asks_twenty_questions() -> None:
    assert [question.split(".")[0] for question, _, _ in QUESTIONS] == [str(number) for number in range(1, 21)]
    assert PAGE.read_text().count("```") == 20 * 4, "every query is followed by its answer, and nothing else is quoted"


@pytest.mark.parametrize(("sql", "answer"), [pytest.param(sql, answer, id=name) for name, sql, answer in QUESTIONS])
def test_the_answer_is_that_of_the_sample(lake: str, sql: str, answer: str) -> None:
    assert dmd("query", sql, "--lake", lake) == (0, answer)
