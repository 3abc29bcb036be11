"""Records that hold several are taken apart, and none that cannot be is lost or changed."""

import json
import subprocess
import sys
from base64 import b64decode
from hashlib import md5
from typing import Any

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.processing import DeAggregation
from firehose.local.event_record import EventRecord, event_record
from firehose.local.processors.deaggregation import MOST_PARTS, KplDeAggregation, RecordDeAggregation
from tests.processors import direct_put_record

SEQUENCE = "49" + "7" * 54
MAGIC = b"\xf3\x89\x9a\xc2"
JSON = DeAggregation()


def deaggregated(record: EventRecord) -> list[EventRecord]:
    """The user records of a KPL aggregate."""
    return KplDeAggregation().split(record)


def parts(record: EventRecord, settings: DeAggregation) -> list[EventRecord]:
    """The parts by a RecordDeAggregation processor."""
    return RecordDeAggregation(settings).split(record)


def record(data: bytes, subsequence_number: int = 0) -> EventRecord:
    return event_record(
        data,
        shard_id="shardId-000000000003",
        partition_key="outer",
        sequence_number=SEQUENCE,
        arrival_ms=1_714_564_809_617,
        subsequence_number=subsequence_number,
    )


def aggregate(*pairs: tuple[str, bytes], hash_key: str | None = None) -> bytes:
    """As a producer makes it."""
    made = RecordAggregator()
    for key, data in pairs:
        assert made.add_user_record(key, data, hash_key) is None
    body: bytes = made.clear_and_get().get_contents()[2]
    return body


def signed(message: bytes) -> bytes:
    return MAGIC + message + md5(message, usedforsecurity=False).digest()


def payloads(found: list[EventRecord]) -> list[bytes]:
    return [b64decode(each["data"]) for each in found]


def test_the_records_of_an_aggregate_have_its_number_their_own_key_and_are_counted_from_0() -> None:
    found = deaggregated(record(aggregate(("a", b"1"), ("b", b""), ("a", b"3"))))

    assert payloads(found) == [b"1", b"", b"3"]
    assert [each["kinesisRecordMetadata"] for each in found] == [
        {
            "shardId": "shardId-000000000003",
            "partitionKey": key,
            "approximateArrivalTimestamp": 1_714_564_809_617,
            "sequenceNumber": SEQUENCE,
            "subsequenceNumber": number,
        }
        for number, key in enumerate("aba")
    ]
    assert [each["recordId"] for each in found] == [
        f"shardId-000000000003{SEQUENCE:0>128}{number:012}" for number in range(3)
    ]
    assert list(found[0]) == list(record(b"x"))


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=5), st.binary(max_size=20)), min_size=1, max_size=20), st.booleans()
)
def test_an_aggregate_is_read_as_the_library_reads_it(pairs: list[tuple[str, bytes]], hashed: bool) -> None:
    whole = record(aggregate(*pairs, hash_key="1" if hashed else None))

    assert [
        (
            each["kinesisRecordMetadata"]["partitionKey"],
            each["kinesisRecordMetadata"]["subsequenceNumber"],
            each["data"],
        )
        for each in deaggregated(whole)
    ] == [
        (each["kinesis"]["partitionKey"], each["kinesis"]["subSequenceNumber"], each["kinesis"]["data"].decode())
        for each in deaggregate_records([whole])
    ]


WHOLE = aggregate(("a", b"1"), ("b", b"2"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id": 1}', id="JSON"),
        pytest.param(MAGIC, id="magic alone"),
        pytest.param(MAGIC + md5(b"", usedforsecurity=False).digest(), id="no records"),
        pytest.param(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), id="bad checksum"),
        pytest.param(WHOLE[:-1], id="cut short"),
        pytest.param(WHOLE + b"x", id="more behind it"),
        pytest.param(MAGIC[:3] + b"\xc1" + WHOLE[4:], id="another magic of the same base64"),
        pytest.param(signed(b"\xff\xff"), id="no protobuf"),
        pytest.param(
            signed(b"\x0a\x01k\x1a\x05\x08\x00\x1a\x01x\x1a\x05\x08\x01\x1a\x01y"), id="a key that is not there"
        ),
        pytest.param(signed(b"\x0a\x01k\x1a\x07\x08\x00\x10\x00\x1a\x01x"), id="a hash key that is not there"),
        pytest.param(signed(b"\x0a\x01\xff\x1a\x05\x08\x00\x1a\x01x"), id="a key that is no text"),
        pytest.param(signed(b"\x0a\x01k\x1a\x02\x08\x00"), id="a record without data"),
    ],
)
def test_what_is_no_whole_aggregate_stays_one_record(data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    one = record(data)

    assert deaggregated(one) == [one]
    assert capsys.readouterr() == ("", "")


def test_the_hand_made_messages_are_aggregates_but_for_their_fault() -> None:
    good = signed(b"\x0a\x01k\x12\x011\x1a\x07\x08\x00\x10\x00\x1a\x01x\x1a\x05\x08\x00\x1a\x01y")

    assert payloads(deaggregated(record(good))) == [b"x", b"y"]


def test_what_was_put_without_kinesis_is_not_looked_into() -> None:
    one = direct_put_record(WHOLE, number=1, arrival_ms=1)

    assert deaggregated(one) == [one]


def test_reading_an_aggregate_leaves_the_module_path_alone() -> None:
    code = (
        "import json, sys\n"
        "from firehose.local.processors.deaggregation import KplDeAggregation\n"
        "before, one = list(sys.path), json.loads(sys.argv[1])\n"
        "assert 'aws_kinesis_agg' not in sys.modules\n"
        "assert len(KplDeAggregation().split(one)) == 2\n"
        "assert sys.path == before\n"
    )

    subprocess.run([sys.executable, "-c", code, json.dumps(record(WHOLE))], check=True)


@given(st.binary(max_size=60), st.booleans())
def test_whatever_follows_the_magic_is_never_less_than_one_record(data: bytes, with_digest: bool) -> None:
    assert deaggregated(record(signed(data) if with_digest else MAGIC + data))


LONG = b'{"a":' + b"1" * 5000 + b"}"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(b'{"a":1}{"a":2}', [b'{"a":1}', b'{"a":2}'], id="one after the other"),
        pytest.param(b'{"a":1}\n{"a":2}\r\n', [b'{"a":1}', b'{"a":2}'], id="lines"),
        pytest.param(b' {"a": {"b": "}{"}} ', [b'{"a": {"b": "}{"}}'], id="braces in text"),
        pytest.param(
            '{"a":"\u20ac\U0001f600"}{}'.encode(), ['{"a":"\u20ac\U0001f600"}'.encode(), b"{}"], id="not ASCII"
        ),
        pytest.param(b'{"a":1.50}{"a":1E400}', [b'{"a":1.50}', b'{"a":1E400}'], id="numbers as they are written"),
        pytest.param(LONG + b"{}", [LONG, b"{}"], id="a long number"),
        pytest.param(b'{"a":1}{"b":', [b'{"a":1}', b'{"b":'], id="cut short"),
        pytest.param(b'{"a":1}, {"a":2}', [b'{"a":1}', b', {"a":2}'], id="commas"),
        pytest.param(b'{"a":1} [{"a":2}]', [b'{"a":1}', b'[{"a":2}]'], id="an array behind"),
        pytest.param(b'[{"a":1}, {"a":2}]', [b'[{"a":1}, {"a":2}]'], id="an array"),
        pytest.param(b'{"a":NaN}{}', [b'{"a":NaN}{}'], id="NaN"),
        pytest.param(b'{"a":' * 100_000, [b'{"a":' * 100_000], id="too deep"),
        pytest.param(b"1 2", [b"1 2"], id="no objects"),
        pytest.param(b'{"a":"\xff"}{}', [b'{"a":"\xff"}{}'], id="no UTF-8"),
        pytest.param(b"", [b""], id="empty"),
        pytest.param(b" \n", [b" \n"], id="blank"),
    ],
)
def test_json_objects_one_after_the_other_are_records(data: bytes, found: list[bytes]) -> None:
    assert payloads(parts(record(data), JSON)) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(b"a##b", [b"a", b"b"], id="between"),
        pytest.param(b"a##b##", [b"a", b"b"], id="at the end too"),
        pytest.param(b"a####b", [b"a", b"b"], id="nothing between"),
        pytest.param(b"a#b", [b"a#b"], id="none"),
        pytest.param(b"##", [b"##"], id="nothing but it"),
        pytest.param(b"", [b""], id="empty"),
        pytest.param(b"\xff##\n", [b"\xff", b"\n"], id="bytes as they are"),
    ],
)
def test_what_stands_between_delimiters_are_records(data: bytes, found: list[bytes]) -> None:
    assert payloads(parts(record(data), DeAggregation(b"##"))) == found


@pytest.mark.parametrize(("count", "made"), [(MOST_PARTS, MOST_PARTS), (MOST_PARTS + 1, 1)])
@pytest.mark.parametrize(("one", "deaggregation"), [(b"{}\n", JSON), (b"a#", DeAggregation(b"#"))])
def test_more_than_five_hundred_leave_the_record_whole(
    count: int, made: int, one: bytes, deaggregation: DeAggregation
) -> None:
    found = parts(record(one * count), deaggregation)

    assert len(found) == made
    assert made > 1 or payloads(found) == [one * count]


def test_parts_are_numbered_apart_from_those_of_the_next_record_of_an_aggregate() -> None:
    user_records = deaggregated(record(aggregate(("a", b"{}{}"), ("b", b"x"), ("c", b"{}{}"))))

    found = [part for one in user_records for part in parts(one, JSON)]

    assert [each["kinesisRecordMetadata"]["subsequenceNumber"] for each in found] == [0, 1, 1000, 2000, 2001]
    assert [int(each["recordId"][-12:]) for each in found] == [0, 1, 1000, 2000, 2001]
    assert {len(each["recordId"]) for each in found} == {160}
    assert [each["kinesisRecordMetadata"]["partitionKey"] for each in found] == ["a", "a", "b", "c", "c"]


def test_parts_of_a_record_put_directly_have_nothing_of_kinesis() -> None:
    found = parts(direct_put_record(b"{}{}", number=7, arrival_ms=1), JSON)

    assert [list(each) for each in found] == [["recordId", "approximateArrivalTimestamp", "data"]] * 2
    assert len({each["recordId"] for each in found}) == 2


VALUES: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), min_size=1, max_size=10),
    st.sampled_from([b"", b"\n", b" "]),
)
def test_documents_come_out_as_they_were_put_together(documents: list[dict[str, Any]], between: bytes) -> None:
    texts = [json.dumps(document, ensure_ascii=False).encode() for document in documents]

    assert payloads(parts(record(between.join(texts)), JSON)) == texts


@given(st.binary(max_size=40), st.none() | st.binary(min_size=1, max_size=2))
def test_no_byte_is_lost_but_what_stood_between(data: bytes, delimiter: bytes | None) -> None:
    found = payloads(parts(record(data), DeAggregation(delimiter)))

    assert found
    if delimiter:
        assert found == [data] or all(found)
        assert b"".join(found) in {data, data.replace(delimiter, b"")}
    else:
        assert without_space(b"".join(found)) == without_space(data)


def without_space(data: bytes) -> bytes:
    return data.translate(None, b" \t\r\n")
