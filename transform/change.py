"""Decoding a change record: what DynamoDB says of a change, before anything is asked of the item itself.

The order of questions is the same in every function: UTF-8 and JSON, the change, the image, the type (design.md).
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from transform.explain import path_in
from transform.outcome import BadRecord, Reason
from transform.surrogates import blank_lone_surrogates
from transform.times import LAST_MICROS

NULL = Raw(b"null")
ABSENT = Raw(b"")
MICROSECOND = Raw(b'"MICROSECOND"')


class _Image(msgspec.Struct, gc=False):
    """An image by its type alone: records of another type are told apart without decoding the rest."""

    type: Raw = ABSENT


class _Data(msgspec.Struct, gc=False):
    """The `dynamodb` member."""

    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Raw = ABSENT
    NewImage: _Image | None = None
    OldImage: _Image | None = None


class Change(msgspec.Struct, gc=False):
    """A change record, with the names DynamoDB gives its members."""

    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    dynamodb: _Data
    eventID: str | UnsetType = UNSET
    userIdentity: Raw = NULL


class _RawData(msgspec.Struct):
    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Raw = ABSENT
    Keys: Raw = ABSENT
    NewImage: Raw = NULL
    OldImage: Raw = NULL


class _Frame(msgspec.Struct):
    """A change record whose images may be anything, as the one that is not used may (BR-16)."""

    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    dynamodb: _RawData
    eventID: str | UnsetType = UNSET
    userIdentity: Raw = NULL

    @property
    def image(self) -> Raw:
        return self.dynamodb.OldImage if self.eventName == "REMOVE" else self.dynamodb.NewImage


class _Identity(msgspec.Struct):
    principalId: str = ""


class _Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    S: str


_EXPECTED = {
    "": "an object",
    "eventName": "INSERT, MODIFY or REMOVE",
    "eventID": "a string, or no such member",
    "dynamodb": "an object",
    "dynamodb.ApproximateCreationDateTime": "an integer, epoch milliseconds or microseconds, from 10^12 to 2199",
}

_change = msgspec.json.Decoder(Change).decode
_frame = msgspec.json.Decoder(_Frame).decode
_any = msgspec.json.Decoder(Raw).decode
_image = msgspec.json.Decoder(_Image).decode
_text = msgspec.json.Decoder(_Text).decode
_identity = msgspec.json.Decoder(_Identity).decode

TTL = "dynamodb.amazonaws.com"


def decode(payload: bytes) -> tuple[Change, bytes]:
    """The change in one Kinesis payload, and the payload as msgspec can read it: itself, nearly always.

    Raises:
        BadRecord: not_json, or not_a_change with the path of the member that is wrong.
    """
    try:
        # msgspec reads UTF-8 only in the strings it keeps; BR-15 asks it of the whole payload.
        if not payload.isascii():
            payload.decode()
        return _change(payload), payload
    except UnicodeDecodeError:
        raise BadRecord(Reason.NOT_JSON, "the payload is not UTF-8") from None
    except msgspec.ValidationError:
        return _decode_frame(payload)
    except msgspec.DecodeError:
        # Lone surrogates are JSON, and no concern of ours in an attribute that is not archived; msgspec stops at them.
        return decode(blank_lone_surrogates(payload))
    except RecursionError:
        raise _too_deep() from None


def _decode_frame(payload: bytes) -> tuple[Change, bytes]:
    """A change that did not decode at once: perhaps only for an image that is none, and that may be the unused one."""
    try:
        _any(payload)  # nothing else is said of a payload that is not JSON to its last byte
        frame = _frame(payload)
    except msgspec.ValidationError as error:
        path = member_path(error)
        message = f"{path or 'change record'}: expected {_EXPECTED[path]}"
        raise BadRecord(Reason.NOT_A_CHANGE, message, path or None) from None
    except msgspec.DecodeError:
        return decode(blank_lone_surrogates(payload))
    except RecursionError:
        raise _too_deep() from None
    try:
        image = _image(frame.image) if frame.image != NULL else None
    except msgspec.ValidationError:
        image = None
    time, precision = frame.dynamodb.ApproximateCreationDateTime, frame.dynamodb.ApproximateCreationDateTimePrecision
    return Change(frame.eventName, _Data(time, precision, image, image), frame.eventID, frame.userIdentity), payload


def _too_deep() -> BadRecord:
    # DynamoDB nests 32 levels at most; the decoder reads a thousand or more, how many depends on the Python.
    return BadRecord(Reason.NOT_JSON, "the payload nests deeper than any item of DynamoDB")


def member_path(error: msgspec.ValidationError) -> str:
    """The place a ValidationError speaks of, `dynamodb.NewImage`; the rest of its text may quote the record.

    Where a member is missing, the place is that member's.
    """
    missing = re.match(r"Object missing required field `(\w+)`", str(error))
    parts = [path_in(str(error)).removeprefix("."), missing[1] if missing else ""]
    return ".".join(part for part in parts if part)


def at_micros(change: Any) -> int:
    """The time of a change in epoch microseconds (BR-16): both units are in use, and it can switch mid-stream.

    `change` is any decoded form of one that has its `dynamodb` with the time and its precision.
    """
    time: int = change.dynamodb.ApproximateCreationDateTime
    micros = (
        time if time >= 10**14 or change.dynamodb.ApproximateCreationDateTimePrecision == MICROSECOND else time * 1000
    )
    if time < 10**12 or micros > LAST_MICROS:
        path = "dynamodb.ApproximateCreationDateTime"
        raise BadRecord(Reason.NOT_A_CHANGE, f"{path}: expected {_EXPECTED[path]}", path)
    return micros


def type_of(change: Change, known: Mapping[bytes, str]) -> str:
    """The record type that the image says it is (BR-2), of the one image that is archived (BR-1).

    `known` maps the usual spelling, b'{"S":"demand"}', to the type: no need to decode that.

    Raises:
        BadRecord: no_image where it is absent or no object, no_type where the type is absent, no string or empty.
    """
    image = change.dynamodb.OldImage if change.eventName == "REMOVE" else change.dynamodb.NewImage
    if image is None:
        raise BadRecord(Reason.NO_IMAGE, "the change has no image that could be archived")
    name = known.get(bytes(image.type))
    if name is None:
        try:
            name = _text(image.type).S if image.type else ""
        except msgspec.ValidationError:
            name = ""
    if not name:
        raise BadRecord(Reason.NO_TYPE, 'type: expected a string that is not empty: {"S": text}', "type")
    return name


def image_of(payload: bytes) -> Raw:
    """The image that is archived (BR-1), undecoded, of a payload that `decode` gave back."""
    return _frame(payload).image


def keys_of(payload: bytes) -> Raw:
    """The table's own keys, undecoded, of a payload that `decode` gave back."""
    return _frame(payload).dynamodb.Keys


def is_expired(change: Change) -> bool:
    """Whether DynamoDB's time to live removed the item. A userIdentity of another shape means it did not (BR-16)."""
    if change.userIdentity == NULL:
        return False
    try:
        return _identity(change.userIdentity).principalId == TTL
    except msgspec.ValidationError:
        return False
