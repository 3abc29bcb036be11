"""The commands of `dmd`, a file each. Data goes to stdout, the story to stderr, the verdict is the exit code."""

from enum import StrEnum

STOPPED = 130  # the exit code that a shell gives a program that Ctrl-C ended


class Mistake(Exception):  # noqa: N818 - the user's, not the program's: cli.main prints it as one sentence and exits 2
    """What the user asked for cannot be done: `no such lake: /data/lak`."""


class Format(StrEnum):
    """What the files of a lake are."""

    PARQUET = "parquet"
    AVRO = "avro"
