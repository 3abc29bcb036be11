"""Finds the environments that have a Terraform root, and asks for confirmation before one is changed."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firehose.local.user_error import UserError

# Deployed by hand, never in CI.
PRODUCTION = "prod1"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment and its root: Environment("dev1", Path("terraform/tm-nonprod/dev1"))."""

    name: str
    root: Path

    @property
    def is_production(self) -> bool:
        """True if it is never deployed in CI."""
        return self.name == PRODUCTION


def find_environment(name: str, project: Path) -> Environment:
    """Return the environment of this name in a checkout.

    Raises:
        UserError: it has no root.
    """
    roots = {path.parent.name: path.parent for path in sorted(project.glob("terraform/tm-*/*/terraform.tfvars"))}
    if name not in roots:
        raise UserError(f"unknown environment '{name}' (choose from {', '.join(roots)})")
    return Environment(name, roots[name])


def in_ci() -> bool:
    """Return True if nobody can answer a question."""
    return os.environ.get("CI") == "true"


def refuse_in_ci(environment: Environment, step: str) -> None:
    """Check that an environment may be changed here.

    Raises:
        UserError: it is production, and this is CI.
    """
    if environment.is_production and in_ci():
        raise UserError(f"{environment.name} is not {step} in CI: run this at a terminal and confirm with its name")


def confirm(environment: Environment, question: str, ask: Callable[[str], str] = input) -> None:
    """Ask whether to go on. CI is not asked; production is confirmed by its name.

    Raises:
        UserError: the user refuses, or standard input is not a terminal.
    """
    refuse_in_ci(environment, "changed")
    if in_ci():
        return
    if ask is input and not sys.stdin.isatty():
        raise UserError("no terminal to ask at: set CI=true to go on without confirmation")
    wanted = environment.name if environment.is_production else "yes"
    try:
        answer = ask(f"{question} Type {wanted} to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != wanted:
        raise UserError("stopped: nothing was changed")
