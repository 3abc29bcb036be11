"""Which files of specifications begin first: a worker takes a whole file, so the last decides the end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import LONGEST, pytest_collection_modifyitems


def test_the_files_that_take_longest_begin_first() -> None:
    items: list[Any] = [
        SimpleNamespace(path=Path(name)) for name in ("test_arrow.py", *reversed(LONGEST), "test_up.py")
    ]

    pytest_collection_modifyitems(items)

    assert [item.path.name for item in items] == [*LONGEST, "test_arrow.py", "test_up.py"]


def test_workers_take_files_in_that_order_and_not_by_how_many_specifications_they_hold(
    pytestconfig: pytest.Config,
) -> None:
    assert pytestconfig.option.loadscopereorder is False


@pytest.mark.parametrize("name", LONGEST)
def test_what_is_named_to_begin_first_is_there(name: str) -> None:
    assert len([*Path(__file__).parent.rglob(name)]) == 1
