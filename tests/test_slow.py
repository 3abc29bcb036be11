"""Slow specifications: they begin first, and `make test-fast` leaves them out."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import pytest_collection_modifyitems


def item(name: str, *markers: str) -> Any:
    return SimpleNamespace(name=name, get_closest_marker=lambda marker: marker if marker in markers else None)


def test_files_that_are_slow_begin_first_and_the_order_is_else_kept() -> None:
    items = [item("a"), item("b", "slow"), item("c", "other"), item("d", "slow")]

    pytest_collection_modifyitems(items)

    assert [each.name for each in items] == ["b", "d", "a", "c"]


def test_workers_take_files_in_that_order_and_not_by_how_many_specifications_they_hold(
    pytestconfig: pytest.Config,
) -> None:
    assert pytestconfig.option.loadscopereorder is False
