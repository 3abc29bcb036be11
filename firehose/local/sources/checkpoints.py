"""How far each shard of a Kinesis stream is delivered: a small file that a killed process finds again."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from firehose.local.user_error import UserError

# Where a shard has been read to its end, instead of a sequence number.
END = "end"


class Checkpoints(msgspec.Struct):
    """One stream's checkpoints, and the instant that reading began at.

    {"stream": "arn:...", "created_ms": 1735725600000, "start_ms": 1735725601000, "shards": {"shardId-0...": "49..."},
     "readers": ["prd3292-test-dmnd-sale"]}

    Reading begins at an instant and never at LATEST: a shard that had nothing to deliver has no checkpoint, and at
    LATEST a restart would pass over what came to it in between.
    """

    stream: str
    created_ms: int
    start_ms: int
    shards: dict[str, str]
    readers: list[str] = []  # the delivery streams that have all that comes before


def load_checkpoints(path: Path, stream: str, created_ms: int, start_ms: int) -> Checkpoints:
    """What the file says of this stream, else the start.

    Numbers of another stream mean nothing, and one that was deleted and made again under the same name is another.

    Raises:
        UserError: the file is there and is not ours.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Checkpoints)
    except FileNotFoundError:
        found = None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UserError(f"{path} holds no checkpoints: move it away, or name another folder with --state") from None
    if found is not None and (found.stream, found.created_ms) == (stream, created_ms):
        return found
    return Checkpoints(stream, created_ms, start_ms, {})


def begin_again_for(checkpoints: Checkpoints, readers: Iterable[str]) -> list[str]:
    """The readers that are new to these checkpoints: for them, all begin at the start again.

    {"shards": {"0": "49"}, "readers": ["sale"]}, ["avro", "sale"] -> ["avro"], and no shard has a checkpoint

    What a new delivery stream has to read begins when it was made; since then the others may have gone on without it.
    """
    names = sorted(readers)
    new = [name for name in names if checkpoints.shards and name not in checkpoints.readers]
    if new:
        checkpoints.shards.clear()
    checkpoints.readers = names
    return new


def save_checkpoints(path: Path, checkpoints: Checkpoints) -> None:
    """Replaces the file as a whole: whoever is killed meanwhile leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(checkpoints)))
    temporary.replace(path)


def readable(parents: Mapping[str, tuple[str, ...]], ended: set[str]) -> list[str]:
    """The shards to read now: those not at their end whose parents are, or are kept by the stream no longer.

    {"0": (), "1": ("0",)}, set() -> ["0"];  the same, {"0"} -> ["1"]
    """
    return [
        shard
        for shard, of in parents.items()
        if shard not in ended and all(parent in ended or parent not in parents for parent in of)
    ]
