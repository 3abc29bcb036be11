"""`dmd replay`: what failed goes through today's code, and what now succeeds is delivered, once."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firehose.cli.app import app
from firehose.lake.errors.report import report
from firehose.lake.replay import run as replay_module
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline
from glue.layout import Format
from tests.failed import CRASHED, STATUS, document_of, documents, error_object, everything, failed, fans, rows
from tests.given import ARRIVED_MS, Function, change, number_changes, s
from transform.outcome import Reason

pytestmark = pytest.mark.slow

GOOD = [change(fanId=s(f"f{number}")) for number in range(4)]
BAD = change(fanId={"N": "1"}, email=s("SECRET"))
DAY_MS = 86_400_000


def dmd(lake: Path, *options: str) -> Result:
    result = CliRunner().invoke(app, ["replay", "--lake", str(lake), *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def replay(lake: Path, *options: str) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(dmd(lake, "--json", *options).stdout)
    return summary


def failures(lake: Path) -> dict[str, int]:
    return {one.reason: one.count for one in report(str(lake)).failures}


def test_records_that_now_succeed_are_delivered_and_the_others_stay(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(BAD, CRASHED), failed(GOOD[1]), failed(b"{"))

    summary = replay(tmp_path)

    assert summary["delivered"] == {"demand": 2}
    assert {(one["reason"], one["type"], one["count"]) for one in summary["failing"]} == {
        ("invalid", "demand", 1),
        ("not_json", None, 1),
    }
    assert fans(tmp_path) == ["f0", "f1"]
    assert failures(tmp_path) == {"invalid": 1, "not_json": 1}


def test_a_row_is_that_of_its_change_and_arrival(tmp_path: Path) -> None:
    error_object(tmp_path / "replayed", failed(GOOD[0], sequenceNumber="4954", subSequenceNumber=7))

    replay(tmp_path / "replayed", "--format", "parquet")

    local_pipeline(FolderSink(tmp_path / "run")).run(number_changes([json.dumps(GOOD[0]).encode()]))
    (replayed,), (ran,) = rows(tmp_path / "replayed"), rows(tmp_path / "run")
    assert replayed["change"].pop("sequence") == f"{'4954':0>128}{7:012}"
    assert ran["change"].pop("sequence")
    assert replayed == ran


def test_without_firehoses_sequence_the_documents_is_used(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(GOOD[1]))
    documents(tmp_path, document_of(GOOD[0], sequence=f"{'4954':0>128}{7:012}"))

    replay(tmp_path)

    known, ours = (row["change"]["sequence"] for row in rows(tmp_path))
    assert known == f"{'4954':0>128}{7:012}"
    assert ours < f"{'49' + '0' * 54:0>128}"


def test_a_second_replay_delivers_nothing_again(tmp_path: Path) -> None:
    error_object(tmp_path, *map(failed, GOOD), failed(BAD))
    replay(tmp_path)
    before = everything(tmp_path)

    summary = replay(tmp_path)

    assert (summary["delivered"], summary["skipped"]["replayed"]) == ({}, 4)
    assert everything(tmp_path) == before


def test_two_equal_records_are_delivered_twice(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(GOOD[0]))
    error_object(tmp_path, failed(GOOD[0]), kind="activePartitionExceeded")

    replay(tmp_path)

    assert fans(tmp_path) == ["f0", "f0", "f0"]


def test_every_kind_of_error_object_is_replayed(tmp_path: Path) -> None:
    row = Function().row(GOOD[2])
    error_object(tmp_path, failed(GOOD[0]), between="")
    error_object(tmp_path, failed(row, "DataFormatConversion.MalformedData"), kind="format-conversion-failed")
    error_object(tmp_path, failed(GOOD[1], "X.Y"), kind="activePartitionExceeded")

    replay(tmp_path)

    assert fans(tmp_path) == ["f0", "f1", "f2"]
    assert rows(tmp_path)[2]["change"]["sequence"] == row["change"]["sequence"]


def test_each_record_of_a_batch_that_failed_as_a_whole_is_delivered_once(tmp_path: Path) -> None:
    for stream in ("dmnd-demand", "dmnd-sale"):
        error_object(tmp_path, failed(GOOD[0], CRASHED), failed(change("sale"), CRASHED), stream=stream)

    summary = replay(tmp_path)

    assert summary["delivered"] == {"demand": 1, "sale": 1}
    assert summary["skipped"]["other_streams"] == 2
    assert (len(rows(tmp_path, "demand")), len(rows(tmp_path, "sale"))) == (1, 1)


def test_a_type_that_nobody_archives_is_dropped_and_done(tmp_path: Path) -> None:
    error_object(tmp_path, failed(change(type=s("SECRET"))))

    assert (replay(tmp_path)["dropped"], replay(tmp_path)["dropped"]) == (1, 0)
    assert failures(tmp_path) == {}


def test_a_replay_that_changes_nothing_leaves_nothing_but_the_lock_of_its_note(tmp_path: Path) -> None:
    error_object(tmp_path, failed(BAD), failed(b"{"))
    before = everything(tmp_path)

    assert replay(tmp_path)["delivered"] == {}

    after = everything(tmp_path)
    assert {key: after[key] for key in before} == before
    assert after.keys() - before.keys() == {"dmd-jobs/.lock"}


def test_nothing_but_rows_is_written_below_the_data_prefixes(tmp_path: Path) -> None:
    error_object(tmp_path, *map(failed, GOOD), failed(BAD))
    before = everything(tmp_path)

    replay(tmp_path)

    written = everything(tmp_path).keys() - before.keys()
    assert {name.split("/")[0] for name in written} == {"data-pipeline", "dmd-replay", "dmd-jobs"}
    assert all(name.startswith("data-pipeline/parquet/") for name in written if name.startswith("data-pipeline/"))


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        pytest.param(["--reason", "bug"], ["f0"], id="a document's reason"),
        pytest.param(["--reason", CRASHED], ["f1"], id="Firehose's code"),
        pytest.param(["--reason", STATUS], ["f0", "f2", "f3"], id="Firehose's code of what a function failed"),
        pytest.param(["--reason", "bug", "--reason", CRASHED], ["f0", "f1"], id="two reasons"),
        pytest.param(["--type", "sale"], [], id="another type"),
        pytest.param(["--type", "demand", "--type", "sale"], ["f0", "f1", "f2", "f3"], id="two types"),
        pytest.param(["--since", "2025-01-02"], ["f2", "f3"], id="since a day"),
        pytest.param(["--until", "2025-01-02"], ["f0", "f1", "f2"], id="until the end of a day"),
        pytest.param(["--until", "2025-01-02T10:00:00.123Z"], ["f0", "f1"], id="until before a time"),
        pytest.param(["--since", "2025-01-02T10:00:00.123+00:00", "--until", "2025-01-02"], ["f2"], id="both"),
    ],
)
def test_only_selected_failures_are_replayed(tmp_path: Path, options: list[str], chosen: list[str]) -> None:
    days = (0, 0, 1, 2)
    codes = (STATUS, CRASHED, STATUS, STATUS)
    records = [failed(*one) for one in zip(GOOD, codes, (ARRIVED_MS + day * DAY_MS for day in days), strict=True)]
    error_object(tmp_path, *records)
    documents(tmp_path, document_of(GOOD[0]))

    summary = replay(tmp_path, *options)

    assert fans(tmp_path) == chosen
    assert summary["skipped"]["filtered"] == 4 - len(chosen)
    replay(tmp_path)
    assert fans(tmp_path) == ["f0", "f1", "f2", "f3"]


def test_a_record_that_failed_again_is_selected_by_its_new_reason(tmp_path: Path) -> None:
    error_object(tmp_path, failed(BAD))
    documents(tmp_path, document_of(BAD))
    assert failures(tmp_path) == {"bug": 1}

    replay(tmp_path)

    assert failures(tmp_path) == {"invalid": 1}
    assert replay(tmp_path, "--reason", "bug")["skipped"]["filtered"] == 1
    assert replay(tmp_path, "--reason", "invalid")["failing"] == [{"reason": "invalid", "type": "demand", "count": 1}]


def test_a_replayed_record_is_no_longer_a_failure(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(BAD))
    documents(tmp_path, document_of(GOOD[0]), document_of(BAD, Reason.INVALID))

    replay(tmp_path)

    found = report(str(tmp_path))
    assert (sum(one.count for one in found.failures), found.replayed, found.unmatched_documents) == (1, 1, 0)


def test_a_dry_run_says_the_same_and_does_nothing(tmp_path: Path) -> None:
    error_object(tmp_path, *map(failed, GOOD), failed(BAD), failed(change(type=s("x"))))
    before = everything(tmp_path)

    would = replay(tmp_path, "--dry-run")

    assert everything(tmp_path) == before
    assert would.pop("dry_run")
    did = replay(tmp_path)
    assert not did.pop("dry_run")
    assert would == did


def test_the_words_of_a_dry_run_are_the_same_with_would(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(BAD), failed(change(type=s("x"))))

    dry, wet = dmd(tmp_path, "--dry-run"), dmd(tmp_path)

    assert dry.stdout.split()[:6] == ["would", "be", "delivered", "records", *dry.stdout.split()[4:6]]
    assert wet.stdout.split()[:2] == ["delivered", "records"]
    assert "would still fail" in dry.stdout
    assert "still failing" in wet.stdout
    assert "would be dropped: 1" in dry.stderr
    assert dmd(tmp_path).stdout.startswith("nothing delivered\n")


def test_no_value_of_a_record_is_printed_or_entered_in_the_journal(tmp_path: Path) -> None:
    secret = change(fanId={"N": "1"}, email=s("SECRET"), contactMethod=s("SECRET"))
    error_object(tmp_path, failed(secret), failed(b"SECRET"), failed(change(type=s("SECRET"))), "SECRET")

    result = dmd(tmp_path)

    assert result.exit_code == 1
    assert "SECRET" not in result.output
    entries = [path.read_text() for path in (tmp_path / "dmd-replay").iterdir()]
    assert entries
    assert not any("SECRET" in entry for entry in entries)


def test_unreadable_places_are_named_and_the_rest_is_delivered(tmp_path: Path) -> None:
    path = error_object(tmp_path, failed(GOOD[0]), {"torn": 1}, failed(GOOD[1]))

    result = dmd(tmp_path)

    assert result.exit_code == 1
    assert f"not an error record: {path}:2" in result.stderr
    assert fans(tmp_path) == ["f0", "f1"]


def test_a_lake_of_avro_gets_avro(tmp_path: Path) -> None:
    (tmp_path / "data-pipeline/avro/demand").mkdir(parents=True)
    (tmp_path / "data-pipeline/avro/demand/a.avro").touch()
    error_object(tmp_path, *map(failed, GOOD), failed(change("sale")), stream="dmnd-avro")

    summary = replay(tmp_path)

    assert summary["delivered"] == {"demand": 4, "sale": 1}
    assert not (tmp_path / "data-pipeline/parquet").exists()
    assert len(list((tmp_path / "data-pipeline/avro").rglob("partition_date=2025-01-01/*.avro"))) == 1
    assert replay(tmp_path)["delivered"] == {}


def test_the_format_to_write_can_be_chosen(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]))

    replay(tmp_path, "--format", Format.AVRO)

    assert list((tmp_path / "data-pipeline/avro").rglob("*.avro"))


def test_a_record_that_the_pipeline_refuses_alone_does_not_stop_the_others(tmp_path: Path) -> None:
    huge = change(fanId=s("f" * 5_000_000))
    error_object(tmp_path, failed(GOOD[0], CRASHED), failed(huge, CRASHED), failed(GOOD[1], CRASHED))

    summary = replay(tmp_path)

    assert fans(tmp_path) == ["f0", "f1"]
    assert summary["failing"] == [{"reason": CRASHED, "type": "demand", "count": 1}]
    assert replay(tmp_path)["delivered"] == {}


def test_a_large_error_object_is_delivered_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "PART_BYTES", len(json.dumps(GOOD[0])))
    error_object(tmp_path, *map(failed, GOOD), failed(BAD))

    replay(tmp_path)

    assert fans(tmp_path) == ["f0", "f1", "f2", "f3"]
    assert len(list((tmp_path / "data-pipeline/parquet").rglob("*.parquet"))) > 1
    assert replay(tmp_path)["skipped"]["replayed"] == 4


def test_an_unreadable_journal_entry_stops_a_replay(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]))
    replay(tmp_path)
    (entry,) = (tmp_path / "dmd-replay").glob("*.json")
    entry.write_text("{")

    with pytest.raises(UserError, match="not an entry of dmd replay's journal"):
        dmd(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--type", "gift"], "unknown record type 'gift'"),
        (["--reason", "nosuch"], "unknown reason 'nosuch' .choose from bug, invalid,"),
        (["--reason", "invalid", "--reason", "Invalid"], "unknown reason 'Invalid'"),
        (["--since", "yesterday"], "neither a day nor a time"),
        (["--until", "9999-12-31"], "neither a day nor a time"),
        (["--to", "dmnd"], "should be kinesis://STREAM"),
        (["--errors", "nowhere"], "no such folder"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_one_sentence(tmp_path: Path, options: list[str], message: str) -> None:
    error_object(tmp_path, failed(GOOD[0]))

    with pytest.raises(UserError, match=message):
        dmd(tmp_path, *options)


def test_a_missing_lake_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such lake"):
        dmd(tmp_path / "none")


def test_a_sample_whose_batches_all_failed_is_replayed_to_the_lake_of_a_run(tmp_path: Path) -> None:
    records = list(number_changes(changes(400, seed=2)))
    error_object(
        tmp_path / "replayed",
        *(
            failed(b"", CRASHED, one["approximateArrivalTimestamp"], rawData=one["data"])
            | {"sequenceNumber": one["kinesisRecordMetadata"]["sequenceNumber"]}
            for one in records
        ),
        stream="dmnd-avro",
    )

    replay(tmp_path / "replayed", "--format", "parquet")

    local_pipeline(FolderSink(tmp_path / "run")).run(records)
    for table in ("demand", "event", "notification", "sale"):
        assert rows(tmp_path / "replayed", table) == rows(tmp_path / "run", table)
