"""The counts of a run: of each delivery stream, and of all of them together."""

from collections import Counter

import msgspec

from firehose.local.metrics import Metrics
from firehose.local.processors.function_problems import FunctionProblems


class TableReport(msgspec.Struct):
    """The counts of one Iceberg table: records delivered to it, and the files, bytes and partitions that were added."""

    delivered: int = 0
    files: int = 0
    bytes: int = 0
    partitions: set[str] = msgspec.field(default_factory=set)


class FirstFailure(msgspec.Struct):
    """Why the first record failed that has an error code, and the key of the error object that it lies in.

    `error_type` is that of !{firehose:error-output-type}. `message` is that of the error record, which quotes no value.
    The key is "" until the record's object is sent.
    """

    error_type: str
    message: str
    key: str = ""


class StreamReport(msgspec.Struct):
    """The counts of one delivery stream; each is taken where the event happens."""

    name: str
    received: int = 0
    delivered: int = 0
    dropped: int = 0
    failed: Counter[str] = msgspec.field(default_factory=Counter)  # by error code
    first_failures: dict[str, FirstFailure] = msgspec.field(default_factory=dict)  # by error code
    rows: int = 0
    objects: int = 0
    first_object: str = ""  # its key; empty for an Iceberg destination
    error_objects: int = 0
    bytes_in: int = 0  # of the payloads that the function got
    bytes_out: int = 0  # of the objects
    tables: dict[str, TableReport] = msgspec.field(default_factory=dict)  # of an Iceberg destination, by name
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    function_problems: FunctionProblems = msgspec.field(default_factory=FunctionProblems)

    @property
    def adds_up(self) -> bool:
        """True if every record received was delivered, dropped or failed."""
        return self.received == self.delivered + self.dropped + self.failed.total()


class RunReport(msgspec.Struct):
    """The counts of all streams together; each record counts once.

    A record counts as failed if any stream failed it, else as delivered if any stream delivered it, else as dropped.
    """

    read: int = 0
    bytes_read: int = 0
    delivered: int = 0
    dropped: int = 0
    failed: int = 0
    unsettled: int = 0  # without a fate in some stream
    settled_twice: int = 0  # given a second fate by the same stream
    delivered_twice: int = 0  # delivered by more than one stream
    stopped: bool = False
    streams: list[StreamReport] = msgspec.field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """True if read = delivered + dropped + failed, with each record counted once, and so in every stream."""
        return (
            self.read == self.delivered + self.dropped + self.failed
            and self.unsettled == self.settled_twice == self.delivered_twice == 0
            and all(stream.adds_up and stream.received == self.read for stream in self.streams)
        )
