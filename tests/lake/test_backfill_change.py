"""The change record that a backfill makes of a line of an export, whatever that line is."""

import base64
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.item_source import ExportSource
from firehose.lake.backfill.item_to_change import canonical, change_maker
from firehose.local.kinesis_writer import partition_key
from glue.model import pii_names
from glue.schema import load
from tests.exports import TABLE, WRITTEN_MICROS, demand, export, full, incremental_export, lines_of, written
from tests.given import change_of, m, s
from transform.times import LAST_MICROS

PERSONAL = pii_names(load())
KEYS = {"pk": s("P"), "sk": s("S")}
KEYS_JSON = b'{"pk":{"S":"P"},"sk":{"S":"S"}}'

make = change_maker(TABLE, "us-east-1", PERSONAL)


def raw(attributes: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(json.dumps(attribute).encode()) for name, attribute in attributes.items()}


def made(attributes: dict[str, Any], **named: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(make(raw(attributes), raw(KEYS), WRITTEN_MICROS, **named).payload)
    return record


@pytest.mark.parametrize(("deleted", "name"), [(False, "INSERT"), (True, "REMOVE")])
def test_it_has_the_members_of_a_change_that_dynamodb_put_into_kinesis(deleted: bool, name: str) -> None:
    change = made(demand("a"), deleted=deleted)

    real = change_of(demand("a"), name, eventID=change["eventID"], tableName=TABLE)
    real["dynamodb"] |= {
        "Keys": KEYS,
        "ApproximateCreationDateTime": WRITTEN_MICROS,
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
        "SizeBytes": change["dynamodb"]["SizeBytes"],
    }
    assert change == real
    assert list(change["dynamodb"]) == list(real["dynamodb"])
    assert list(change) == list(real)


def test_the_id_depends_on_the_table_the_keys_the_image_the_time_of_the_change_and_the_delete() -> None:
    other = change_maker("other", "us-east-1", PERSONAL)
    image, keys = raw(demand("a")), raw(KEYS)
    ids = [
        json.loads(one.payload)["eventID"]
        for one in (
            make(image, keys, 1),
            make(image, keys, 2),  # a scan's start is no part of what the item is
            other(image, keys, 1),
            make(raw(demand("b")), keys, 1),
            make(image, raw({"pk": s("Q")}), 1),
            make(image, keys, 1, happened=True),
            make(image, keys, 2, happened=True),
            make(image, keys, 1, happened=True, deleted=True),
        )
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == len(ids) - 1


def test_different_lists_of_facts_have_different_ids() -> None:
    one = make({"a": Raw(b"{}")}, {"b": Raw(b"{}")}, 1)
    other = make({}, {"a": Raw(b"{}"), "b": Raw(b"{}")}, 1)

    assert json.loads(one.payload)["eventID"] != json.loads(other.payload)["eventID"]


def test_an_item_read_by_boto3_and_the_same_in_an_export_have_one_id() -> None:
    binary = b"\x00\xffhello"
    text = base64.b64encode(binary).decode()
    scanned = demand("a", b={"B": binary}, bs={"BS": [b"1", b"0"]}, n=m(l={"L": [{"B": binary}]}))
    exported = demand("a", b={"B": text}, bs={"BS": ["MA==", "MQ=="]}, n=m(l={"L": [{"B": text}]}))

    one, other = make(scanned, KEYS, 1), make(raw(exported), raw(KEYS), 1)

    assert json.loads(one.payload)["eventID"] == json.loads(other.payload)["eventID"]
    assert partition_key(one.keys) == partition_key(other.keys)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=4)
_SETS = st.lists(_TEXT, max_size=4, unique=True)
_ATTRIBUTES = st.recursive(
    st.one_of(
        _TEXT.map(s),
        st.integers().map(lambda n: {"N": str(n)}),
        st.booleans().map(lambda b: {"BOOL": b}),
        st.tuples(st.sampled_from(["SS", "NS", "BS"]), _SETS).map(lambda t: {t[0]: t[1]}),
    ),
    lambda inner: st.one_of(
        st.dictionaries(_TEXT, inner, max_size=3).map(lambda d: {"M": d}),
        st.lists(inner, max_size=3).map(lambda one: {"L": one}),
    ),
    max_leaves=8,
)


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same item as another reader may write it: members, and members of sets, in another order."""
    if isinstance(value, list):
        return [shuffled(one, dice) for one in value]
    if not isinstance(value, dict):
        return value
    members = [(name, shuffled(inner, dice)) for name, inner in value.items()]
    dice.shuffle(members)
    for tag, body in members:
        if len(members) == 1 and tag in ("SS", "NS", "BS"):
            dice.shuffle(body)
    return dict(members)


@given(image=st.dictionaries(_TEXT, _ATTRIBUTES, max_size=5), dice=st.randoms(), ascii_only=st.booleans())
def test_the_canonical_form_does_not_depend_on_order_or_spelling(
    image: Any, dice: random.Random, ascii_only: bool
) -> None:
    other = json.dumps(shuffled(image, dice), ensure_ascii=ascii_only, indent=dice.choice([None, 1])).encode()

    found = canonical(other)

    assert found == canonical(json.dumps(image).encode())
    assert canonical(found) == found


@given(text=st.one_of(st.binary(), _TEXT.map(str.encode), st.just(b'{"SS":[' * 5000)))
def test_any_bytes_have_a_canonical_form(text: bytes) -> None:
    assert isinstance(canonical(text), bytes)


def test_lists_are_not_sets() -> None:
    assert canonical(b'{"a":{"L":[{"S":"y"},{"S":"x"}]}}') != canonical(b'{"a":{"L":[{"S":"x"},{"S":"y"}]}}')
    assert canonical(b'{"a":{"SS":["y",1]}}') == b'{"a":{"SS":["y",1]}}'


# Text that is nearly a line gets further than random bytes.
_NEARLY = st.sampled_from(
    [lines_of([one]).rstrip() for one in (full(demand("a")), written(demand("b")), written(None))]
)
_NAMES = st.sampled_from(["email", "EMail", "S", "a", ""])
_DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "x", "email"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)


def without_email(value: Any) -> Any:
    if isinstance(value, list):
        return [without_email(one) for one in value]
    if isinstance(value, dict):
        return {k: {"S": "[redacted]"} if k.lower() == "email" else without_email(v) for k, v in value.items()}
    return value


@given(_DOCUMENTS)
def test_what_is_personal_is_redacted_at_any_depth_of_maps_and_lists(document: Any) -> None:
    text = json.dumps(document).encode()

    assert json.loads(canonical(text)) == document
    assert json.loads(canonical(text, frozenset({"email"}))) == without_email(document)


_LINES = st.one_of(
    st.binary(max_size=40),
    st.tuples(_NEARLY, st.integers(0, 400), st.binary(max_size=3)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]),
    st.integers(-5, LAST_MICROS * 3).map(lambda n: lines_of([written(demand("c"), micros=n)]).rstrip()),
    _ATTRIBUTES.map(lambda a: lines_of([full(KEYS | {"x": a})]).rstrip()),
    st.sampled_from(
        [b'{"Item":{"a":' + b"[" * 5000, b'{"Item":{"a":{"S":"\xff"}}}', b'{"Item":{"a":{"S":"\\ud800"}}}']
    ),
)


@given(lines=st.lists(_LINES, max_size=6), incremental=st.booleans())
def test_any_line_of_an_export_ends_in_exactly_one_count(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], incremental: bool
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    lines = [line.replace(b"\n", b"") for line in lines]
    (incremental_export if incremental else export)(folder, lines)

    pages = list(ExportSource(find_export(str(folder)), personal=frozenset()).pages(0, ""))

    assert len(pages) == bool(lines)
    for page in pages:
        found = page.counts
        assert found.read == len(lines) == len(page.items) + found.not_lines + found.without_image
        assert (found.miscounted, len(found.places)) == (0, found.not_lines + found.without_image)
        for one in page.items:
            assert b"\n" not in one.payload, "spools and chunks hold a payload a line"
            assert len(partition_key(one.keys)) == 32


@pytest.mark.parametrize("line", [b'{"Item":{"pk":{"S":"x\\r\\n"}}}', b'{ "Item" : {"pk":\t{"S":"\\n"}} }\r'])
def test_a_payload_holds_the_image_of_its_line(tmp_path: Path, line: bytes) -> None:
    export(tmp_path, [line])

    (page,) = ExportSource(find_export(str(tmp_path)), ("pk",), personal=frozenset()).pages(0, "")

    (found,) = page.items
    assert msgspec.json.decode(found.payload)["dynamodb"]["NewImage"] == msgspec.json.decode(line)["Item"]
