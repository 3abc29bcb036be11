"""Another Python to measure with: one that was compiled with its own profile, as Lambda's is.

Such a Python (configured with --enable-optimizations, as those of distributions are) runs the floor, whose base64 is
Python's own, almost twice as fast, and the function hardly faster. So the same code has other ratios.
"""

import os
import site
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parent.parent
# Where the system's Python lies; a distribution compiles it with its profile.
_SYSTEM = (f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}", "/usr/bin/python3")
_VERSION = "import platform, sys; print(platform.python_version(), sys.implementation.cache_tag, sys._base_executable)"


def environment_of(python: str) -> dict[str, str]:
    """Return the environment in which another Python of our version imports our packages and this project."""
    if python == sys.executable:
        return dict(os.environ)
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *site.getsitepackages()])}


def version_of(python: str) -> str:
    """Return the version of a Python, 3.11.7; empty if it cannot be run."""
    return (_asked(python) or [""])[0]


def system_python() -> str | None:
    """Return the system's Python if our packages' compiled parts work there and it is another than this one."""
    ours = _asked(sys.executable)
    for python in _SYSTEM:
        theirs = _asked(python)
        if ours and theirs and theirs[1] == ours[1] and os.path.realpath(theirs[2]) != os.path.realpath(ours[2]):
            return python
    return None


def _asked(python: str) -> list[str] | None:
    try:
        run = subprocess.run([python, "-c", _VERSION], check=True, capture_output=True, text=True, env=_clean())
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.split()


def _clean() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
