"""Commits to Iceberg tables of one source, again and by several processes: each row is there once."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.data_plane import DataPlane
from firehose.local.delivery.source_marks import SourceMarks, shard_of
from firehose.local.event_record import EventRecord, event_record
from firehose.local.faults import FaultySink, read_faults
from firehose.local.faulty_catalog import FaultyCatalog
from firehose.local.local_stream import LocalStream
from firehose.local.report import RunReport
from firehose.local.sources.source_names import named_by_records, one_source
from firehose.local.user_error import UserError
from tests.fakes import MemorySink
from tests.firehose_streams import records
from tests.iceberg_streams import catalog_in, ids
from tests.overtaken import Overtaken
from tests.stream_requests import iceberg, only_table

MARK = "dmd.checkpoint.orders."


def lines(*names: str) -> list[EventRecord]:
    return records(*[json.dumps({"id": name}).encode() for name in names])


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Any]:
    with closing(catalog_in(tmp_path / "tables")) as made:
        yield made


def deliver(catalog: Any, source: list[EventRecord], sink: Any = None) -> RunReport:
    request = iceberg(DestinationTableConfigurationList=only_table())
    local = LocalStream(request, catalog=lambda: catalog)
    plane = DataPlane([local], MemorySink() if sink is None else sink, source_of=named_by_records(source))
    return plane.run(source)


def there(catalog: Any) -> list[str]:
    return ids(catalog.load_table("db.orders").scan().to_arrow().to_pylist())


def test_the_same_source_again_appends_nothing_and_its_records_are_delivered(catalog: Any) -> None:
    deliver(catalog, lines("a", "b"))

    again = deliver(catalog, lines("a", "b"))

    assert (there(catalog), len(catalog.load_table("db.orders").snapshots())) == (["a", "b"], 1)
    assert (again.delivered, again.streams[0].rows, again.adds_up) == (2, 0, True)


def test_another_source_with_the_same_beginning_is_appended(catalog: Any) -> None:
    deliver(catalog, lines("a", "b"))
    deliver(catalog, lines("a", "c"))

    assert there(catalog) == ["a", "a", "b", "c"]
    assert len([name for name in catalog.load_table("db.orders").properties if name.startswith(MARK)]) == 2


def test_rows_that_another_process_has_appended_meanwhile_are_not_appended_again(catalog: Any) -> None:
    """PyIceberg's own retries would append them."""
    source = lines("a", "b", "c")

    report = deliver(Overtaken(catalog, lambda: deliver(catalog, source)), source)

    assert there(catalog) == ["a", "b", "c"]
    assert report.delivered == 3


def test_a_conflict_with_another_source_is_tried_again_at_once_on_files(catalog: Any) -> None:
    deliver(Overtaken(catalog, lambda: deliver(catalog, lines("x"))), lines("a"))

    assert there(catalog) == ["a", "x"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("iceberg-conflict", "the Iceberg table db.orders cannot be written: CommitFailedException"),
        ("s3-denied", "the lake cannot be written: AccessDenied (injected)"),
    ],
)
def test_without_a_clock_what_stays_refused_ends_the_run_and_the_next_appends_all(
    catalog: Any, fault: str, error: str
) -> None:
    faults = read_faults([fault])
    source = [*lines("a"), *records(b"oops")]
    with pytest.raises(UserError) as raised:
        deliver(FaultyCatalog(catalog, faults), source, FaultySink(MemorySink(), faults))
    assert (str(raised.value), there(catalog)) == (error, [])

    sink = MemorySink()
    assert deliver(catalog, source, sink).adds_up
    assert (there(catalog), len(sink.documents())) == (["a"], 1)


def test_a_stream_without_a_catalog_or_a_named_source_is_refused(catalog: Any) -> None:
    request = iceberg(DestinationTableConfigurationList=only_table())

    with pytest.raises(ValueError, match="specify their catalog"):
        DataPlane([LocalStream(request)], MemorySink(), source_of=one_source("a"))
    with pytest.raises(ValueError, match="name the source"):
        DataPlane([LocalStream(request, catalog=lambda: catalog)], MemorySink())


def numbered(shard: int, number: int, part: int) -> str:
    record = event_record(
        b"", shard_id=f"shardId-{shard:012}", partition_key="k", sequence_number=str(49 * 10**54 + number),
        arrival_ms=0, subsequence_number=part,
    )  # fmt: skip
    return record["recordId"]


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=40),
    kills=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
    size=st.integers(1, 7),
)
def test_whatever_the_batches_and_wherever_a_run_ends_each_row_is_there_once(
    arrivals: list[tuple[int, int]], kills: list[tuple[int, int]], size: int
) -> None:
    """A model of the table: rows and properties that change together. Each run begins at or before where one ended."""
    source = [
        numbered(shard, number, part) for number, (shard, parts) in enumerate(arrivals) for part in range(parts + 1)
    ]
    rows: list[str] = []
    properties: dict[str, str] = {}

    for begins, ends in [*kills, (0, len(source))]:
        settled = min(begins, len(rows))
        for place in range(settled, min(ends, len(source)), size):
            batch = source[place : min(place + size, ends)]
            marks = SourceMarks(properties, "orders", shard_of)
            missing = [batch[at] for at in marks.missing(batch)]
            rows += missing
            properties |= marks.moved(missing)

    assert sorted(rows) == sorted(source)


def test_the_marks_of_another_stream_and_of_another_source_do_not_count() -> None:
    record = numbered(0, 1, 0)
    marks = SourceMarks({"dmd.checkpoint.other.s": "9" * 140, f"{MARK}t": "9" * 140}, "orders", one_source("s"))

    assert marks.missing([record]) == [0]
    assert marks.moved([record]) == {f"{MARK}s": f"{49 * 10**54 + 1}{0:012}"}


def test_of_two_sources_each_has_its_name() -> None:
    assert named_by_records(lines("a"))("") == named_by_records(lines("a"))("")
    assert named_by_records(lines("a"))("") != named_by_records(lines("b"))("")
