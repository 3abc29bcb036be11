"""A store in memory whose owners take one step at a time, in whatever order a test says."""

import json
from collections.abc import Callable
from hashlib import sha256
from threading import Semaphore, Thread, current_thread
from typing import Any

from firehose.local.sink import MovedError, StoredNote


class Killed(BaseException):
    """The end of an owner that takes no more steps."""


class MemoryStore:
    """Objects with S3's conditions. As there, a version is a digest of the bytes; the clock is the store's own."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredNote] = {}
        self.now_seconds = 1_000_000.0

    def put(self, key: str, body: bytes, content_type: str = "", content_encoding: str = "") -> None:
        self.objects[key] = StoredNote(body, sha256(body).hexdigest(), self.now_seconds)

    def put_if(self, key: str, body: bytes, content_type: str, version: str | None) -> str:
        there = self.objects.get(key)
        if (there.version if there else None) != version:
            raise MovedError(key)
        self.put(key, body)
        return self.objects[key].version

    def read(self, key: str) -> StoredNote | None:
        return self.objects.get(key)

    def delete_if(self, key: str, version: str) -> None:
        there = self.objects.get(key)
        if there and there.version != version:
            raise MovedError(key)
        self.objects.pop(key, None)

    def listed(self, prefix: str) -> dict[str, StoredNote]:
        return {key: one for key, one in self.objects.items() if key.startswith(prefix)}

    def rows(self, prefix: str) -> list[int]:
        """The rows of all objects below a prefix, each a list of numbers."""
        return [row for one in self.listed(prefix).values() for row in json.loads(one.body)]


class SteppedStore:
    """The same store, for the thread of an Owner: each call waits until that owner's next step."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def stepped(*arguments: Any, **named: Any) -> Any:
            thread = current_thread()
            assert isinstance(thread, Owner)
            thread.wait_for_step()
            return method(*arguments, **named)

        return stepped


class Owner(Thread):
    """A process that works on a store, a call at a time; it may stall between two calls for ever."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.done = False
        self.failed: BaseException | None = None
        self._work = work
        self._killed = False
        self._may_step, self._stands = Semaphore(0), Semaphore(0)
        self.start()
        self._stands.acquire()

    def run(self) -> None:
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - for the test to raise
            self.failed = error
        self.done = True
        self._stands.release()

    def wait_for_step(self) -> None:
        self._stands.release()
        self._may_step.acquire()
        if self._killed:
            raise Killed

    def step(self) -> None:
        """Make the call that it stands before."""
        if not self.done:
            self._may_step.release()
            self._stands.acquire()
        if self.failed:
            raise self.failed

    def kill(self) -> None:
        self._killed = True
        self.step()
