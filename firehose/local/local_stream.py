"""A delivery stream to run here: its request, with the table and function that the request only names."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from firehose.local.behaviour import OBSERVED, Behaviour, BrokenQuery
from firehose.local.config import described
from firehose.local.config.delivery_stream import DeliveryStream, read_delivery_stream
from firehose.local.config.members import RefusedSettingError
from firehose.local.config.partitioning import PROCESSORS
from firehose.local.config.table import read_table
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS
from firehose.local.processors.invocation import Function


class LocalStream(msgspec.Struct, frozen=True):
    """One delivery stream, with all that it needs to run here.

    `request` is a CreateDeliveryStream request, `table_input` the Glue TableInput that it names if it converts records,
    `function` the code behind its Lambda ARN if it has one. `keeps_event` says that the function never changes its
    event, so records need not be copied; `timeout_seconds` is the function's own timeout, if that is known. `version`
    is the VersionId of DescribeDeliveryStream, `region` the region of a DirectPut stream. A record waits no longer than
    `interval_seconds`, if that is set, whatever the buffer intervals of the request. `active_partitions` is a quota
    that AWS raises on request. `catalog` returns the PyIceberg catalog of an Iceberg destination; it is called when the
    first rows are written. `change_rows` takes the name of an Iceberg table and the rows of a commit, as an Arrow
    table, and returns as many rows that are appended in their place. `captures_output`: what the function prints to
    standard output is captured; for one stream at a time, since standard output is the process's. `with_logs`: the
    report keeps what Lambda logs of the function's exceptions, which may quote a record.
    """

    request: Mapping[str, Any]
    table_input: Mapping[str, Any] | None = None
    function: Function | None = None
    catalog: Callable[[], Any] | None = None
    change_rows: Callable[[str, Any], Any] | None = None
    keeps_event: bool = False
    timeout_seconds: float | None = None
    version: int = 1
    region: str = "us-east-1"
    interval_seconds: int | None = None
    active_partitions: int = ACTIVE_PARTITIONS
    behaviour: Behaviour = OBSERVED
    captures_output: bool = True
    with_logs: bool = False

    def read(self) -> DeliveryStream:
        """Read the request, and shorten its buffer intervals to `interval_seconds`.

        Raises:
            SettingError: a setting that AWS refuses, or that is not supported here.
        """
        stream = read_delivery_stream(self.request, self.version, region=self.region)
        if stream.processing.query_error and self.behaviour.broken_query is BrokenQuery.REFUSED:
            reason = f"MetadataExtractionQuery does not compile: {stream.processing.query_error}"
            raise RefusedSettingError(PROCESSORS, reason)
        return _shortened(stream, self.interval_seconds)


def described_stream(document: Any, table: Any, function: Function | None = None, **more: Any) -> LocalStream:
    """Return the stream of documents as AWS prints them: a request or a description, and its Glue table.

    described_stream({"DeliveryStreamName": "sale", ...}, {"Table": {"Name": "sale", ...}}, handler)

    `more` are further arguments of LocalStream.

    Raises:
        SettingError: a setting that AWS refuses, such as a table that is missing, or that is not supported here.
    """
    local = LocalStream(
        described.create_request(document),
        function=function,
        version=described.version(document),
        region=described.region(document),
        **more,
    )
    conversion = local.read().destination.conversion
    return replace(local, table_input=read_table(table, conversion.table)) if conversion else local


def _shortened(stream: DeliveryStream, seconds: int | None) -> DeliveryStream:
    """Return the stream with buffer intervals that together last `seconds` at most, a fifth of it for the function."""
    if seconds is None:
        return stream
    processing = stream.processing
    if processing.function is not None:
        function = replace(processing.function, buffer_seconds=min(processing.function.buffer_seconds, seconds // 5))
        processing = replace(processing, function=function)
    destination, rest = stream.destination, seconds - processing.batch[1]
    destination = replace(destination, buffer_seconds=min(destination.buffer_seconds, rest))
    return replace(stream, processing=processing, destination=destination)
