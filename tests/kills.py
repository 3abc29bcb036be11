"""Announce each step of a command that changes a disk, so that a specification kills it there."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy.orm import Session

from firehose.local.iceberg_catalogs import _PrivateFile
from tests.commands import result_of

Steps: TypeAlias = tuple[tuple[Any, str], ...]

# A put and a deletion are made of the first two, a file and a commit of Iceberg tables of the others; nothing else
# changes what the next job finds.
STEPS: Steps = ((os, "replace"), (os, "unlink"), (_PrivateFile, "create"), (Session, "commit"))


def each_step(steps: Steps, before: Callable[[int], None], put: Any = setattr) -> None:
    """Calls `before` with the number of each step before it is taken."""
    numbers = itertools.count(1)

    def announced(take: Any) -> Any:
        def step(*arguments: Any, **named: Any) -> Any:
            before(next(numbers))
            return take(*arguments, **named)

        return step

    for owner, name in steps:
        put(owner, name, announced(getattr(owner, name)))


def kill_each(command: str, *arguments: str) -> None:
    """In a process of its own: forks a child for each lake, which dies at the step that the lake is named after.

    kill_each("compact", "--min-files", "2", "--", "/tmp/7", "/tmp/8-after-7")
    """
    import_module(f"firehose.cli.{command}")  # once, and not in each child
    options, lakes = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    children = []
    for lake in map(Path, lakes):
        child = os.fork()
        if child == 0:
            dies_at = int(lake.name.partition("-")[0])
            each_step(STEPS, lambda number, at=dies_at: os._exit(9) if number == at else None)  # type: ignore[misc]
            try:
                result_of(command, "--lake", str(lake), *options)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")


def kill(lakes: list[Path], command: str, *options: str) -> list[int]:
    """Runs a command on each lake, killed at its step; the exit codes."""
    code = "import sys; from tests.kills import kill_each; kill_each(*sys.argv[1:])"
    arguments = [sys.executable, "-W", "ignore", "-c", code, command, *options, "--", *map(str, lakes)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]


def steps_of(run: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of steps that a command takes in this process."""
    taken: list[int] = []
    with monkeypatch.context() as patch:
        each_step(STEPS, taken.append, patch.setattr)
        run()
    return len(taken)
