"""Makes the help of every command of `dmd`: plain text that ends in a command to paste.

Plain, because rich alone would take `dmd --help` from 85 ms of CPU to 130 and more.
"""

from typing import Any

import typer


def plain_app(**settings: Any) -> typer.Typer:
    """Return an application for a command, or a group of them, without rich, completion and tracebacks of its own."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        **settings,
    )


def to_paste(command: str) -> str:
    r"""Return an epilog that is not wrapped: a paragraph behind a line of `\b` keeps its lines."""
    return f"\b\n{command}"
