"""The stages of a delivery stream, made from its ProcessingConfiguration, always in Firehose's own order.

KPL de-aggregation -> RecordDeAggregation -> Lambda -> MetadataExtraction -> AppendDelimiterToRecord

Source: Firehose guide, "Configure record transformation and format conversion" (2023 edition).
"""

from collections.abc import Callable, Sequence

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.members import UnsupportedSettingError
from firehose.local.config.processing import LambdaSettings
from firehose.local.event_record import EventRecord
from firehose.local.local_stream import LocalStream
from firehose.local.processors.deaggregation import KplDeAggregation, RecordDeAggregation
from firehose.local.processors.lambda_processor import LambdaProcessor
from firehose.local.processors.metadata_extraction import MetadataExtraction
from firehose.local.processors.stage import AppendDelimiter, Stage, TakeRecords
from firehose.local.report import StreamReport


def stages_of(stream: DeliveryStream, local: LocalStream, report: StreamReport) -> list[Stage]:
    """Return the stages of a stream, in order; they count in `report`.

    Raises:
        ValueError: the stream has a Lambda processor, and no function is given for it.
    """
    processing = stream.processing
    stages: list[Stage] = [KplDeAggregation()]
    if processing.deaggregation:
        stages.append(RecordDeAggregation(processing.deaggregation))
    function = processing.function
    stages.append(_lambda_processor(stream, function, local, report) if function else TakeRecords())
    if processing.query:
        stages.append(MetadataExtraction(processing.query, report.metrics))
    if processing.delimiter:
        stages.append(AppendDelimiter())
    return stages


def _lambda_processor(
    stream: DeliveryStream, settings: LambdaSettings, local: LocalStream, report: StreamReport
) -> Stage:
    if local.function is None:
        raise ValueError(f"{stream.name} calls the function {settings.function_arn}, which is missing")
    return LambdaProcessor(
        local.function,
        settings,
        stream_arn=stream.source_arn,
        delivery_stream_arn=stream.arn,
        region=stream.region,
        timeout_seconds=local.timeout_seconds,
        keeps_event=local.keeps_event,
        captures_output=local.captures_output,
        behaviour=local.behaviour,
        routing_member=stream.destination.routing_member,
        metrics=report.metrics,
        problems=report.function_problems,
    )


def splitter(streams: Sequence[Sequence[Stage]]) -> Callable[[EventRecord], list[EventRecord]]:
    """Return the function that splits a record into the parts that all these streams get, in order.

    Raises:
        UnsupportedSettingError: two streams would split it in different ways, and so disagree on what a record is.
    """
    ways = {tuple(stage for stage in stages if stage.splits) for stages in streams}
    if len(ways) > 1:
        raise UnsupportedSettingError(
            "ProcessingConfiguration.Processors",
            "streams that run together must have the same RecordDeAggregation processor; run them separately",
        )
    splits = [stage.split for way in ways for stage in way]

    def split(record: EventRecord) -> list[EventRecord]:
        parts = [record]
        for each in splits:
            parts = [part for whole in parts for part in each(whole)]
        return parts

    return splits[0] if len(splits) == 1 else split
