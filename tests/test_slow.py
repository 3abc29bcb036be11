"""Slow specifications: they begin first, and `make test-fast` leaves them out. What a worker takes as a whole."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import pytest_collection_modifyitems, scope
from tests.terraform import PROJECT


def item(name: str, *markers: str) -> Any:
    return SimpleNamespace(nodeid=name, get_closest_marker=lambda marker: marker if marker in markers else None)


def test_files_that_are_slow_begin_first_with_terraforms_before_all_and_the_order_is_else_kept() -> None:
    names = [
        ("a",),
        ("b", "slow"),
        ("c", "other"),
        ("d", "slow"),
        ("tests/terraform/e", "slow"),
        ("tests/terraform/f",),
    ]
    items = [item(*each) for each in names]

    pytest_collection_modifyitems(items)

    assert [each.nodeid for each in items] == ["tests/terraform/e", "b", "d", "a", "c", "tests/terraform/f"]


def test_workers_take_files_in_that_order_and_not_by_how_many_specifications_they_hold(
    pytestconfig: pytest.Config,
) -> None:
    assert pytestconfig.option.loadscopereorder is False


def test_files_that_look_at_the_same_plans_are_taken_by_one_worker() -> None:
    files = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "tests" / "terraform").glob("test_*.py")]
    looking = {file for file in files if re.search("(everything|least|otherwise): Plan", (PROJECT / file).read_text())}

    assert {file for file in files if scope(f"{file}::test_a") == "tests/terraform"} == looking
    assert scope("tests/terraform/test_deploy.py::test_a") == "tests/terraform/test_deploy.py"
