"""S3 backup: every original record, whatever becomes of it, and no record settled before both have done with it."""

import gzip
from collections.abc import Iterable

import pytest

from firehose.local.batch import Batch
from firehose.local.config.prefix import parse_prefix
from firehose.local.config.s3_destination import Backup
from firehose.local.delivery.backup import SourceBackup
from firehose.local.ledger import BACKED_UP, DELIVERED, DROPPED, FAILED, Ledger
from firehose.local.metrics import Metrics
from firehose.local.report import RunReport
from tests.fakes import MemorySink, accepting, refusing
from tests.firehose_deliveries import ARRIVAL_MS, record, stream


class Backing:
    """A backup with a clock to move."""

    def __init__(self, *, live: bool = True, compression: str = "UNCOMPRESSED", buffer_bytes: int = 100) -> None:
        self.sink = MemorySink()
        self.now_ms = ARRIVAL_MS
        self.settled: dict[int, int] = {}
        self.metrics = Metrics()
        prefix = parse_prefix("originals/", partitioned=False)
        self.backup = SourceBackup(
            stream(),
            Backup("lake", prefix, buffer_bytes, 60, compression),
            self.sink,
            self.metrics,
            settle=self.settle,
            clock=(lambda: self.now_ms) if live else None,
        )

    def settle(self, ordinals: Iterable[int], fate: int) -> None:
        self.settled.update(dict.fromkeys(ordinals, fate))

    def give(self, *data: bytes, first: int = 0) -> None:
        records = [record(each, number) for number, each in enumerate(data, first)]
        self.backup.accept(Batch(records, first, self.now_ms))

    def after(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        self.backup.flush_due(self.now_ms)


def test_originals_are_joined_with_nothing_between_and_named_as_the_streams_objects() -> None:
    backing = Backing()

    backing.give(b"one", b"two")
    backing.after(60)

    ((key, body),) = backing.sink.items()
    assert body == b"onetwo"
    assert key.startswith("originals/2025/01/02/03/orders-1-2025-01-02-03-04-05-")
    assert backing.settled == {0: BACKED_UP, 1: BACKED_UP}


def test_a_backup_has_its_own_buffer_and_interval() -> None:
    backing = Backing(buffer_bytes=6)

    backing.give(b"one", b"two", b"three")
    assert list(backing.sink.values()) == [b"onetwo"]
    backing.after(59)
    assert len(backing.sink) == 1
    backing.after(1)

    assert list(backing.sink.values()) == [b"onetwo", b"three"]


def test_a_backup_has_its_own_compression() -> None:
    backing = Backing(compression="GZIP")

    backing.give(b"one")
    backing.backup.flush_all()

    ((key, body),) = backing.sink.items()
    assert gzip.decompress(body) == b"one"
    assert (key[-3:], backing.sink.content_encodings[key]) == (".gz", "gzip")


def test_the_same_originals_again_replace_their_object() -> None:
    backing = Backing(live=False)

    for _ in range(2):
        backing.give(b"one")
        backing.backup.flush_all()

    assert len(backing.sink) == 1


def test_a_refused_backup_waits_and_is_tried_again() -> None:
    backing = Backing()
    backing.sink.before = refusing("originals/")
    backing.give(b"one")
    backing.after(60)
    assert (backing.settled, backing.backup.refused_bytes) == ({}, 3)
    assert isinstance(backing.backup.put_error, OSError)

    with pytest.raises(OSError, match="refused"):
        backing.backup.flush_all()
    backing.sink.before = accepting
    backing.after(60)

    assert backing.settled == {0: BACKED_UP}
    assert len(set(backing.sink.tried)) == 1


def test_without_a_clock_a_refusal_is_raised() -> None:
    backing = Backing(live=False)
    backing.sink.before = refusing("originals/")
    backing.give(b"one")

    with pytest.raises(OSError, match="refused"):
        backing.backup.flush_all()


def test_a_backup_has_metrics_of_its_own() -> None:
    backing = Backing()
    backing.give(b"one", b"three")
    backing.after(60)

    totals = backing.metrics.totals()
    assert {name: each.sum for name, each in totals.items()} == {
        "BackupToS3.Records": 2,
        "BackupToS3.Bytes": 8,
        "BackupToS3.Success": 1,
        "BackupToS3.DataFreshness": 60,
    }


@pytest.mark.parametrize("fate", [DELIVERED, DROPPED, FAILED])
def test_a_record_is_settled_only_when_its_stream_and_its_backup_have_done_with_it(fate: int) -> None:
    report = RunReport()
    ledger = Ledger(2, report)

    ledger.settle(0, [0], fate)
    assert ledger.settled() == 0
    ledger.settle(1, [0, 1], BACKED_UP)
    assert ledger.settled() == 1
    ledger.settle(0, [1], fate)
    ledger.close(2)

    assert {DELIVERED: report.delivered, DROPPED: report.dropped, FAILED: report.failed}[fate] == 2
    assert report.unsettled == report.delivered_twice == 0
