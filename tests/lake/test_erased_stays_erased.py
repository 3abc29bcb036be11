"""What is erased stays erased: no file, export or error object brings a person's data back into a lake."""

import gzip
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_sink import RedactingSink
from firehose.lake.errors.report import report
from firehose.lake.opening import open_lake_to_write
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline.streams import local_pipeline
from glue.layout import FILE_FORMATS, Format
from glue.schema import SCHEMAS
from tests.commands import SAMPLE, keys, result_of, write
from tests.erased import ERASED_MICROS, holding, list_erased
from tests.erasing import NO_WAIT, data, erase, states
from tests.exports import EXPORTED_MICROS, backfilled, demand, full_export
from tests.failed import error_object, failed, rows
from tests.given import CHANGED_MS, PERSONAL, change, number_changes, payload, s
from transform.scrub import digest_of_original

pytestmark = pytest.mark.slow

PHONE, MAIL = "+15550107301", "erased@example.com"
THEIRS: Any = {"phoneNumber": s(PHONE), "email": s(MAIL)}
OTHERS: Any = {"phoneNumber": s("+15550200000"), "email": s("kept@example.com")}
REDACTED = "[redacted]"
LATER_MS = ERASED_MICROS // 1000 + 1


def at(record: dict[str, Any], changed_ms: int) -> dict[str, Any]:
    """Return a change record of another time."""
    return record | {"dynamodb": record["dynamodb"] | {"ApproximateCreationDateTime": changed_ms}}


def personal(lake: Path) -> dict[str, set[str]]:
    """Return the telephone numbers of the demands in a lake, by fan."""
    found: dict[str, set[str]] = {}
    for row in rows(lake):
        found.setdefault(row["fanid"], set()).add(row["phonenumber"])
    return found


VALID = [change(fanId=s("gone"), **THEIRS), change(fanId=s("kept"), **OTHERS), change("notification", fanId=s("gone"))]
# Each fails: a member of another type, no readable subject, an unknown type, no type, no JSON, not UTF-8.
FAILING: list[Any] = [
    change(fanId=s("gone"), email={"N": "1"}, phoneNumber=s(PHONE)),
    change(fanId={"SS": ["gone"]}, **THEIRS),
    change(fanId={"N": "1"}, sk=s("FAN#gone"), **THEIRS),
    change("sale", id={"N": "1"}, fanId=s("gone"), **THEIRS),
    change("demand", type=None, fanId=s("gone"), **THEIRS),
    {"Keys": "of gone", "phoneNumber": PHONE, "email": MAIL},
    payload(change(fanId=s("gone"), **THEIRS))[:-1],
    payload(change(fanId=s("gone"), note=s("NOTE"), **THEIRS)).replace(b"NOTE", b"\xff"),
    payload(change(fanId=s("gone"), **THEIRS))[:-1].replace(b"gone", b"\\u0067one"),
]


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_an_old_file_is_run_again_and_nothing_of_the_person_is_found(tmp_path: Path, file_format: str) -> None:
    lake, file = tmp_path / "lake", write(tmp_path / "changes.jsonl", *VALID, *FAILING)
    run = ("run", file, "--lake", str(lake), "--format", file_format, "--json")
    before, there = json.loads(result_of(*run).stdout), data(lake)
    assert holding(lake, PHONE, MAIL), "the search finds what is there"
    list_erased(lake, "gone")

    again = json.loads(result_of(*run).stdout)

    assert holding(lake, PHONE, MAIL) == []
    assert holding(lake, "kept@example.com") != []
    assert data(lake).keys() == there.keys()
    assert [again[name] for name in ("read", "dropped", "failed")] == [
        before[name] for name in ("read", "dropped", "failed")
    ]


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_run_into_a_lake_that_has_only_the_list_leaves_the_objects_of_one_that_was_erased_in_place(
    tmp_path: Path, file_format: str
) -> None:
    file = write(tmp_path / "changes.jsonl", *VALID, *FAILING)
    for name in ("one", "another"):
        list_erased(tmp_path / name, "gone" if name == "one" else "nobody")
        result_of("run", file, "--lake", str(tmp_path / name), "--format", file_format)

    one, another = (data(tmp_path / name) for name in ("one", "another"))

    assert one.keys() == another.keys()
    changed = {key.split("/")[1] for key in one if one[key] != another[key]}
    assert changed == {file_format, "errors"}


def test_rows_of_others_and_of_later_changes_stay_as_they_are(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    consent = change(fanId=s("gone"), eventId=s("e2"), phoneNumber=s("+15550300000"))
    changes = [*VALID, at(consent, LATER_MS), at(change(fanId=s("gone"), **THEIRS), ERASED_MICROS // 1000)]
    list_erased(lake, "gone")

    result_of("run", write(tmp_path / "changes.jsonl", *changes), "--lake", str(lake))

    assert personal(lake) == {"kept": {"+15550200000"}, "gone": {REDACTED, "+15550300000"}}


def test_failing_changes_that_are_later_than_the_erasure_keep_their_original(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    list_erased(lake, "gone")

    result_of("run", write(tmp_path / "changes.jsonl", at(FAILING[0], LATER_MS)), "--lake", str(lake))

    assert len(holding(lake, PHONE)) == 2, "the document and Firehose's copy"


@pytest.mark.parametrize("failing", FAILING, ids=range(len(FAILING)))
def test_the_error_document_of_a_redacted_record_still_explains_it(tmp_path: Path, failing: Any) -> None:
    lake = tmp_path / "lake"
    file = write(tmp_path / "changes.jsonl", failing)
    result_of("run", file, "--lake", str(lake))
    before = report(str(lake)).failures
    list_erased(lake, "gone")

    result_of("run", file, "--lake", str(lake))

    assert report(str(lake)).failures == before


def test_no_digest_beside_a_record_that_does_not_parse_is_that_of_its_bytes(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    broken = FAILING[6]
    list_erased(lake, "gone")

    result_of("run", write(tmp_path / "changes.jsonl", broken), "--lake", str(lake))

    assert holding(lake, digest_of_original(broken, PERSONAL)) == []


def test_nor_is_it_where_the_subject_was_listed_between_the_document_and_firehoses_copy(tmp_path: Path) -> None:
    lake, other = tmp_path / "lake", tmp_path / "other"
    result_of("run", write(tmp_path / "changes.jsonl", FAILING[6]), "--lake", str(other))
    digest = digest_of_original(FAILING[6], PERSONAL)
    firehose, document = sorted((key, body) for key, body in data(other).items() if "errors/" in key)
    with closing(open_lake_to_write(str(lake))) as sink:
        erased = ErasedSubjects(str(lake))
        redacting = RedactingSink(sink, erased, SCHEMAS)

        redacting.put(*document)
        assert holding(lake, digest) == [document[0]]
        list_erased(lake, "gone")
        erased.refresh()
        redacting.put(*firehose)

    assert holding(lake, digest, PHONE) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_an_old_export_is_backfilled_and_nothing_of_the_person_is_found(tmp_path: Path, processes: int) -> None:
    lake = tmp_path / "lake"
    full_export(tmp_path / "export", EXPORTED[:2], EXPORTED[2:])
    backfill = ("backfill", "--export", str(tmp_path / "export"), "--lake", str(lake), "--processes", str(processes))
    result_of(*backfill, "--no-compare")
    there = data(lake)
    assert holding(lake, PHONE)
    list_erased(lake, "gone", at_micros=EXPORTED_MICROS)

    result_of(*backfill)

    assert holding(lake, PHONE, MAIL) == []
    assert personal(lake)["kept"] == {"+15550200000"}
    assert data(lake).keys() == there.keys()


EXPORTED = [demand("gone", **THEIRS), demand("kept", **OTHERS), demand("gone", date=None, **THEIRS)]


def test_an_old_error_object_is_replayed_and_nothing_of_the_person_is_found(tmp_path: Path) -> None:
    lake, elsewhere = tmp_path / "lake", tmp_path / "old"
    result_of("run", write(tmp_path / "changes.jsonl", *VALID), "--lake", str(elsewhere))
    row = {name: value for name, value in rows(elsewhere)[0].items() if name not in {"date", "reference", "change"}}
    row |= {"fanid": "gone", "phonenumber": PHONE, "date": {"requested": "2025-01-01 10:00:00.000"}}
    row |= {"requesteddatetime": "2025-01-01 10:00:00.000"}
    row |= {"change": {"name": "INSERT", "atmicros": CHANGED_MS * 1000, "id": "1", "expired": False}}
    old = error_object(elsewhere, failed(VALID[0]), failed(VALID[1]), failed(payload(row)), failed(FAILING[0]))
    list_erased(lake, "gone")

    result = result_of("replay", "--lake", str(lake), "--errors", str(old.parent), "--format", "parquet", "--json")

    assert json.loads(result.stdout)["delivered"] == {"demand": 3}
    assert holding(lake, PHONE, MAIL) == []
    assert personal(lake) == {"kept": {"+15550200000"}, "gone": {REDACTED}}


def test_after_an_erasure_no_command_brings_anything_back(tmp_path: Path) -> None:
    lake, old = tmp_path / "lake", tmp_path / "old"
    full_export(tmp_path / "export", EXPORTED)
    file = write(tmp_path / "changes.jsonl", *VALID, *FAILING)
    old_errors = error_object(old, failed(VALID[0]), failed(FAILING[0]))
    writers = [
        ("run", file, "--lake", str(lake)),
        ("backfill", "--export", str(tmp_path / "export"), "--lake", str(lake), "--no-compare"),
        ("replay", "--lake", str(lake), "--errors", str(old_errors.parent)),
    ]
    for writer in writers:
        result_of(*writer)
    assert len(holding(lake, PHONE, MAIL)) > len(writers)

    assert states(erase(lake, tmp_path, "gone", options=NO_WAIT)) == (0, 1, 0), "something was found"
    erased = data(lake)
    assert holding(lake, PHONE, MAIL) == []
    shutil.rmtree(lake / "dmd-replay")  # else nothing is replayed again
    for writer in writers:
        result_of(*writer)

    assert holding(lake, PHONE, MAIL) == []
    assert data(lake).keys() == erased.keys()
    again = erase(lake, tmp_path, "gone", options=NO_WAIT)
    assert (again["objects"], again["found_in_second_pass"], states(again)) == (0, 0, (1, 0, 0))


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_what_a_run_puts_after_an_erasure_is_byte_by_byte_what_the_erasure_left(
    tmp_path: Path, file_format: str
) -> None:
    lake, file = tmp_path / "lake", write(tmp_path / "changes.jsonl", *VALID, *FAILING)
    run = ("run", file, "--lake", str(lake), "--format", file_format)
    result_of(*run)
    erase(lake, tmp_path, "gone")
    erased = data(lake)

    result_of(*run)

    assert data(lake) == erased


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_of_the_sample_each_object_keeps_its_name_and_all_others_their_bytes(tmp_path: Path, file_format: str) -> None:
    run = ("run", str(SAMPLE), "--format", file_format, "--lake")
    result_of(*run, str(tmp_path / "before"))
    before = data(tmp_path / "before")
    found = re.findall(rb'"fanId": ?{"S": ?"([^"]+)"', gzip.decompress(SAMPLE.read_bytes()))
    theirs = sorted({fan.decode() for fan in found})[::40]
    list_erased(tmp_path / "lake", *theirs, at_micros=EXPORTED_MICROS * 2)

    result_of(*run, str(tmp_path / "lake"))

    after = data(tmp_path / "lake")
    assert after.keys() == before.keys()
    changed = {key for key in after if after[key] != before[key]}
    assert 0 < len(changed) < len(before)
    assert changed <= set(holding(tmp_path / "before", *theirs))


def test_a_retried_invocation_of_the_function_consults_no_list_and_the_next_erasure_finds_it(tmp_path: Path) -> None:
    lake = tmp_path / "lake"

    def deploy() -> None:
        with closing(FolderSink(lake)) as bucket:
            local_pipeline(bucket, file_format=Format.AVRO).run(number_changes(map(payload, VALID)))

    deploy()
    erase(lake, tmp_path, "gone")
    erased = data(lake)
    deploy()
    (back,) = holding(lake, PHONE)

    found = erase(lake, tmp_path, "gone", options=NO_WAIT)

    assert (found["objects"], found["rows"], states(found)) == (1, 1, (0, 1, 0))
    assert back in erased
    assert data(lake) == erased
    assert states(erase(lake, tmp_path, "gone", options=NO_WAIT)) == (1, 0, 0)


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "erasure.key"
    path.write_text("0123456789abcdef0123456789abcdef")
    return str(path)


def commands(tmp_path: Path, lake: Path) -> list[tuple[str, ...]]:
    """Return each command that writes change records into a lake, or out of it into a stream."""
    full_export(tmp_path / "export", EXPORTED)
    old = error_object(tmp_path / "old", failed(VALID[0]))
    export = ("backfill", "--export", str(tmp_path / "export"), "--no-compare")
    replay = ("replay", "--lake", str(lake), "--errors", str(old.parent))
    return [
        ("run", write(tmp_path / "changes.jsonl", *VALID), "--lake", str(lake)),
        (*export, "--lake", str(lake)),
        (*export, "--lake", str(lake), "--processes", "2"),
        (*export, "--stream", "kinesis://dmnd", "--erased", str(lake)),
        replay,
        (*replay, "--to", "kinesis://dmnd"),
    ]


@pytest.mark.parametrize("command", range(6))
def test_without_the_key_or_with_another_nothing_is_written(
    tmp_path: Path, key: str, command: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    lake = tmp_path / "lake"
    list_erased(lake, "gone", key=key)
    arguments = commands(tmp_path, lake)[command]
    there = keys(lake)
    (tmp_path / "another.key").write_text("another key that is long enough")

    with mock_aws(), pytest.raises(UserError, match="its key is not there"):
        result_of(*arguments)
    with mock_aws(), pytest.raises(UserError, match="was made with another key"):
        result_of(*arguments, "--erasure-key", str(tmp_path / "another.key"))

    assert keys(lake) == there


def test_the_key_may_be_named_in_the_environment(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = tmp_path / "lake"
    list_erased(lake, "gone", key=key)
    monkeypatch.setenv("DMD_ERASURE_KEY", key)

    result_of(*commands(tmp_path, lake)[0])

    assert personal(lake)["gone"] == {REDACTED}


def test_a_reconciliation_needs_no_key_because_its_scratch_lake_consults_no_list(tmp_path: Path, key: str) -> None:
    lake = tmp_path / "lake"
    list_erased(lake, "gone", at_micros=EXPORTED_MICROS, key=key)
    full_export(tmp_path / "export", EXPORTED[:2])
    export = ("--export", str(tmp_path / "export"), "--key", "pk", "--key", "sk", "--lake", str(lake))
    result_of("backfill", *export, "--erasure-key", key)

    result = result_of("reconcile", *export, "--json")

    classes = json.loads(result.stdout)["types"]["demand"]
    assert (result.exit_code, classes["same"], classes["erased"]) == (0, 1, 1)


def test_a_backfill_that_was_open_before_the_erasure_redacts_from_its_next_chunk_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    full_export(tmp_path / "export", [demand("gone", "2025-01-01", **THEIRS)], [demand("gone", "2025-01-02", **THEIRS)])
    deliver = LakeLoader.deliver

    def erased_between(loader: LakeLoader, records: Any, counts: Any, unit: int) -> None:
        deliver(loader, records, counts, unit)
        list_erased(lake, "gone", at_micros=EXPORTED_MICROS)

    monkeypatch.setattr(LakeLoader, "deliver", erased_between)

    backfilled(tmp_path / "export", lake, tmp_path / "state")

    assert len(holding(lake, PHONE)) == 1, "what was put before is for the erasure to find"


@pytest.fixture
def put(tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """Puts an object of the person into a lake, by a writer that was made before the lake's first erasure."""
    result_of("run", write(tmp_path / "changes.jsonl", VALID[0]), "--lake", str(tmp_path / "other"))
    ((key, body),) = [(key, body) for key, body in keys(tmp_path / "other").items() if key.endswith("parquet")]
    lake = tmp_path / "lake"
    with closing(open_lake_to_write(str(lake))) as sink:
        redacting = RedactingSink(sink, ErasedSubjects(str(lake)), SCHEMAS)
        list_erased(lake, "gone")

        def put_it(*, opened: bool = False) -> list[str]:
            with redacting.opened("run") if opened else nullcontext():
                redacting.put(key, body)
            return holding(lake, PHONE)

        yield put_it


def test_a_long_run_looks_at_the_list_every_minute(
    put: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(put()) == 1
    seconds = time.monotonic()
    monkeypatch.setattr("firehose.lake.erasure.erased_subjects.time.monotonic", lambda: seconds + 61)

    assert put() == []


def test_a_subject_who_is_listed_before_a_run_has_put_its_note_is_seen_by_it(put: Callable[..., list[str]]) -> None:
    assert put(opened=True) == []
