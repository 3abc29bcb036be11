"""Options that mean the same in several commands."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firehose.lake.erasure.erasure_key import ENVIRONMENT
from firehose.lake.jobs.job import Executor
from firehose.local.user_error import UserError

# The environment variable that names the lake of commands that only read. Commands that write need --lake.
DMD_LAKE = "DMD_LAKE"

HELP = "A folder, or s3://bucket."
_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII).fullmatch
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Lake = Annotated[str, typer.Option("--lake", help=HELP, metavar="LAKE")]
LakeToRead = Annotated[str, typer.Option("--lake", help=HELP, metavar="LAKE", envvar=DMD_LAKE)]

State = Annotated[
    Path | None, typer.Option("--state", help="The folder for checkpoints of a stream.", metavar="FOLDER")
]

ErasureKey = Annotated[
    str,
    typer.Option(
        "--erasure-key",
        help="The key of the lake's list of erased subjects: a file, or the ARN of a KMS key. "
        "[default: a file beside the list]",
        metavar="FILE",
        envvar=ENVIRONMENT,
        show_default=False,
    ),
]

Processes = Annotated[
    int, typer.Option("--processes", metavar="COUNT", help="Number of processes, or of Spark's cores.", min=1, max=64)
]


class Engine(StrEnum):
    """The executors of a job: processes of this machine, or Spark."""

    LOCAL = "local"
    SPARK = "spark"

    def executor(self, processes: int) -> Executor:
        """Return an executor with this number of processes, or of Spark's cores."""
        from firehose.lake.jobs.pool import Pool  # noqa: PLC0415 - few of the commands that share options run a job
        from firehose.lake.jobs.spark import Spark  # noqa: PLC0415 - as above; Spark itself is imported when it runs

        return Spark(processes) if self is Engine.SPARK else Pool(processes)


EngineOption = Annotated[Engine, typer.Option("--engine", help="Processes of this machine, or Apache Spark.")]


def duration(text: str) -> timedelta:
    """Return the duration that a text names: "90s", "5m", "2h", "1d".

    Raises:
        UserError: the text is not a duration.
    """
    match = _DURATION(text)
    if match is None:
        raise UserError(f"'{text}' is not a duration: a number and one of s, m, h, d, as in 5m")
    return int(match[1]) * _UNITS[match[2]]


def moment(text: str) -> int:
    """Return a time in epoch microseconds: "2025-03-01T10:00:00Z" -> 1740823200000000. Without a zone it is in UTC.

    Raises:
        UserError: the text is not a time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is not a time (2025-03-01T10:00:00Z)") from None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)


def either(one: str, value: str, other: str, other_value: str) -> str:
    """Return the value of whichever of two options is given.

    Raises:
        UserError: neither is given, or both are.
    """
    if bool(value) == bool(other_value):
        raise UserError(f"specify either {one} or {other}" + (", not both" if value else ""))
    return value or other_value
