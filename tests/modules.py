"""The modules that a statement loads."""

import os
import subprocess
import sys
from pathlib import Path

from tests.given import environment

ROOT = Path(__file__).parents[1]


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement, with a function's environment."""
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {statement}"
    variables = os.environ | environment("demand", claims=True)
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=variables, cwd=ROOT
    )
    return set(done.stderr.split())
