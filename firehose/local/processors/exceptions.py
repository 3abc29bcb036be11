"""Describes an exception of a function as Lambda logs it.

Imports nothing but Python: function_runtime.py loads it in a process that has the function's code on its path.
"""

import traceback
from pathlib import Path

_OURS = str(Path(__file__).parents[2])


def exception_log(error: BaseException) -> tuple[str, str]:
    r"""Return where an exception was raised, and the lines that Lambda logs of it.

    -> ("ValueError at orders.py:7", '[ERROR] ValueError: at order 7\nTraceback (most recent call last):\n  File ...')

    The first quotes nothing. The second has the exception's text, which may quote a record.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_OURS)] or list(frames)
    name = type(error).__name__
    lines = [f"[ERROR] {name}: {_text(error)}\n", "Traceback (most recent call last):\n", *traceback.format_list(own)]
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
    return f"{name} at {place}", "".join(lines)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class of the user's
        return "<its text cannot be made>"
