"""Firehose's API: what each operation answers."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.config.api_model import check_request
from firehose.local.config.members import RefusedSettingError
from firehose.local.endpoint.api_error import ApiError, of_setting
from firehose.local.endpoint.delivery_streams import DeliveryStreams
from firehose.local.endpoint.description import described_destinations, described_source
from firehose.local.endpoint.merging import merged
from firehose.local.endpoint.served_stream import ServedStream
from firehose.local.sources.puts import PUT_BYTES

TARGET = "Firehose_20150804."

Request: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]

# Observed: 4,194,304 bytes of payloads, before base64.
_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_RECORDS = 500

# How long a put waits for room in a full queue. AWS would answer at once that it is too fast.
_WAIT_SECONDS = 30

# API reference, "TagDeliveryStream" and "ListTagsForDeliveryStream".
_MOST_TAGS = 50
_LISTED = 10
_RESERVED_TAG = "aws:"


def answer(streams: DeliveryStreams, operation: str, body: bytes) -> bytes:
    """Return the JSON that answers a request.

    Raises:
        ApiError: the request is refused.
    """
    if put := _PUTS.get(operation):
        return put(streams, body)
    if operation not in _OPERATIONS:
        raise ApiError("UnknownOperationException", f"Firehose has no operation {operation}")
    try:
        request = json.loads(body or b"{}")
        check_request(request, operation)
    except ValueError as error:
        raise _of_request(error) from error
    return json.dumps(_OPERATIONS[operation](streams, request)).encode()


def _of_request(error: ValueError) -> ApiError:
    if isinstance(error, RefusedSettingError):
        return of_setting(error)
    return ApiError("SerializationException", "the body must be JSON")


def _create(streams: DeliveryStreams, request: Request) -> Answer:
    _check_tags({tag["Key"] for tag in request.get("Tags") or ()})
    stream = streams.create(request)
    return {"DeliveryStreamARN": stream.arn}


def _describe(streams: DeliveryStreams, request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    created = stream.created_ms / 1000
    updated = {"LastUpdateTimestamp": stream.updated_ms / 1000} if stream.updated_ms else {}
    description = {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": stream.arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": _encryption(stream),
        "DeliveryStreamType": stream.request.get("DeliveryStreamType") or "DirectPut",
        "VersionId": str(stream.version),
        "CreateTimestamp": created,
        **updated,
        **described_source(stream.request, created),
        "Destinations": described_destinations(stream.request, streams.caller.region),
        "HasMoreDestinations": False,
    }
    return {"DeliveryStreamDescription": description}


def _encryption(stream: ServedStream) -> Answer:
    return {"Status": "ENABLED", **stream.encryption} if stream.encryption else {"Status": "DISABLED"}


def _list(streams: DeliveryStreams, request: Request) -> Answer:
    kind, after = request.get("DeliveryStreamType"), request.get("ExclusiveStartDeliveryStreamName") or ""
    names = sorted(
        stream.name
        for stream in streams
        if stream.name > after and kind in (None, stream.request.get("DeliveryStreamType") or "DirectPut")
    )
    limit = request.get("Limit") or _LISTED
    return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


def _update(streams: DeliveryStreams, request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    if request["CurrentDeliveryStreamVersionId"] != str(stream.version):
        raise ApiError(
            "ConcurrentModificationException",
            f"Cannot update firehose: {stream.name} since the current version id: {stream.version} and specified "
            f"version id: {request['CurrentDeliveryStreamVersionId']} do not match",
        )
    stream.update(merged(stream.request, request))
    return {}


def _delete(streams: DeliveryStreams, request: Request) -> Answer:
    streams.delete(request["DeliveryStreamName"])
    return {}


def _tag(streams: DeliveryStreams, request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    tags = {tag["Key"]: tag.get("Value") or "" for tag in request["Tags"]}
    _check_tags(tags.keys() | stream.tags.keys())
    stream.tags.update(tags)
    return {}


def _check_tags(keys: set[str]) -> None:
    if len(keys) > _MOST_TAGS:
        raise ApiError("LimitExceededException", f"A stream can have {_MOST_TAGS} tags")
    if any(key.lower().startswith(_RESERVED_TAG) for key in keys):
        raise ApiError("InvalidArgumentException", f"Tag keys must not begin with {_RESERVED_TAG}")


def _untag(streams: DeliveryStreams, request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    for key in request["TagKeys"]:
        stream.tags.pop(key, None)
    return {}


def _tags(streams: DeliveryStreams, request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    after = request.get("ExclusiveStartTagKey") or ""
    tags = [{"Key": key, "Value": value} for key, value in sorted(stream.tags.items()) if key > after]
    limit = request.get("Limit") or _MOST_TAGS
    return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}


def _encrypt(streams: DeliveryStreams, request: Request) -> Answer:
    stream = _put_to(streams, request)
    stream.encryption = dict(request.get("DeliveryStreamEncryptionConfigurationInput") or {"KeyType": "AWS_OWNED_CMK"})
    return {}


def _decrypt(streams: DeliveryStreams, request: Request) -> Answer:
    _put_to(streams, request).encryption = {}
    return {}


def _put_to(streams: DeliveryStreams, request: Request) -> ServedStream:
    stream = streams.find(request["DeliveryStreamName"])
    if stream.source_arn:
        raise ApiError("InvalidArgumentException", "Server-side encryption is for DirectPut streams")
    return stream


_OPERATIONS: Mapping[str, Callable[[DeliveryStreams, Request], Answer]] = {
    "CreateDeliveryStream": _create,
    "DescribeDeliveryStream": _describe,
    "ListDeliveryStreams": _list,
    "UpdateDestination": _update,
    "DeleteDeliveryStream": _delete,
    "TagDeliveryStream": _tag,
    "UntagDeliveryStream": _untag,
    "ListTagsForDeliveryStream": _tags,
    "StartDeliveryStreamEncryption": _encrypt,
    "StopDeliveryStreamEncryption": _decrypt,
}


class _Record(msgspec.Struct):
    Data: bytes


class _Put(msgspec.Struct):
    DeliveryStreamName: str
    Record: _Record


class _PutBatch(msgspec.Struct):
    DeliveryStreamName: str
    Records: list[_Record]


def _put(streams: DeliveryStreams, body: bytes) -> bytes:
    request = _decoded(body, _Put)
    _check_size("record", request.Record.Data)
    stream = streams.find(request.DeliveryStreamName)
    ids = stream.put([request.Record.Data], _WAIT_SECONDS)
    if not ids:
        raise ApiError("ServiceUnavailableException", _SLOW_DOWN, 503)
    return msgspec.json.encode({"RecordId": ids[0], "Encrypted": bool(stream.encryption)})


def _put_batch(streams: DeliveryStreams, body: bytes) -> bytes:
    request = _decoded(body, _PutBatch)
    payloads = [record.Data for record in request.Records]
    if not 1 <= len(payloads) <= _BATCH_RECORDS:
        bound = f"less than or equal to {_BATCH_RECORDS}" if payloads else "greater than or equal to 1"
        raise _violation("records", f"Member must have length {bound}")
    for place, payload in enumerate(payloads, 1):
        _check_size(f"records.{place}.member", payload)
    if sum(map(len, payloads)) > _BATCH_BYTES:
        raise ApiError("InvalidArgumentException", "Records size exceeds 4 MB limit")
    stream = streams.find(request.DeliveryStreamName)
    ids = stream.put(payloads, _WAIT_SECONDS)
    refused = len(payloads) - len(ids)
    entries = [{"RecordId": one} for one in ids]
    entries += [{"ErrorCode": "ServiceUnavailableException", "ErrorMessage": _SLOW_DOWN}] * refused
    return msgspec.json.encode(
        {"FailedPutCount": refused, "Encrypted": bool(stream.encryption), "RequestResponses": entries}
    )


_SLOW_DOWN = "Slow down."

_PUTS: Mapping[str, Callable[[DeliveryStreams, bytes], bytes]] = {"PutRecord": _put, "PutRecordBatch": _put_batch}


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        if "missing required field" in str(error):
            raise ApiError(
                "ValidationException", "DeliveryStreamName and the records, with Data, are required"
            ) from None
        raise ApiError("SerializationException", "a member has a value of another type") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ApiError("SerializationException", "the body must be JSON") from None


def _check_size(path: str, payload: bytes) -> None:
    if len(payload) > PUT_BYTES:
        raise _violation(f"{path}.data", f"Member must have length less than or equal to {PUT_BYTES}")


def _violation(path: str, rule: str) -> ApiError:
    message = f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {rule}"
    return ApiError("ValidationException", message)
