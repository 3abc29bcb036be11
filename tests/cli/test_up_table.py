"""The tables that `dmd up` draws: what fits into a terminal, and how streams are told apart."""

import io

from rich.console import Console
from rich.table import Table

from firehose.cli.up_table import counts_table, live_table
from firehose.pipeline.up.counts import StreamCounts


def drawn(table: Table, columns: int) -> list[str]:
    """The lines of a table at a terminal of so many columns."""
    console = Console(width=columns, file=io.StringIO())
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def counts(*names: str, read: int = 123_456) -> list[StreamCounts]:
    return [StreamCounts(f"prd3292-test-dmnd-{name}", read, read, 0, 0) for name in names]


def test_at_80_columns_the_live_table_shows_what_tells_streams_apart() -> None:
    lines = drawn(live_table(counts("demand", "notification"), lag_ms=1_500), 80)

    assert lines[0].split() == ["prd3292-test-dmnd-", "read", "delivered", "dropped", "failed", "buffered", "lag"]
    assert [line.split()[0] for line in lines[2:]] == ["demand", "notification"]
    assert lines[2].split()[1:] == ["123,456", "123,456", "0", "0", "0", "1.5", "s"]


def test_one_stream_alone_keeps_what_it_serves_in_its_name() -> None:
    assert drawn(live_table(counts("avro"), lag_ms=0), 80)[2].startswith("avro ")


def test_a_name_that_is_too_long_is_folded_and_not_cut() -> None:
    lines = drawn(counts_table(counts("notification", read=123_456_789)), 60)
    below = lines[[line.startswith("─") for line in lines].index(True) + 1 :]

    assert "".join(line.split()[0] for line in below) == "prd3292-test-dmnd-notification"
