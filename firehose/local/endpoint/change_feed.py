"""Kinesis streaming destinations of DynamoDB tables, which moto does not have: their API, and the changes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from threading import Lock, local
from typing import Any, NamedTuple

import msgspec

from firehose.local.endpoint.api_error import ApiError
from firehose.local.endpoint.caller import Caller
from firehose.local.endpoint.change_of_stream import MICROSECOND, change_of_stream
from firehose.local.endpoint.services import ServicesOf

TARGET = "DynamoDB_20120810."

_BOTH_IMAGES = "NEW_AND_OLD_IMAGES"


class _Destination(msgspec.Struct):
    stream_arn: str
    status: str = "ACTIVE"
    precision: str = MICROSECOND


class _Change(NamedTuple):
    caller: Caller
    table: str
    to: _Destination
    record: Mapping[str, Any]


class ChangeFeeds:
    """The streaming destinations of all tables; carries the changes of each request that succeeds into their streams.

    A transaction that fails has changed tables on the way, and moto then restores them.
    """

    def __init__(self, services_of: ServicesOf) -> None:
        self._services_of = services_of
        self._feeds: dict[tuple[Caller, str], list[_Destination]] = {}
        self._changing = Lock()
        self._request = local()
        self.operations: Mapping[str, Callable[[Caller, Mapping[str, Any]], dict[str, Any]]] = {
            "EnableKinesisStreamingDestination": self._enable,
            "DisableKinesisStreamingDestination": self._disable,
            "UpdateKinesisStreamingDestination": self._update,
            "DescribeKinesisStreamingDestination": self._describe,
        }

    def clear(self) -> None:
        """Forget all destinations."""
        self._feeds.clear()

    @contextmanager
    def watching(self, succeeded: Callable[[], bool]) -> Iterator[None]:
        """See the changes that a request makes in this thread, and carry them if it has `succeeded` in the end."""
        self._attach()
        changes: list[_Change] = []
        self._request.changes = changes
        try:
            yield
        finally:
            self._request.changes = None
        if succeeded():
            for change in changes:
                self._put(change)

    def _attach(self) -> None:
        """Look at every table that has a destination; it may have been made or changed since."""
        for (caller, name), destinations in list(self._feeds.items()):
            table = _table(caller, name)
            if table is None:
                del self._feeds[caller, name]
            elif not isinstance(table.stream_shard, _Shard):
                table.stream_shard = _Shard(table.stream_shard, table, self._carrier(caller, name, destinations))

    def _carrier(
        self, caller: Caller, table: str, destinations: list[_Destination]
    ) -> Callable[[Mapping[str, Any]], None]:
        def carry(record: Mapping[str, Any]) -> None:
            changes = getattr(self._request, "changes", None)
            if changes is not None:
                changes += [_Change(caller, table, one, record) for one in destinations if one.status == "ACTIVE"]

        return carry

    def _put(self, change: "_Change") -> None:
        payload, key = change_of_stream(
            change.record, change.table, precision=change.to.precision, region=change.caller.region
        )
        kinesis = self._services_of(change.caller).client("kinesis")
        kinesis.put_record(StreamARN=change.to.stream_arn, Data=payload, PartitionKey=key)

    def _enable(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        name, arn = self._checked(caller, request), request["StreamArn"]
        options = request.get("EnableKinesisStreamingConfiguration") or {}
        precision = options.get("ApproximateCreationDateTimePrecision") or MICROSECOND
        with self._changing:
            destinations = self._feeds.setdefault((caller, name), [])
            found = _of(destinations, arn)
            if found and found.status == "ACTIVE":
                raise ApiError(
                    "ValidationException",
                    "Table is not in a valid state to enable Kinesis Streaming Destination: "
                    f"KinesisStreamingDestination must be DISABLED to perform ENABLE operation. StreamArn: {arn}",
                )
            if found:
                found.status, found.precision = "ACTIVE", precision
            else:
                destinations.append(_Destination(arn, precision=precision))
        return _answer(name, arn, "ENABLING")

    def _disable(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        name, found = self._found(caller, request)
        found.status = "DISABLED"
        return _answer(name, found.stream_arn, "DISABLING")

    def _update(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        name, found = self._found(caller, request)
        options = request.get("UpdateKinesisStreamingConfiguration") or {}
        found.precision = options.get("ApproximateCreationDateTimePrecision") or found.precision
        return _answer(name, found.stream_arn, "UPDATING")

    def _describe(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        name = self._checked(caller, request)
        listed = [
            {
                "StreamArn": one.stream_arn,
                "DestinationStatus": one.status,
                "ApproximateCreationDateTimePrecision": one.precision,
            }
            for one in self._feeds.get((caller, name), [])
        ]
        return {"TableName": name, "KinesisDataStreamDestinations": listed}

    def _checked(self, caller: Caller, request: Mapping[str, Any]) -> str:
        name = str(request.get("TableName", "")).rpartition("/")[2]  # an ARN is taken, too
        if _table(caller, name) is None:
            raise ApiError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
        return name

    def _found(self, caller: Caller, request: Mapping[str, Any]) -> tuple[str, _Destination]:
        name = self._checked(caller, request)
        found = _of(self._feeds.get((caller, name), []), str(request.get("StreamArn", "")))
        if found is None or found.status != "ACTIVE":
            raise ApiError(
                "ValidationException",
                "Table is not in a valid state: KinesisStreamingDestination must be ACTIVE to perform this operation",
            )
        return name, found


class _Shard:
    """Stands in for the shard to which moto adds a table's changes, carries them, and passes them on.

    moto keeps a shard only for tables with a stream of their own. All else is asked of that one.
    """

    def __init__(self, own: Any, table: Any, carry: Callable[[Mapping[str, Any]], None]) -> None:
        self._own = own
        self._table = table
        self._carry = carry

    def add(self, old: Any, new: Any) -> None:
        """Take a change: the item before and after it, None where there was none."""
        from moto.dynamodb.models.table import StreamRecord  # noqa: PLC0415 - moto is an extra

        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        if old is None or new is None or old.to_json() != new.to_json():  # AWS sends no change that changes nothing
            record = StreamRecord(self._table, _BOTH_IMAGES, name, old, new, 0).record
            change = record["dynamodb"]
            change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].replace(tzinfo=UTC)
            self._carry(record)
        if self._own is not None:
            self._own.add(old, new)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy.deepcopy asks before there is anything
            raise AttributeError(name)
        return getattr(self._own, name)


def _table(caller: Caller, name: str) -> Any:
    from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415 - moto is an extra

    return dynamodb_backends[caller.account][caller.region].tables.get(name)


def _of(destinations: list[_Destination], arn: str) -> _Destination | None:
    return next((one for one in destinations if one.stream_arn == arn), None)


def _answer(table: str, arn: str, status: str) -> dict[str, Any]:
    return {"TableName": table, "StreamArn": arn, "DestinationStatus": status}
