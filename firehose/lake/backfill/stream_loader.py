"""Send a spool into a stream: in the order of dates, few of them in flight, no faster than asked.

Firehose has 500 active partitions a delivery stream, and the changes of today need some of them. A partition is active
from its first record until it is delivered, which is a buffer interval after at the latest. So a date begins only while
fewer than so many others were being sent within the last one and a half intervals: half of one is for what waits in
Kinesis and in the function.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from firehose.lake.backfill.item_filter import NO_DATE
from firehose.lake.backfill.spool import Spool
from firehose.lake.backfill.state import State
from firehose.local.aws_errors import as_user_errors
from firehose.local.kinesis_writer import CALL_RECORDS, KINESIS, KinesisWriter
from firehose.local.user_error import UserError

INTERVALS = 1.5

_KEY_BYTES = 32

# Who watches is told about the waiting in between: a window is minutes.
_LOOK_SECONDS = 10.0


class SendProgress(msgspec.Struct):
    """How far a spool is sent: the last date that is, how much of the next one, when the last ones were finished."""

    completed: str = ""
    done: int = 0
    sent: int = 0
    finished: list[float] = []  # epoch seconds, which are the same after a restart


class DatesInFlight:
    """Lets a date begin when fewer than `limit` others have been in flight within the last `window_seconds`."""

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
        """Returns when another date may begin; calls `waiting` every few seconds till then."""
        self.finished = self._active()
        while len(self.finished) >= self._limit:
            due = self.finished[-self._limit] + self._window
            self._sleep(min(max(due - self._clock(), 0.001), _LOOK_SECONDS))
            waiting()
            self.finished = self._active()

    def finish(self) -> None:
        """A date is sent to its last record; it is in flight for a window yet."""
        self.finished = [*self._active(), self._clock()]

    def _active(self) -> list[float]:
        now = self._clock()
        # A clock that was set back must not hold everything up until it is there again.
        return [min(at, now) for at in self.finished if at > now - self._window]


def send_spool(
    spool: Spool, writer: KinesisWriter, state: State, in_flight: DatesInFlight, tick: Callable[[int], None]
) -> int:
    """Sends what is not sent yet; how many records were sent in all, by this run and those before.

    At least once: a kill sends the last call's records again, which views deduplicate by `change.id`.

    Raises:
        UserError: the stream cannot be written.
    """
    sending = state.sending(SendProgress) or SendProgress()
    in_flight.finished = sending.finished
    tick(sending.sent)
    for date in spool.dates:
        if date <= sending.completed:
            continue
        if not sending.done and date != NO_DATE:
            in_flight.begin(lambda: tick(0))
        for line in spool.lines(date, sending.done):
            writer.put(line[_KEY_BYTES:], line[:_KEY_BYTES].decode())
            sending.done += 1
            sending.sent += 1
            if sending.done % CALL_RECORDS == 0:
                writer.flush()
                state.save_sending(sending)
                tick(CALL_RECORDS)
        writer.flush()
        tick(sending.done % CALL_RECORDS)
        in_flight.finish()
        sending = SendProgress(date, 0, sending.sent, in_flight.finished)
        state.save_sending(sending)
    return sending.sent


def check_stream(stream: str, client: Any = None) -> None:
    """Asks for a stream before hours of spooling.

    Raises:
        UserError: there is none. Who may write it need not be allowed to describe it: other refusals are passed over.
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
