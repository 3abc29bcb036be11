"""The interface of sinks: what the data plane, checkpoints and jobs ask of the place where objects go."""

from typing import NamedTuple, Protocol


class MovedError(Exception):
    """An object that was to be replaced has been replaced by somebody else."""


class Sink(Protocol):
    """Takes objects of the data plane; the Lambda function gets the same sink as its store."""

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Puts one object, replacing the one of that key. A function calls this from several threads at once.

        ("data-pipeline/parquet/sale/partition_date=2025-01-01/sale-1-...parquet", b"PAR1...")
        """


class StoredNote(NamedTuple):
    """An object as it was read; `modified_seconds` is when it was put, in epoch seconds, by the store's own clock."""

    body: bytes
    version: str
    modified_seconds: float


class NoteSink(Sink, Protocol):
    """A sink that can also put an object on condition that nobody else has replaced it."""

    def put_if(self, key: str, body: bytes, content_type: str, version: str | None) -> str:
        """Replaces the object if it has that version, or does not exist if `version` is None; returns the new version.

        Raises:
            MovedError: the object has another version.
        """


class ConditionalStore(NoteSink, Protocol):
    """A sink that can also read, and delete on condition."""

    def read(self, key: str) -> StoredNote | None:
        """Returns an object, None if it does not exist."""

    def delete_if(self, key: str, version: str) -> None:
        """Deletes the object if it has that version. An object that does not exist stays so.

        Raises:
            MovedError: the object has another version.
        """
