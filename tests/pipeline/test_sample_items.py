"""The sample's items by BR-20, as another program computes them, and each shown once by the views."""

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from firehose.lake.query.sql import query
from firehose.local.sinks import FolderSink
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline
from glue.layout import FILE_FORMATS
from glue.schema import load
from tests.given import number_changes

pytestmark = pytest.mark.slow


def items_by_change() -> dict[str, str]:
    """The item of each change of the sample that can be read, by its id."""
    found = {}
    for line in changes(2_000, seed=1):
        with suppress(ValueError):
            change = json.loads(line)
            keys = json.dumps(change["dynamodb"]["Keys"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            found[change["eventID"]] = sha256(keys.encode()).hexdigest()[:32]
    return found


@pytest.fixture(scope="module", params=FILE_FORMATS)
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp(request.param)
    local_pipeline(FolderSink(folder), file_format=request.param).run(number_changes(changes(2_000, seed=1)))
    return folder


@pytest.mark.parametrize("name", load())
def test_every_row_says_which_item_it_is_of_and_the_view_shows_each_item_once(lake: Path, name: str) -> None:
    expected = items_by_change()

    rows = query(f"SELECT change.id, change.item FROM {name}", str(lake)).rows  # noqa: S608
    ((shown, items),) = query(
        f"SELECT count(*), count(DISTINCT change.item) FROM latest_{name}",  # noqa: S608
        str(lake),
    ).rows

    assert rows
    assert [row for row in rows if expected[row[0]] != row[1]] == []
    assert shown == items == len({item for _, item in rows})


def test_items_of_one_reference_are_told_apart(lake: Path) -> None:
    sql = "SELECT count(*), count(DISTINCT reference.id) FROM latest_notification"

    assert query(sql, str(lake)).rows == [(357, 219)]
