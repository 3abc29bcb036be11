"""`dmd`, in this process and in one of its own, on files of change records."""

import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from firehose.cli.app import app
from tests.given import payload

# In a process of its own: [*DMD, "run", ...].
DMD = [sys.executable, "-c", "from firehose.cli import main; main()"]
SAMPLE = Path(__file__).parent / "corpora" / "sample.jsonl.gz"


def result_of(*arguments: str, standard_input: bytes | str | None = None) -> Result:
    """The result of a command: exit code, standard output and error. A UserError is raised."""
    result = CliRunner().invoke(app, list(arguments), input=standard_input, prog_name="dmd")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def dmd(*arguments: str, standard_input: bytes = b"") -> tuple[int, str]:
    """Exit code and standard output of a command."""
    result = result_of(*arguments, standard_input=standard_input)
    return result.exit_code, result.stdout


def write(path: Path, *records: Any) -> str:
    """A file of these change records, one a line; its path as text."""
    path.write_bytes(b"".join(payload(record) + b"\n" for record in records))
    return str(path)


def keys(lake: Path) -> dict[str, bytes]:
    """The objects of a lake in a folder, by key."""
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}
