"""Send a spool into a stream: by date, few dates in flight, no faster than the given rate.

Firehose allows 500 active partitions in a delivery stream, and today's changes need some of them. A partition is active
from its first record until it is delivered, a buffer interval later at most. So a date is begun only while fewer than
`limit` others were being sent within the last one and a half intervals; the half is for what waits in Kinesis and in
the function.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from firehose.lake.backfill.item_filter import NO_DATE
from firehose.lake.backfill.spool import Spool
from firehose.lake.backfill.state import State
from firehose.local.aws_errors import as_user_errors
from firehose.local.kinesis_writer import CALL_RECORDS, KINESIS, Writer
from firehose.local.user_error import UserError

INTERVALS = 1.5

_KEY_BYTES = 32

# A window lasts minutes: the progress is shown in between.
_LOOK_SECONDS = 10.0


class SendProgress(msgspec.Struct):
    """The checkpoint: the last complete date, the records sent of the next, and when recent dates were finished."""

    completed: str = ""
    done: int = 0
    sent: int = 0
    finished: list[float] = []  # in epoch seconds, which outlive a restart


class DatesInFlight:
    """Delays the start of a date until fewer than `limit` others were in flight within the last `window_seconds`."""

    def __init__(
        self,
        limit: int,
        window_seconds: float,
        *,
        clock_seconds: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = limit
        self._window = window_seconds
        self._clock = clock_seconds
        self._sleep = sleep
        self.finished: list[float] = []

    def begin(self, waiting: Callable[[], None] = lambda: None) -> None:
        """Return when another date may begin, calling `waiting` every few seconds until then."""
        self.finished = self._active()
        while len(self.finished) >= self._limit:
            due = self.finished[-self._limit] + self._window
            self._sleep(min(max(due - self._clock(), 0.001), _LOOK_SECONDS))
            waiting()
            self.finished = self._active()

    def finish(self) -> None:
        """Note that a date was sent to its last record. It stays in flight for one window."""
        self.finished = [*self._active(), self._clock()]

    def _active(self) -> list[float]:
        now = self._clock()
        # If the clock was set back, do not wait until it has caught up.
        return [min(at, now) for at in self.finished if at > now - self._window]


def send_spool(
    spool: Spool, writer: Writer, state: State, in_flight: DatesInFlight, tick: Callable[[int], None]
) -> int:
    """Send the records not sent yet, and return the number sent in all, by this run and earlier ones.

    At least once: after a kill the last call's records are sent again. Readers deduplicate by `change.id`.

    Raises:
        UserError: the stream cannot be written.
    """
    progress = state.send_progress(SendProgress) or SendProgress()
    in_flight.finished = progress.finished
    tick(progress.sent)
    for date in spool.dates:
        if date <= progress.completed:
            continue
        if not progress.done and date != NO_DATE:
            in_flight.begin(lambda: tick(0))
        for line in spool.lines(date, progress.done):
            writer.put(line[_KEY_BYTES:], line[:_KEY_BYTES].decode())
            progress.done += 1
            progress.sent += 1
            if progress.done % CALL_RECORDS == 0:
                writer.flush()
                state.save_send_progress(progress)
                tick(CALL_RECORDS)
        writer.flush()
        tick(progress.done % CALL_RECORDS)
        in_flight.finish()
        progress = SendProgress(date, 0, progress.sent, in_flight.finished)
        state.save_send_progress(progress)
    return progress.sent


def check_stream(stream: str, client: Any = None) -> None:
    """Check that a stream exists, before hours of spooling.

    Raises:
        UserError: it does not exist. A denied call is ignored: permission to write a stream need not include permission
            to describe it.
    """
    import boto3  # noqa: PLC0415 - 0.3 s that a folder lake need not pay
    from botocore.exceptions import ClientError  # noqa: PLC0415 - with boto3

    where = KINESIS + stream
    with as_user_errors(where, "written"):
        client = client or boto3.client("kinesis")
        try:
            client.describe_stream_summary(StreamName=stream)
        except client.exceptions.ResourceNotFoundException:
            raise UserError(f"no such stream: {where}") from None
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("AccessDeniedException", "LimitExceededException"):
                raise
