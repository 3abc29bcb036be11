"""Lambda processors for tests, and what becomes of the records given to one."""

from collections.abc import Callable
from typing import Any, NamedTuple

from firehose.local.batch import Batch
from firehose.local.config.processing import LambdaSettings
from firehose.local.event_record import EventRecord, event_record
from firehose.local.processors.lambda_processor import LambdaProcessor
from firehose.local.processors.stage import Processed, Stage
from tests.firehose_streams import FUNCTION_ARN, STREAM_ARN, answer, records

STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders"


class OneBatch(NamedTuple):
    """A stage that is first in its stream, at work on single batches."""

    stage: Stage

    def process(self, batch: list[EventRecord]) -> Processed:
        processed = Processed()
        self.stage.process(Batch(batch, 0, None), processed)
        return processed


def processor(handler: Any, retries: int = 3, **more: Any) -> OneBatch:
    """A Lambda processor."""
    settings = LambdaSettings(FUNCTION_ARN, retries, 1024 * 1024, 60)
    names = {"stream_arn": STREAM_ARN, "delivery_stream_arn": STREAM, "region": "us-east-1"}
    return OneBatch(LambdaProcessor(handler, settings, **{**names, **more}))


def process_batch(stage: Stage, processed: Processed, *payloads: bytes) -> None:
    """A stage at work on a batch of these records."""
    stage.process(Batch(records(*payloads), 0, None), processed)


def fates(done: Processed) -> dict[int, str]:
    """What became of each record: `Dropped`, its data, or the code of its failure."""
    told = dict.fromkeys(done.dropped, "Dropped") | {index: data.decode() for index, data, _ in done.ok}
    told |= {failure.index: str(failure.code) for failure in done.failed}
    assert len(told) == len(done.ok) + len(done.dropped) + len(done.failed), "a record has two fates"
    return dict(sorted(told.items()))


def tried(each: Callable[[Any], Any], **more: Any) -> tuple[dict[int, str], int]:
    """What becomes of three records, and in how many attempts.

    Record 1 is answered by `each` and the others by Ok with data `ok`. Every failure must name the number of attempts.
    """
    attempts: list[int] = []

    def handler(event: Any, _: Any) -> Any:
        attempts.append(1)
        found = [[answer(record, "Ok", b"ok")] for record in event["records"]]
        found[1] = each(event["records"][1])
        return {"records": [one for ones in found for one in ones]}

    done = processor(handler, **more).process(records(b"0", b"1", b"2"))
    assert {failure.attempts for failure in done.failed} <= {len(attempts)}
    return fates(done), len(attempts)


def direct_put_record(data: bytes, *, number: int, arrival_ms: int) -> EventRecord:
    """A record that was put into the delivery stream itself: nothing of Kinesis, not even as null."""
    record = event_record(
        data, shard_id="shardId-000000000000", partition_key="", sequence_number=str(number), arrival_ms=arrival_ms
    )
    del record["kinesisRecordMetadata"]
    return record
