"""Reads ProcessingConfiguration into the processors of a stream."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from firehose.local.config import arns
from firehose.local.config.members import Members, RefusedSettingError
from firehose.local.config.processing import DeAggregation, LambdaSettings, Processing
from firehose.local.processors.jq_1_6 import QueryError
from firehose.local.processors.jq_query import compiled

_MIB = 1024 * 1024

# For CloudWatch Logs.
_UNSUPPORTED = ("Decompression", "CloudWatchLogProcessing")


def read_processing(destination: Members) -> Processing:
    """Take the processors of a destination; Firehose runs them in its own order, however they are listed.

    `Enabled` is false by default (measured; unlike in format conversion): the processors are then validated, but not
    run.

    Raises:
        SettingError: naming the processor or its parameters.
    """
    config = destination.members("ProcessingConfiguration")
    enabled = config.take("Enabled", False)  # noqa: FBT003
    processors = config.entries("Processors")
    config.reject_unknown()
    if enabled and not 1 <= len(processors) <= 5:
        raise config.refused(
            "Processors", f"must have 1 to 5 processors if processing is enabled; it has {len(processors)}"
        )
    read: dict[str, Any] = {}  # by the processor's type
    for processor in processors:
        kind = processor.take("Type")
        if kind not in _READERS:  # of a newer API
            raise processor.unsupported("Type", "leave the processor out", kind)
        settings = _READERS[kind](Parameters(processor))
        processor.reject_unknown()
        if kind in read and kind == "Lambda":
            raise config.refused("Processors", "must have at most one Lambda processor")
        if kind in read and kind != "AppendDelimiterToRecord":  # accepted twice and run once (measured)
            raise config.unsupported("Processors", "leave one of them out", f"two {kind} processors")
        read[kind] = settings
    if _UNSUPPORTED[1] in read and _UNSUPPORTED[0] not in read:
        raise config.refused("Processors", f"{_UNSUPPORTED[1]} needs a {_UNSUPPORTED[0]} processor")
    return _processing(config, read) if enabled else Processing()


def _processing(config: Members, read: Mapping[str, Any]) -> Processing:
    for kind in _UNSUPPORTED:
        if kind in read:
            raise config.unsupported("Processors", "leave the processor out, and put records that need none", kind)
    query, query_error = read.get("MetadataExtraction", ("", ""))
    return Processing(
        deaggregation=read.get("RecordDeAggregation"),
        function=read.get("Lambda"),
        query=query,
        query_error=query_error,
        delimiter="AppendDelimiterToRecord" in read,
    )


class Parameters:
    """The parameters of one processor by name, each taken once.

    Parameters that its type does not have are ignored, as in Firehose (measured), and reported.

    Raises, when it is made:
        RefusedSettingError: a parameter that is set twice.
    """

    def __init__(self, processor: Members) -> None:
        self._processor = processor
        self._path = processor.path("Parameters")
        self._parameters: dict[str, tuple[str, Members]] = {}
        for parameter in processor.entries("Parameters"):
            name = parameter.take("ParameterName")
            if name in self._parameters:
                raise self.refused(name, "is set twice")
            self._parameters[name] = (parameter.take("ParameterValue"), parameter)
            parameter.reject_unknown()

    def __contains__(self, name: str) -> bool:
        return name in self._parameters

    def refused(self, name: str, reason: str) -> RefusedSettingError:
        """Return the error for a parameter, present or missing."""
        path = self._parameters[name][1].path("ParameterValue") if name in self._parameters else self._path
        return RefusedSettingError(path, f"{name} {reason}")

    def take(self, name: str, default: str | None = None) -> str:
        """Take a parameter, required unless it has a default."""
        if name not in self._parameters and default is None:
            raise self.refused(name, "is required")
        return self._parameters[name][0] if name in self._parameters else str(default)

    def number(self, name: str, default: str, least: float, most: float) -> float:
        """Take a number within bounds; a whole number if `least` is an int."""
        text = self.take(name, default)
        form = r"\d{1,9}" if isinstance(least, int) else r"\d{1,9}(\.\d{1,20})?"
        if not re.fullmatch(form, text, re.ASCII) or not least <= float(text) <= most:
            raise self.refused(name, f"must be a number from {least:g} to {most:g}")
        return float(text)

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        """Take a parameter and parse it; a ValueError of `parse` is refused as by Firehose."""
        text = self.take(name)
        try:
            return parse(text)
        except ValueError as error:
            raise self.refused(name, str(error)) from None

    def warn(self, name: str, reason: str) -> None:
        """Note a parameter that AWS takes, though it does harm."""
        self._parameters[name][1].warn("ParameterValue", reason)

    def report_unknown(self, *known: str) -> None:
        """Report the parameters that are not among the `known` ones of the type."""
        for name, (_, parameter) in self._parameters.items():
            if name not in known:
                parameter.report_ignored("ParameterName")


def _lambda(parameters: Parameters) -> LambdaSettings:
    arn = parameters.parsed("LambdaArn", arns.function)
    if "RoleArn" in parameters:
        parameters.parsed("RoleArn", arns.role)
    buffer = ("BufferSizeInMBs", "BufferIntervalInSeconds")
    for name, other in (buffer, buffer[::-1]):
        if name in parameters and other not in parameters:
            raise parameters.refused(other, f"is required, since {name} is set")
    settings = LambdaSettings(
        function_arn=arn,
        # Documented as 1 to 8; a real stream accepts 0, 9 and 300, and refuses 301.
        retries=int(parameters.number("NumberOfRetries", "3", 0, 300)),
        buffer_bytes=int(parameters.number("BufferSizeInMBs", "1", 0.2, 3) * _MIB),  # API reference, as are those of
        buffer_seconds=int(parameters.number("BufferIntervalInSeconds", "60", 0, 900)),  # "ProcessorParameter"
    )
    parameters.report_unknown("LambdaArn", "RoleArn", "NumberOfRetries", *buffer)
    return settings


def _deaggregation(parameters: Parameters) -> DeAggregation:
    kind = parameters.take("SubRecordType", "")
    if kind not in ("JSON", "DELIMITED"):
        raise parameters.refused("SubRecordType", "must be JSON or DELIMITED")
    if kind == "JSON":
        parameters.report_unknown("SubRecordType")
        return DeAggregation()
    delimiter = parameters.parsed("Delimiter", _decoded)
    parameters.report_unknown("SubRecordType", "Delimiter")
    return DeAggregation(delimiter)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("must be base64") from None


def _query(parameters: Parameters) -> tuple[str, str]:
    if parameters.take("JsonParsingEngine", "") != "JQ-1.6":
        raise parameters.refused("JsonParsingEngine", "must be JQ-1.6")
    query = parameters.take("MetadataExtractionQuery")
    query_error = ""
    try:
        compiled(query)
    except QueryError as error:
        query_error = str(error)
        parameters.warn("MetadataExtractionQuery", f"AWS takes this query, and every record fails by it: {query_error}")
    parameters.report_unknown("JsonParsingEngine", "MetadataExtractionQuery")
    return query, query_error


def _decompression(parameters: Parameters) -> bool:
    if parameters.take("CompressionFormat", "GZIP") != "GZIP":
        raise parameters.refused("CompressionFormat", "must be GZIP")
    parameters.report_unknown("CompressionFormat")
    return True


def _log_processing(parameters: Parameters) -> bool:
    if parameters.take("DataMessageExtraction", "").lower() not in ("true", "false"):
        raise parameters.refused("DataMessageExtraction", "must be true or false")
    parameters.report_unknown("DataMessageExtraction")
    return True


def _delimiter(parameters: Parameters) -> bool:
    parameters.report_unknown()
    return True


_READERS: Mapping[str, Callable[[Parameters], Any]] = {
    "Decompression": _decompression,
    "CloudWatchLogProcessing": _log_processing,
    "Lambda": _lambda,
    "RecordDeAggregation": _deaggregation,
    "MetadataExtraction": _query,
    "AppendDelimiterToRecord": _delimiter,
}
