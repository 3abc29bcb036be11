"""Into a stream, too, what is erased stays erased: the deployed function consults no list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_writer import RedactingWriter
from firehose.local.user_error import UserError
from glue.schema import load
from tests.commands import result_of
from tests.erased import ERASED_MICROS, list_erased
from tests.exports import EXPORTED_MICROS, demand, full_export
from tests.failed import error_object, failed
from tests.given import CHANGED_MS, Attributes, change, change_of, image, payload, s

PHONE = "+15550107301"
REDACTED = s("[redacted]")


class Sent:
    """A stream that keeps what it is sent."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, str]] = []

    def put(self, payload: bytes, partition_key: str) -> None:
        self.records.append((payload, partition_key))

    def flush(self) -> None:
        """Nothing waits."""


@pytest.fixture
def lake(tmp_path: Path) -> str:
    list_erased(tmp_path / "lake", "gone", "g:1")
    return str(tmp_path / "lake")


def sent(lake: str, *records: Any) -> list[bytes]:
    """Return what arrives in a stream."""
    stream = Sent()
    writer = RedactingWriter(stream, ErasedSubjects(lake), load())
    for number, record in enumerate(records):
        writer.put(payload(record), f"key-{number}")
    writer.flush()
    assert [key for _, key in stream.records] == [f"key-{number}" for number in range(len(records))]
    return [body for body, _ in stream.records]


def theirs(**attributes: Attributes) -> dict[str, Any]:
    return change(fanId=s("gone"), phoneNumber=s(PHONE), **attributes)


def of(new: Any, old: Any) -> dict[str, Any]:
    """Return a change with two images."""
    record = change_of(new, "MODIFY")
    return record | {"dynamodb": record["dynamodb"] | {"OldImage": old}}


def test_all_images_and_keys_of_an_erased_subject_are_redacted(lake: str) -> None:
    mine = image("demand", fanId=s("gone"), phoneNumber=s(PHONE), more={"M": {"EMAIL": {"L": [s(PHONE)]}}})
    record = of(mine, mine)
    record["dynamodb"]["Keys"] = {"pk": s("P"), "email": s(PHONE)}

    (body,) = sent(lake, record)

    assert PHONE.encode() not in body
    read = json.loads(body)
    assert read["dynamodb"]["NewImage"]["phoneNumber"] == read["dynamodb"]["Keys"]["email"] == REDACTED
    assert read["dynamodb"]["NewImage"]["fanId"] == s("gone")


@pytest.mark.parametrize("images", [("gone", "kept"), ("kept", "gone")])
def test_either_image_says_whom_a_change_is_about(lake: str, images: tuple[str, str]) -> None:
    new, old = (image("demand", fanId=s(fan), phoneNumber=s(PHONE)) for fan in images)

    assert PHONE.encode() not in sent(lake, of(new, old))[0]


def test_changes_of_others_are_sent_byte_by_byte(lake: str) -> None:
    records = [
        change(fanId=s("kept"), phoneNumber=s(PHONE)),
        change(fanId=s("kept"), phoneNumber=s(PHONE), note=s("asked with gone")),
        change("sale", email=s(PHONE)),
        change(fanId=s("e1_gone"), phoneNumber=s(PHONE)),
        change(fanId={"N": "1"}, sk=s("FAN#gone-1"), phoneNumber=s(PHONE)),
        b"{",
    ]

    assert sent(lake, *records) == [payload(record) for record in records]


@pytest.mark.parametrize(
    "record",
    [
        change(fanId={"N": "1"}, sk=s("FAN#gone"), phoneNumber=s(PHONE)),
        change(fanId={"N": "1"}, sk=s("FAN#g:1"), phoneNumber=s(PHONE)),
        change("sale", fanId=s("gone"), phoneNumber=s(PHONE)),
        change("demand", type=None, fanId=s("gone"), phoneNumber=s(PHONE)),
        change("nobody", fanId=s("gone"), phoneNumber=s(PHONE)),
        of(image("demand", phoneNumber=s(PHONE)), {"fanId": s("gone")}),
        {"fanid": "gone", "phonenumber": PHONE},
        payload(theirs())[:-1],
        payload(theirs())[:-1].replace(b"gone", b"\\u0067one"),
    ],
    ids=range(9),
)
def test_a_record_that_does_not_say_whose_it_is_is_redacted_if_it_mentions_an_erased_subject(
    lake: str, record: Any
) -> None:
    assert PHONE.encode() not in sent(lake, record)[0]


def timed(time: Any, precision: Any = "MICROSECOND") -> dict[str, Any]:
    record = theirs()
    times = {"ApproximateCreationDateTime": time, "ApproximateCreationDateTimePrecision": precision}
    return record | {"dynamodb": record["dynamodb"] | times}


@pytest.mark.parametrize(
    ("time", "precision", "redacted"),
    [
        (ERASED_MICROS, "MICROSECOND", True),
        (ERASED_MICROS + 1, "MICROSECOND", False),
        (ERASED_MICROS // 1000, "MILLISECOND", True),
        (ERASED_MICROS // 1000 + 1, "MILLISECOND", False),
        (None, "MICROSECOND", True),
        (7, "MICROSECOND", True),
    ],
)
def test_a_change_later_than_the_erasure_is_a_new_consent_and_one_without_a_time_is_not(
    lake: str, time: Any, precision: str, redacted: bool
) -> None:
    assert (PHONE.encode() not in sent(lake, timed(time, precision))[0]) is redacted


def test_without_a_list_records_are_sent_as_they_are(tmp_path: Path) -> None:
    assert sent(str(tmp_path), theirs(), b"{gone") == [payload(theirs()), b"{gone"]


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="dmnd", ShardCount=1)
        yield client


def numbers_in(client: Any) -> list[Any]:
    """Return the telephone numbers of the changes in the stream, by fan."""
    shard = client.list_shards(StreamName="dmnd")["Shards"][0]["ShardId"]
    at = client.get_shard_iterator(StreamName="dmnd", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    images = [
        json.loads(one["Data"])["dynamodb"]["NewImage"] for one in client.get_records(ShardIterator=at)["Records"]
    ]
    return sorted((one["fanId"]["S"], one["phoneNumber"]["S"]) for one in images)


@pytest.mark.slow
def test_a_backfill_into_a_stream_consults_the_list_of_the_lake_that_is_named(kinesis: Any, tmp_path: Path) -> None:
    mine: Any = {"phoneNumber": s(PHONE)}
    full_export(tmp_path / "export", [demand("gone", **mine), demand("kept", **mine)])
    list_erased(tmp_path / "lake", "gone", at_micros=EXPORTED_MICROS)
    backfill = ("backfill", "--export", "export", "--stream", "kinesis://dmnd")

    for options in ([], ["--erased", "lake", "--no-erased"]):
        with pytest.raises(UserError, match=r"name its lake with --erased LAKE, or specify --no-erased"):
            result_of(*backfill, *options)
    with pytest.raises(UserError, match="no such lake: typo"):
        result_of(*backfill, "--erased", "typo")
    with pytest.raises(UserError, match="only for a stream"):
        result_of("backfill", "--export", "export", "--lake", "lake", "--no-erased")
    assert numbers_in(kinesis) == []

    result_of(*backfill, "--erased", "lake")
    assert numbers_in(kinesis) == [("gone", "[redacted]"), ("kept", PHONE)]

    result_of(*backfill, "--no-erased")
    assert numbers_in(kinesis) == [("gone", PHONE), ("gone", "[redacted]"), ("kept", PHONE), ("kept", PHONE)]


@pytest.mark.slow
def test_a_replay_into_a_stream_consults_the_list_of_its_lake(kinesis: Any, tmp_path: Path, lake: str) -> None:
    late = theirs(eventId=s("e2"))
    late["dynamodb"]["ApproximateCreationDateTime"] = ERASED_MICROS // 1000 + 1
    records = [theirs(), late, change(fanId=s("kept"), phoneNumber=s(PHONE))]
    error_object(Path(lake), *(failed(record, arrival_ms=CHANGED_MS) for record in records))

    result_of("replay", "--lake", lake, "--to", "kinesis://dmnd")

    assert numbers_in(kinesis) == [("gone", PHONE), ("gone", "[redacted]"), ("kept", PHONE)]
