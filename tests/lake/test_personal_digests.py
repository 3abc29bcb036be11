"""No digest that is kept gives personal data back: every ending fits a redacted phone number equally well (BR-23)."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from firehose.lake.backfill.item_to_change import canonical, change_maker
from firehose.lake.backfill.lake_loader import RecordNumbers
from firehose.lake.errors.report import report
from firehose.pipeline.change_records import change_identity
from tests.commands import result_of
from tests.exports import TABLE, WRITTEN_MICROS, backfilled, demand, incremental_export, written
from tests.failed import document_of, documents, error_object, everything, failed, rows
from tests.given import PERSONAL, change, number_changes, payload, s
from transform.outcome import Reason

pytestmark = pytest.mark.slow

TRUE, ANOTHER = "+15550107301", "+15550100000"


def phone(ending: int) -> str:
    return f"+1555010{ending:04}"


def test_every_ending_of_a_phone_number_gives_the_same_change_of_a_backfill() -> None:
    make = change_maker(TABLE, "us-east-1", PERSONAL)
    numbers = RecordNumbers("export", 1, PERSONAL)

    def kept(number: str) -> tuple[Any, ...]:
        item = demand("a", phoneNumber=s(number), Email=s(number), messagebody=s(number))
        image = {name: Raw(json.dumps(attribute).encode()) for name, attribute in item.items()}
        made = make(image, {"pk": image["pk"], "sk": image["sk"]}, WRITTEN_MICROS, deleted=True)
        (record,) = numbers.records([made.payload], 7)
        return json.loads(made.payload)["eventID"], record["recordId"], record["kinesisRecordMetadata"]

    fitting = [ending for ending in range(10_000) if kept(phone(ending)) == kept(TRUE)]

    assert len(fitting) == 10_000


@pytest.mark.parametrize(
    "members", [{}, {"eventID": None}, {"eventID": 7}, {"eventName": "GONE"}], ids=["whole", "null id", "id", "name"]
)
def test_every_ending_of_a_phone_number_gives_the_same_record_of_a_file(members: dict[str, Any]) -> None:
    def kept(number: str) -> tuple[Any, ...]:
        (record,) = number_changes([payload(change(phoneNumber=s(number)) | members)])
        return record["recordId"], record["kinesisRecordMetadata"]

    fitting = [ending for ending in range(0, 10_000, 7) if kept(phone(ending)) == kept(TRUE)]

    assert len(fitting) == len(range(0, 10_000, 7))


def test_a_name_that_is_escaped_or_beside_a_lone_surrogate_is_redacted_too() -> None:
    escaped = b'{"\\u0065mail":{"S":"%s"},"x":{"M":{"EMAIL":{"S":"%s"}}}}'
    broken = b'{"email":{"S":"%s"},"x":{"S":"\\ud800"}}'

    for text in (escaped, broken):
        one, another = (canonical(text.replace(b"%s", value), frozenset({"email"})) for value in (b"a@b", b"c@d"))
        assert one == another


def test_redacted_rows_of_a_backfill_and_the_names_of_their_objects_do_not_depend_on_the_number(tmp_path: Path) -> None:
    for number in (TRUE, ANOTHER):
        folder = tmp_path / number
        incremental_export(folder / "export", [written(None, demand("a", phoneNumber=s(number)))])
        backfilled(folder / "export", folder / "lake", folder / "state")

    assert rows(tmp_path / TRUE / "lake")[0]["phonenumber"] == "[redacted]"
    assert everything(tmp_path / TRUE / "lake") == everything(tmp_path / ANOTHER / "lake")


@pytest.mark.parametrize("broken", [{}, {"fanId": {"N": "1"}}], ids=["delivered", "failed"])
def test_a_deletion_in_a_file_leaves_the_same_objects_whatever_the_number(
    tmp_path: Path, broken: dict[str, Any]
) -> None:
    for number in (TRUE, ANOTHER):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(payload(change("demand", "REMOVE", phoneNumber=s(number), **broken)))
        result_of("run", str(file), "--lake", str(tmp_path / number))

    # Firehose's own copy of a failed record lies under a tighter policy, with the bytes as they were.
    one, another = (
        {key: digest for key, digest in everything(tmp_path / number).items() if "errors/firehose" not in key}
        for number in (TRUE, ANOTHER)
    )
    assert one == another


def test_records_that_do_not_parse_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    for text in ("nope one", "nope two"):
        (tmp_path / f"{text}.jsonl").write_text(text)
        result_of("run", str(tmp_path / f"{text}.jsonl"), "--lake", str(tmp_path / "lake"))

    assert [(one.reason, one.count) for one in report(str(tmp_path / "lake")).failures] == [(Reason.NOT_JSON, 2)]


def test_records_of_the_same_change_id_and_time_but_other_keys_are_told_apart() -> None:
    one, another = (change() for _ in range(2))
    another["dynamodb"] = one["dynamodb"] | {"Keys": {"pk": s("Q"), "sk": s("S")}}

    assert change_identity(payload(one), PERSONAL) != change_identity(payload(another), PERSONAL)


def test_a_document_finds_its_record_though_its_digest_is_redacted(tmp_path: Path) -> None:
    both = [change(phoneNumber=s(number), fanId={"N": "1"}) for number in (TRUE, ANOTHER)]
    error_object(tmp_path, *map(failed, both))
    documents(tmp_path, *(document_of(one, Reason.INVALID) for one in both))

    found = report(str(tmp_path))

    assert [(one.reason, one.count) for one in found.failures] == [(Reason.INVALID, 2)]
    assert found.unmatched_documents == 0


def test_two_records_that_differ_in_personal_data_alone_are_both_replayed(tmp_path: Path) -> None:
    for number, stream in ((TRUE, "dmnd-demand"), (ANOTHER, "dmnd-avro")):
        error_object(tmp_path, failed(change(phoneNumber=s(number))), stream=stream)

    result_of("replay", "--lake", str(tmp_path), "--format", "parquet")

    assert sorted(row["phonenumber"] for row in rows(tmp_path)) == sorted([TRUE, ANOTHER])


def test_the_journal_of_objects_from_elsewhere_does_not_depend_on_the_number(tmp_path: Path) -> None:
    for number in (TRUE, ANOTHER):
        folder = tmp_path / number
        (folder / "errors").mkdir(parents=True)
        (folder / "errors" / "a.json").write_text(json.dumps(failed(change("demand", "REMOVE", phoneNumber=s(number)))))
        result_of("replay", "--lake", str(folder / "lake"), "--errors", str(folder / "errors"))

    assert everything(tmp_path / TRUE / "lake") == everything(tmp_path / ANOTHER / "lake")
