"""Loads a user's handler into this process, or starts it in a process of its own."""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, cast

from firehose.local.processors.function_process import FunctionConfiguration, FunctionProcess, handler_names
from firehose.local.processors.invocation import Function
from firehose.local.user_error import UserError


def load_function(handler: str, folder: Path | None = None) -> Function:
    """Load the function that a handler names into this process; its folder stays on the module path.

    load_function("orders:handler")  ->  `handler` of orders.py in the current folder

    It cannot be stopped at its time limit here: its late answer is thrown away when it has ended.

    Raises:
        UserError: the module or function is missing, is not callable, or raises when it is loaded.
    """
    module_name, name = handler_names(handler)
    where = (folder or Path.cwd()).resolve()
    if str(where) not in sys.path:
        sys.path.insert(0, str(where))
    importlib.invalidate_caches()
    _check_own(module_name.partition(".")[0], where, handler)
    function = getattr(_module(module_name, where, handler), name, None)
    if function is None:
        raise UserError(f"{handler}: {module_name} in {where} has no {name}")
    if not callable(function):
        raise UserError(f"{handler}: {name} is not callable but {type(function).__name__}")
    return cast("Function", function)


def start_function(
    configuration: FunctionConfiguration, folder: Path | None = None, surroundings: dict[str, str] | None = None
) -> FunctionProcess:
    """Start the function that a handler names in a process of its own, and wait until it is loaded.

    start_function(FunctionConfiguration("orders", arn, "orders:handler", timeout_seconds=3, memory_mib=256))

    `surroundings` are variables beside the function's own. Our own reach it too, except those that begin with AWS_.
    The caller closes the function.

    Raises:
        UserError: the function cannot be loaded.
    """
    function = FunctionProcess(configuration, (folder or Path.cwd()).resolve(), surroundings or {})
    function.start()
    function.wait_until_loaded()
    return function


def folder_of(handler: str, folders: Sequence[Path]) -> Path:
    """Return the first of these folders that has the module of a handler; the first of all if none has it.

    folder_of("orders:handler", [Path.cwd(), Path("streams")])  ->  Path("streams"), which has orders.py
    """
    top = handler_names(handler)[0].partition(".")[0]
    places = [folder for folder in folders if PathFinder.find_spec(top, [str(folder.resolve())])]
    return places[0] if places else folders[0]


def _check_own(top: str, folder: Path, handler: str) -> None:
    """Refuse a module whose name is taken: Python would not load it, but return the other one."""
    loaded = sys.modules.get(top)
    own = PathFinder.find_spec(top, [str(folder)])
    if loaded is not None and own is not None and own.origin != getattr(loaded, "__file__", None):
        raise UserError(f"{handler}: another module {top} is loaded here already; give yours another name")


def _module(name: str, folder: Path, handler: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise UserError(f"{handler}: module {name} not found in {folder}") from None
        raise UserError(f"{handler}: {name} needs the module {missing}, which is not installed") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # The user's own code, before there is any record.
        raise UserError(f"{handler} cannot be loaded: {type(error).__name__} {error}".rstrip()) from error
