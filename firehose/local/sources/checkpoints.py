"""Checkpoints: how far each shard of a Kinesis stream is delivered, in a small file that survives a kill."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from firehose.local.os_errors import file_named
from firehose.local.private_files import make_folder, write_file
from firehose.local.user_error import UserError

# The checkpoint of a shard that has been read to its end.
END = "end"


class Checkpoints(msgspec.Struct):
    """The checkpoints of one stream, and the instant at which reading began.

    {"stream": "arn:...", "created_ms": 1735725600000, "start_ms": 1735725601000, "shards": {"shardId-0...": "49..."},
     "readers": ["prd3292-test-dmnd-sale"]}

    Reading begins at an instant and never at LATEST: a shard that had nothing to deliver has no checkpoint, and with
    LATEST a restart would skip what came to it in between.
    """

    stream: str
    created_ms: int
    start_ms: int
    shards: dict[str, str]
    readers: list[str] = []  # the delivery streams that have received everything before the checkpoints


def load_checkpoints(path: Path | None, stream: str, created_ms: int, start_ms: int) -> Checkpoints:
    """Return the checkpoints of a stream from its file; new ones if the file is missing or another stream's, or None.

    A stream that was deleted and made again under the same name is another stream.

    Raises:
        UserError: the file does not hold checkpoints.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Checkpoints) if path else None
    except FileNotFoundError:
        found = None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UserError(f"{path} is not a file of checkpoints: move it away, or name another --state") from None
    if found is not None and (found.stream, found.created_ms) == (stream, created_ms):
        return found
    return Checkpoints(stream, created_ms, start_ms, {})


def begin_again_for(checkpoints: Checkpoints, readers: Iterable[str]) -> list[str]:
    """Return the readers that are new to these checkpoints; if there are any, drop the checkpoints of all shards.

    {"shards": {"0": "49"}, "readers": ["sale"]}, ["avro", "sale"] -> ["avro"], and no shard has a checkpoint

    A new delivery stream must read from its creation on, and the others may have read further since.
    """
    names = sorted(readers)
    new = [name for name in names if checkpoints.shards and name not in checkpoints.readers]
    if new:
        checkpoints.shards.clear()
    checkpoints.readers = names
    return new


def save_checkpoints(path: Path, checkpoints: Checkpoints) -> None:
    """Replace the file as a whole: a kill leaves the old one or the new one."""
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with file_named(path):
        write_file(temporary, msgspec.json.format(msgspec.json.encode(checkpoints)))
    temporary.replace(path)


def readable(parents: Mapping[str, tuple[str, ...]], ended: set[str]) -> list[str]:
    """Return the shards to read now: those not at their end whose parents are all at theirs, or gone from the stream.

    {"0": (), "1": ("0",)}, set() -> ["0"];  the same, {"0"} -> ["1"]
    """
    return [
        shard
        for shard, of in parents.items()
        if shard not in ended and all(parent in ended or parent not in parents for parent in of)
    ]
