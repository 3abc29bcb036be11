"""A handler is named as people name it, and what is wrong with the name is told."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firehose.local.processors.function_process import handler_names
from firehose.local.processors.functions import folder_of, load_function
from firehose.local.user_error import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of code; what was loaded from it is forgotten."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("handler", "names"),
    [
        ("orders:handler", ("orders", "handler")),
        ("orders.handler", ("orders", "handler")),
        ("a.b:handler", ("a.b", "handler")),
        ("src/orders.handler", ("src.orders", "handler")),
    ],
)
def test_a_handler_is_spelled_as_in_python_or_in_lambda(handler: str, names: tuple[str, str]) -> None:
    assert handler_names(handler) == names


@pytest.mark.parametrize(
    "handler", ["", "handler", ":handler", "orders:", "orders.", "a b:c", "/a.b", "a:b:c", "a..b:c"]
)
def test_what_is_no_handler_is_refused(handler: str) -> None:
    with pytest.raises(UserError, match="is not a handler: write module:function"):
        handler_names(handler)


def test_a_function_is_loaded_with_what_lies_beside_it(folder: Path) -> None:
    (folder / "near_by.py").write_text("answer = 42\n")
    (folder / "orders_one.py").write_text(
        "def handler(event, context):\n    import near_by\n    return near_by.answer\n"
    )

    assert load_function("orders_one:handler", folder)({}, None) == 42


def test_the_folder_is_the_current_one_if_none_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "orders_two.py").write_text("def handler(event, context): return 42\n")
    monkeypatch.chdir(folder)

    assert load_function("orders_two.handler")({}, None) == 42


@pytest.mark.parametrize(
    ("handler", "code", "told"),
    [
        pytest.param("orders_none:f", "", "module orders_none not found in", id="no module"),
        pytest.param("orders_three.deep:f", "", "module orders_three.deep not found in", id="no package"),
        pytest.param("orders_three:f", "", "orders_three in .* has no f$", id="no function"),
        pytest.param("orders_three:f", "f = 1", "f is not callable but int$", id="not callable"),
        pytest.param("orders_three:f", "import not_there", "needs the module not_there", id="needs another"),
        pytest.param("orders_three:f", "raise ValueError('X')", "cannot be loaded: ValueError X$", id="raises"),
        pytest.param("orders_three:f", "raise SystemExit", "cannot be loaded: SystemExit$", id="exits"),
        pytest.param("orders_three:f", "f = (", "cannot be loaded: SyntaxError", id="no Python"),
    ],
)
def test_what_cannot_be_loaded_is_the_users_mistake(folder: Path, handler: str, code: str, told: str) -> None:
    (folder / "orders_three.py").write_text(code)

    with pytest.raises(UserError, match=told):
        load_function(handler, folder)


def test_a_module_of_a_name_that_is_taken_is_not_mistaken_for_the_other(folder: Path) -> None:
    (folder / "firehose.py").write_text("def handler(event, context): return 1\n")

    with pytest.raises(UserError, match="another module firehose is loaded here already"):
        load_function("firehose:handler", folder)


def test_a_module_is_looked_for_in_one_folder_after_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (second / "shop").mkdir(parents=True)
    first.mkdir()
    (first / "both.py").touch()
    (second / "both.py").touch()
    (second / "shop" / "__init__.py").touch()

    assert folder_of("both:handler", (first, second)) == first
    assert folder_of("shop.orders:handler", (first, second)) == second
    assert folder_of("neither:handler", (first, second)) == first
