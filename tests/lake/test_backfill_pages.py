"""A backfill's memory: a page ends at a number of lines or of bytes, and a file read again has the same pages."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.item_source import PAGE_BYTES, ExportSource
from firehose.lake.backfill.spool import Spool, write_chunk
from tests.exports import demand, full_export


def pages(source: ExportSource, position: str = "") -> list[tuple[int, str | None]]:
    """Return the number of items of each page of the first file, and the position after it."""
    return [(len(page.items), page.position) for page in source.pages(0, position)]


def test_a_page_of_large_items_ends_at_its_bytes(tmp_path: Path) -> None:
    full_export(tmp_path, [demand(str(number), note={"S": "x" * 1000}) for number in range(10)])

    source = ExportSource(find_export(str(tmp_path)), personal=frozenset(), page_bytes=3000)

    assert [items for items, _ in pages(source)] == [3, 3, 3, 1]


def test_a_page_of_small_items_has_a_thousand(tmp_path: Path) -> None:
    full_export(tmp_path, [demand(str(number)) for number in range(2001)])

    source = ExportSource(find_export(str(tmp_path)), personal=frozenset())

    assert [items for items, _ in pages(source)] == [1000, 1000, 1]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=20), page_bytes=st.integers(1, 6000))
def test_a_file_read_again_from_where_a_page_ended_has_the_same_pages(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], page_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("export")
    full_export(folder, [demand(str(number), note={"S": "x" * size}) for number, size in enumerate(sizes)])
    source = ExportSource(find_export(str(folder)), personal=frozenset(), page_lines=4, page_bytes=page_bytes)

    whole = pages(source)

    assert sum(items for items, _ in whole) == len(sizes)
    for number, (_, position) in enumerate(whole, 1):
        assert pages(source, position or "") == whole[number:]


def test_reading_large_items_takes_no_more_memory_the_more_there_are(tmp_path: Path) -> None:
    peaks = []
    for items in (100, 400):
        full_export(tmp_path / f"{items}", [demand(str(number), note={"S": "x" * 100_000}) for number in range(items)])
        source = ExportSource(find_export(str(tmp_path / f"{items}")), personal=frozenset())
        tracemalloc.start()
        for _ in source.pages(0, ""):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert max(peaks) < 5 * PAGE_BYTES


def test_a_chunk_is_spooled_without_a_second_copy_of_it(tmp_path: Path) -> None:
    lines = [b"%d" % number * 100_000 for number in range(100)]
    (tmp_path / "spool").mkdir()
    tracemalloc.start()

    write_chunk(tmp_path / "spool", 0, 0, {"2025-01-01": lines})

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < sum(map(len, lines)) / 4
    assert list(Spool(tmp_path / "spool").lines("2025-01-01")) == lines
