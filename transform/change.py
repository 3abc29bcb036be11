"""Decodes change records step by step: DynamoDB's members of the change, and the type of the image, not the image.

The order of the checks is the same in every function: UTF-8 and JSON, the change, the image, the type (design.md).
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from transform.item import item_of, kept_item
from transform.outcome import BadRecord, Reason
from transform.surrogates import blank_lone_surrogates
from transform.times import LAST_MICROS
from transform.validation_message import path_in

TTL = "dynamodb.amazonaws.com"

_NULL = Raw(b"null")
_ABSENT = Raw(b"")
_MICROSECOND = "MICROSECOND"

_EXPECTED = {
    "": "an object",
    "eventName": "INSERT, MODIFY or REMOVE",
    "eventID": "a string, or no such member",
    "dynamodb": "an object",
    "dynamodb.ApproximateCreationDateTime": "an integer, epoch milliseconds or microseconds, from 10^12 to 2199",
}


class _ImageType(msgspec.Struct, gc=False):
    """An image by its type alone: enough to drop the records of another type without decoding the rest."""

    type: Raw = _ABSENT


class _Data(msgspec.Struct, gc=False):
    """The `dynamodb` member."""

    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Any = None
    NewImage: _ImageType | None = None
    OldImage: _ImageType | None = None


class Change(msgspec.Struct, gc=False):
    """A change record, with the names DynamoDB gives its members."""

    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    dynamodb: _Data
    eventID: str = None  # type: ignore[assignment]  # None where absent; null is an error
    userIdentity: Any = None


class _RawData(msgspec.Struct):
    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Raw = _ABSENT
    Keys: Raw = _ABSENT
    KeysDigest: Any = None
    NewImage: Raw = _NULL
    OldImage: Raw = _NULL


class RawChange(msgspec.Struct):
    """A change record whose other members may be anything, as the image that is not archived may (BR-16)."""

    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    dynamodb: _RawData
    eventID: str = None  # type: ignore[assignment]  # as above
    userIdentity: Raw = _NULL

    @property
    def item(self) -> str | None:
        """The item (BR-20). A change record that was made of a row has no keys, but the digest that the row had."""
        data = self.dynamodb
        return item_of(data.Keys) if data.Keys else kept_item(data.KeysDigest)

    @property
    def image(self) -> Raw:
        """The image that is archived (BR-1)."""
        return self.dynamodb.OldImage if self.eventName == "REMOVE" else self.dynamodb.NewImage


class _Identity(msgspec.Struct):
    principalId: Raw = _ABSENT


class _Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    S: str


_decode_change = msgspec.json.Decoder(Change).decode
_decode_raw_change = msgspec.json.Decoder(RawChange).decode
_decode_any = msgspec.json.Decoder(Raw).decode
_decode_image_type = msgspec.json.Decoder(_ImageType).decode
_decode_text = msgspec.json.Decoder(_Text).decode
_decode_identity = msgspec.json.Decoder(_Identity).decode
_decode_value = msgspec.json.Decoder().decode


def decode(payload: bytes) -> tuple[Change, bytes]:
    """The change in one Kinesis payload, and the payload as msgspec can read it: itself, nearly always.

    Raises:
        BadRecord: not_json, or not_a_change with the path of the member that is wrong.
    """
    try:
        # msgspec validates UTF-8 only in the strings it keeps; BR-15 requires it of the whole payload.
        if not payload.isascii():
            payload.decode()
        return _decode_change(payload), payload
    except UnicodeDecodeError:
        raise BadRecord(Reason.NOT_JSON, "the payload is not UTF-8") from None
    except msgspec.DecodeError:
        return _decode_leniently(payload)
    except RecursionError:
        raise _too_deep() from None


def _decode_leniently(payload: bytes) -> tuple[Change, bytes]:
    """The change, even if a member that is not needed does not decode, such as the image that is not archived."""
    try:
        _decode_any(payload)  # JSON to the last byte is required first, whatever the members hold
        raw = _decode_raw_change(payload)
    except msgspec.ValidationError as error:
        path = member_path(error)
        message = f"{path or 'change record'}: expected {_EXPECTED[path]}"
        raise BadRecord(Reason.NOT_A_CHANGE, message, path or None) from None
    except msgspec.DecodeError:
        # Lone surrogates are valid JSON, and harmless in an attribute that is not archived; msgspec stops at them.
        return decode(blank_lone_surrogates(payload))
    except RecursionError:
        raise _too_deep() from None
    image = _image_type(raw.image)
    precision = _value(raw.dynamodb.ApproximateCreationDateTimePrecision)
    data = _Data(raw.dynamodb.ApproximateCreationDateTime, precision, image, image)
    return Change(raw.eventName, data, raw.eventID, _identity(raw.userIdentity)), payload


def _image_type(image: Raw) -> _ImageType | None:
    try:
        return _decode_image_type(image) if image != _NULL else None
    except msgspec.ValidationError:
        return None


def _identity(raw: Raw) -> dict[str, Any] | None:
    try:
        return {"principalId": _value(_decode_identity(raw).principalId)}
    except msgspec.ValidationError:
        return None


def _value(raw: Raw) -> Any:
    """The value of a member; None if it is absent or holds a number that Python does not."""
    try:
        return _decode_value(raw)
    except msgspec.DecodeError:
        return None


def _too_deep() -> BadRecord:
    # DynamoDB nests 32 levels at most; the decoder reads a thousand or more, how many depends on the Python.
    return BadRecord(Reason.NOT_JSON, "the payload nests deeper than any item of DynamoDB")


def member_path(error: msgspec.ValidationError) -> str:
    """The path in the text of a ValidationError, `dynamodb.NewImage`: the rest of the text may quote the record.

    Where a member is missing, it is that member's path.
    """
    missing = re.match(r"Object missing required field `(\w+)`", str(error))
    parts = [path_in(str(error)).removeprefix("."), missing[1] if missing else ""]
    return ".".join(part for part in parts if part)


def at_micros(change: Any) -> int:
    """The time of a change in epoch microseconds (BR-16). A stream may have it in milliseconds, and switch at any time.

    `change` is a Change or a fast_path.TypedChange.

    Raises:
        BadRecord: not_a_change, where the time is out of range.
    """
    time: int = change.dynamodb.ApproximateCreationDateTime
    in_micros = time >= 10**14 or change.dynamodb.ApproximateCreationDateTimePrecision == _MICROSECOND
    micros = time if in_micros else time * 1000
    if time < 10**12 or micros > LAST_MICROS:
        path = "dynamodb.ApproximateCreationDateTime"
        raise BadRecord(Reason.NOT_A_CHANGE, f"{path}: expected {_EXPECTED[path]}", path)
    return micros


def type_of(change: Change, known: Mapping[bytes, str]) -> str:
    """The record type that the archived image names (BR-1, BR-2).

    `known` maps the usual spelling, b'{"S":"demand"}', to the type, which saves decoding it.

    Raises:
        BadRecord: no_image where it is absent or no object, no_type where the type is absent, empty or no string.
    """
    image = change.dynamodb.OldImage if change.eventName == "REMOVE" else change.dynamodb.NewImage
    if image is None:
        raise BadRecord(Reason.NO_IMAGE, "the change has no image that could be archived")
    name = known.get(bytes(image.type))
    if name is None:
        try:
            name = _decode_text(image.type).S if image.type else ""
        except msgspec.ValidationError:
            name = ""
    if not name:
        raise BadRecord(Reason.NO_TYPE, 'type: expected a string that is not empty: {"S": text}', "type")
    return name


def undecoded(payload: bytes) -> RawChange:
    """The change in a payload that `decode` returned, with its keys and its images as the bytes they are."""
    return _decode_raw_change(payload)


def is_expired(identity: Any) -> bool:
    """True if the `userIdentity` of a change is DynamoDB's time to live; False for one of any other shape (BR-16)."""
    return isinstance(identity, dict) and identity.get("principalId") == TTL
