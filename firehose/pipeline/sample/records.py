"""Realistic change records for load tests, demonstrations and measurements, from a seed."""

from collections import deque
from collections.abc import Iterator
from random import Random

from firehose.pipeline.sample.lives import LIVES
from firehose.pipeline.sample.world import World

_TYPES = ["demand"] * 50 + ["notification"] * 38 + ["sale"] * 7 + ["event"] * 5  # of a hundred changes
_BROKEN_SHARE = 0.01
_DUPLICATE_SHARE = 0.006
_RECENT_CHANGES = 64  # a duplicate comes soon after its original

# The ways to break a change: each replaces a text in the INSERT of a demand.
_BREAKS = [
    (b'},"eventSource":"aws:dynamodb"}', b""),  # cut off: not JSON
    (b'"saleName":{"S":"', b'"saleName":{"S":"\xc3\x28'),  # not UTF-8
    (b'"NewImage":', b'"OldImage":'),  # an INSERT without its image
    (b'"fanId":{"S":', b'"fanId":{"N":'),  # the wrong tag
    (b'"saleName":{"S":', b'"saleName":{"N":"1","S":'),  # two tags
    (b'"requested":{"S":"2', b'"requested":{"S":"TBA 2'),  # a time that nobody can read
    (b'"saleId":', b'"saleIdentifier":'),  # a required attribute is missing
    (b'"type":{"S":"demand"}', b'"type":{"S":"waitlist"}'),  # a type that nobody archives
]


def changes(count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` change records, each the payload of one Kinesis record, without a newline.

    changes(2_000, seed=1) -> b'{"awsRegion":"us-east-1","eventID":"0f7c...","eventName":"INSERT",...}', ...

    The same count and seed give the same bytes on every Python. The clock runs over the same 60 days of traffic
    whatever the count. About 50 % demand, 37 % notification, 7 % sale, 5 % event; 1 % is broken, in one of eight ways,
    and 0.6 % repeats an earlier change to the byte. Memory does not grow with the count.
    """
    world = World(Random(seed), LIVES)  # noqa: S311 (a sample must repeat, not be a secret)
    recent: deque[bytes] = deque(maxlen=_RECENT_CHANGES)
    for number in range(count):
        world.set_clock(number / count)
        chance = world.random()
        if chance < _DUPLICATE_SHARE and recent:
            yield recent[world.below(len(recent))]
            continue
        line = _broken(world) if chance > 1 - _BROKEN_SHARE else world.change(world.one_of(_TYPES))
        recent.append(line)
        yield line


def items(count: int, seed: int) -> Iterator[bytes]:
    """Yield the images of `count` items as a table holds them, with their keys.

    items(2_000, seed=1) -> b'{"type":{"S":"demand"},...,"pk":{"S":"..."},"sk":{"S":"..."}}', ...
    """
    world = World(Random(seed), LIVES)  # noqa: S311 (as above)
    for number in range(count):
        world.set_clock(number / count)
        yield bytes(world.item(world.one_of(_TYPES)).image)


def _broken(world: World) -> bytes:
    sound, broken = world.one_of(_BREAKS)
    return world.insert("demand", followed=False).replace(sound, broken)
