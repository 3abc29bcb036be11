"""The tables that `dmd up` draws: what fits into a terminal, and how streams are told apart."""

from firehose.cli.up_table import counts_table, live_table
from firehose.pipeline.up.counts import StreamCounts


def counts(*names: str, read: int = 123_456) -> list[StreamCounts]:
    return [StreamCounts(f"prd3292-test-dmnd-{name}", read, read, 0, 0) for name in names]


def test_at_80_columns_the_live_table_shows_what_tells_streams_apart() -> None:
    lines = live_table(counts("demand", "notification"), lag_ms=1_500).lines_within(80)

    assert lines[0].split() == ["prd3292-test-dmnd-", "read", "delivered", "dropped", "failed", "buffered", "lag"]
    assert [line.split()[0] for line in lines[2:]] == ["demand", "notification"]
    assert lines[2].split()[1:] == ["123,456", "123,456", "0", "0", "0", "1.5", "s"]


def test_one_stream_alone_keeps_what_it_serves_in_its_name() -> None:
    assert live_table(counts("avro"), lag_ms=0).lines_within(80)[2].startswith("avro ")


def test_a_terminal_that_is_too_narrow_shows_a_stream_at_a_time_and_names_in_full() -> None:
    lines = counts_table(counts("notification", read=123_456_789)).lines_within(60)

    assert lines[1] == "delivery stream   prd3292-test-dmnd-notification"
    assert lines[2].split() == ["read", "123,456,789"]
