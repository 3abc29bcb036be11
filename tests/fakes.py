"""Stand-ins for what tests must not reach: a bucket in memory, and calls that fail as often as a test asks."""

import json
from collections.abc import Callable
from math import inf
from typing import Any


def accepting(_: str) -> None:
    """Lets every put through: the `before` of a bucket that refuses nothing."""


class MemorySink(dict[str, bytes]):
    """A bucket in memory: bodies by key. A second put of a key replaces the first, as in S3.

    `before` is called with the key of each put, before the object is kept: it may raise, wait or count.

    MemorySink(failing(2, OSError("refused")))  # the first two puts fail
    MemorySink(refusing("errors/"))             # every put below errors/ fails, until sink.before = accepting
    MemorySink(lambda key: released.wait(10))   # puts hang until the test releases them
    """

    def __init__(self, before: Callable[[str], object] = accepting, *, concurrent_puts: int = 1) -> None:
        super().__init__()
        self.before = before
        self.concurrent_puts = concurrent_puts
        self.tried: list[str] = []  # the key of every put, whether it succeeded or not
        self.content_types: dict[str, str] = {}
        self.content_encodings: dict[str, str] = {}

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """PutObject."""
        assert content_type
        self.tried.append(key)
        self.before(key)
        self[key] = body
        self.content_types[key] = content_type
        self.content_encodings[key] = content_encoding

    def under(self, prefix: str) -> dict[str, bytes]:
        """The objects whose keys begin with `prefix`."""
        return {key: body for key, body in self.items() if key.startswith(prefix)}

    def documents(self, prefix: str = "") -> list[dict[str, Any]]:
        """The JSON documents, one a line, of the objects below `prefix`."""
        return [json.loads(line) for body in self.under(prefix).values() for line in body.splitlines()]


def failing(
    times: float = inf,
    error: Exception | None = None,
    *,
    then: Callable[..., Any] = lambda *_, **__: None,
    when: Callable[..., bool] = lambda *_, **__: True,
) -> Callable[..., Any]:
    """A callable that raises `error` the first `times` calls that `when` picks; every other call is `then`'s.

    failing(1, OSError("refused"), then=client.put_records)
    failing(2, when=lambda key: key.startswith("errors/"))
    """
    left = times
    raised = OSError("refused") if error is None else error

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        if left > 0 and when(*arguments, **named):
            left -= 1
            raise raised
        return then(*arguments, **named)

    return call


def refusing(*prefixes: str, error: Exception | None = None) -> Callable[[str], object]:
    """The `before` of a bucket that refuses every key that begins with one of `prefixes`."""
    return failing(error=error, when=lambda key: key.startswith(prefixes))
