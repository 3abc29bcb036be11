"""The delivery streams of one account and region."""

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from firehose.local.endpoint.api_error import ApiError
from firehose.local.endpoint.caller import Caller
from firehose.local.endpoint.served_stream import ServedStream, Surroundings

# The smallest of Firehose's quotas of streams in a Region (guide, "Quota": 5,000, 2,000, 500 or 100).
MOST_STREAMS = 100


class DeliveryStreams:
    """Makes delivery streams, and finds them by name."""

    def __init__(self, caller: Caller, around: Surroundings, *, most: int = MOST_STREAMS) -> None:
        self.caller = caller
        self._around = around
        self._most = most
        self._streams: dict[str, ServedStream] = {}
        self._changing = Lock()

    def __iter__(self) -> Iterator[ServedStream]:
        return iter(list(self._streams.values()))

    def create(self, request: Mapping[str, Any]) -> ServedStream:
        """Make a stream.

        Raises:
            ApiError: a stream of this name exists, there are too many, or a setting is refused.
        """
        name = request["DeliveryStreamName"]
        with self._changing:
            if name in self._streams:
                raise ApiError(
                    "ResourceInUseException", f"Firehose {name} under accountId {self.caller.account} already exists"
                )
            if len(self._streams) >= self._most:
                raise ApiError("LimitExceededException", f"You have already {self._most} streams, which is the quota")
            self._streams[name] = ServedStream(request, self.caller, self._around)
            return self._streams[name]

    def find(self, name: str) -> ServedStream:
        """Return the stream of a name.

        Raises:
            ApiError: it does not exist.
        """
        found = self._streams.get(name)
        if found is None:
            raise ApiError(
                "ResourceNotFoundException", f"Firehose {name} under account {self.caller.account} not found."
            )
        return found

    def delete(self, name: str) -> dict[str, Any]:
        """End a stream once everything is delivered, and return its last counts.

        Raises:
            ApiError: it does not exist.
        """
        with self._changing:
            stream = self.find(name)
            del self._streams[name]
        return stream.close()

    def forget(self) -> None:
        """End all streams, and deliver nothing more."""
        with self._changing:
            streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.end()
