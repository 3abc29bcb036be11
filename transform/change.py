"""Decoding a change record: what DynamoDB says of a change, before anything is asked of the item itself.

The order of questions is the same in every function: UTF-8 and JSON, the change, the image, the type (design.md).
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from transform.outcome import BadRecord, Reason
from transform.surrogates import blank_lone_surrogates
from transform.times import LAST_MICROS

NULL = Raw(b"null")
ABSENT = Raw(b"")
MICROSECOND = Raw(b'"MICROSECOND"')


class _Data(msgspec.Struct, gc=False):
    """The `dynamodb` member. The images stay undecoded: only one is used, and the other may be anything (BR-16)."""

    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Raw = ABSENT
    Keys: Raw = ABSENT
    NewImage: Raw = ABSENT
    OldImage: Raw = ABSENT


class Change(msgspec.Struct, gc=False):
    """A change record, with the names DynamoDB gives its members."""

    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    dynamodb: _Data
    eventID: str | UnsetType = UNSET
    userIdentity: Raw = NULL


class _Identity(msgspec.Struct):
    principalId: Raw = ABSENT


class _Image(msgspec.Struct, gc=False):
    type: Raw = ABSENT


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
_any = msgspec.json.Decoder(Raw).decode
_image = msgspec.json.Decoder(_Image).decode
_text = msgspec.json.Decoder(_Text).decode
_identity = msgspec.json.Decoder(_Identity).decode

TTL = Raw(b'"dynamodb.amazonaws.com"')


def decode(payload: bytes) -> Change:
    """The change in one Kinesis payload.

    Raises:
        BadRecord: not_json, or not_a_change with the path of the member that is wrong.
    """
    try:
        # msgspec reads UTF-8 only in the strings it keeps; BR-15 asks it of the whole payload.
        if not payload.isascii():
            payload.decode()
        return _change(payload)
    except UnicodeDecodeError:
        raise BadRecord(Reason.NOT_JSON, "the payload is not UTF-8") from None
    except msgspec.ValidationError as error:
        return _decode_again(payload, error)
    except msgspec.DecodeError:
        # Lone surrogates are JSON, and no concern of ours in an attribute that is not archived; msgspec stops at them.
        return decode(blank_lone_surrogates(payload))
    except RecursionError:
        raise _too_deep() from None


def _decode_again(payload: bytes, error: msgspec.ValidationError) -> Change:
    """A change that does not fit is `not_a_change`, but only once the payload is known to be JSON to its last byte."""
    try:
        _any(payload)
    except msgspec.DecodeError:
        return decode(blank_lone_surrogates(payload))
    except RecursionError:
        raise _too_deep() from None
    path = member_path(error)
    raise BadRecord(
        Reason.NOT_A_CHANGE, f"{path or 'change record'}: expected {_EXPECTED[path]}", path or None
    ) from None


def _too_deep() -> BadRecord:
    # DynamoDB nests 32 levels at most; the decoder reads some hundreds.
    return BadRecord(Reason.NOT_JSON, "the payload nests deeper than any item of DynamoDB")


def member_path(error: msgspec.ValidationError) -> str:
    """The place a ValidationError speaks of, `dynamodb.NewImage`; the rest of its text may quote the record.

    Where a member is missing, the place is that member's.
    """
    text = str(error)
    at = re.search(r"at `\$\.?(.*)`$", text, re.DOTALL)
    missing = re.match(r"Object missing required field `(\w+)`", text)
    parts = [at[1] if at else "", missing[1] if missing else ""]
    return ".".join(part for part in parts if part)


def at_micros(change: Change) -> int:
    """The time of the change in epoch microseconds (BR-16): both units are in use, and it can switch mid-stream."""
    time = change.dynamodb.ApproximateCreationDateTime
    micros = (
        time if time >= 10**14 or change.dynamodb.ApproximateCreationDateTimePrecision == MICROSECOND else time * 1000
    )
    if time < 10**12 or micros > LAST_MICROS:
        path = "dynamodb.ApproximateCreationDateTime"
        raise BadRecord(Reason.NOT_A_CHANGE, f"{path}: expected {_EXPECTED[path]}", path)
    return micros


def image_of(change: Change) -> Raw:
    """The image that is archived (BR-1): the old one of a REMOVE, else the new one."""
    return change.dynamodb.OldImage if change.eventName == "REMOVE" else change.dynamodb.NewImage


def type_of(image: Raw, known: Mapping[bytes, str]) -> str:
    """The record type an image says it is, without decoding the rest of it (BR-2).

    `known` maps the usual spelling, b'{"S":"demand"}', to the type: no need to decode that.

    Raises:
        BadRecord: no_image where it is absent or no object, no_type where the type is absent, no string or empty.
    """
    if not image:
        raise BadRecord(Reason.NO_IMAGE, "the change has no image that could be archived")
    try:
        attribute = _image(image).type
    except msgspec.ValidationError:
        raise BadRecord(Reason.NO_IMAGE, "the image is not an object") from None
    name = known.get(bytes(attribute))
    if name is None:
        try:
            name = _text(attribute).S if attribute else ""
        except msgspec.ValidationError:
            name = ""
    if not name:
        raise BadRecord(Reason.NO_TYPE, 'type: expected a string that is not empty: {"S": text}', "type")
    return name


def is_expired(change: Change) -> bool:
    """Whether DynamoDB's time to live removed the item. A userIdentity of another shape means it did not (BR-16)."""
    if change.userIdentity == NULL:
        return False
    try:
        return _identity(change.userIdentity).principalId == TTL
    except msgspec.ValidationError:
        return False
