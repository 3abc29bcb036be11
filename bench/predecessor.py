"""Run (c) the predecessor's steps on Node, in a process that runs its batch once per request."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

from bench.batches import Batch
from bench.image_schema import image_schema
from bench.rounds import Contender, Round
from glue.schema import load

_HERE = Path(__file__).parent


class UnavailableError(Exception):
    """The predecessor cannot run here; the message says why: "node not found"."""


class Predecessor:
    """A Node process that is warmed up."""

    def __init__(self, process: "subprocess.Popen[str]", records: int) -> None:
        self._questions, self._answers = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        self._records = records
        self._answer()  # the end of its warm-up

    def run(self) -> Round:
        """Run the batch once more, timed by the Node process itself."""
        self._questions.write("\n")
        self._questions.flush()
        return self._answer()

    def _answer(self) -> Round:
        line = self._answers.readline()
        if not line:
            raise UnavailableError("node failed")
        answer = json.loads(line)
        return Round(answer["us_per_record"] * self._records / 1e6, answer["failed"])


def install() -> None:
    """Install the packages of bench/package-lock.json into bench/node_modules, once.

    Raises:
        UnavailableError: node or npm is missing, or npm fails.
    """
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise UnavailableError(f"{program} not found")
    if (_HERE / "node_modules" / ".package-lock.json").exists():
        return
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    if subprocess.run(npm, cwd=_HERE, check=False, capture_output=True).returncode:
        raise UnavailableError("npm ci failed")


@contextmanager
def predecessor(
    batch: Batch, row_schemas: Mapping[str, Any] | None = None, bodies: Sequence[bytes] = ()
) -> Iterator[Predecessor]:
    """Start a warm predecessor for a batch, and end it with the context.

    Given Avro schemas, it writes containers. Given the bodies of events, it is invoked with each as Lambda's runtime
    does it.
    """
    with TemporaryDirectory() as folder:
        schemas, records = Path(folder, "schemas.json"), Path(folder, "batch.txt")
        schemas.write_text(json.dumps({name: image_schema(kind) for name, kind in load().items()}))
        records.write_bytes(b"\n".join(bodies) or "\n".join(batch.encoded).encode())
        command = ["node", str(_HERE / "predecessor.mjs"), str(schemas), str(records)]
        command += ["--invocations"] if bodies else []
        if row_schemas:
            rows = Path(folder, "rows.json")
            rows.write_text(json.dumps(row_schemas))
            command.append(str(rows))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield Predecessor(process, len(batch.lines))


@contextmanager
def on_node(
    name: str, batch: Batch, row_schemas: Mapping[str, Any] | None = None, bodies: Sequence[bytes] = ()
) -> Iterator[tuple[dict[str, Contender], dict[str, str]]]:
    """Yield the predecessor as a contender of this name; or none, and by its name why it cannot run here."""
    with ExitStack() as stack:
        try:
            install()
            node = stack.enter_context(predecessor(batch, row_schemas, bodies))
        except UnavailableError as why:
            yield {}, {name: str(why)}
        else:
            yield {name: node.run}, {}
