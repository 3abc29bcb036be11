"""The processors of a delivery stream, as its ProcessingConfiguration defines them (processors/ runs them)."""

import msgspec

_BATCH_BYTES = 1024 * 1024

# arn:aws:lambda:us-east-1:123456789012:function:name
_UNQUALIFIED_COLONS = 6


class LambdaSettings(msgspec.Struct, frozen=True):
    """A Lambda processor."""

    function_arn: str
    retries: int
    buffer_bytes: int
    buffer_seconds: int

    @property
    def invoked_arn(self) -> str:
        """The ARN that Firehose invokes and names in error records: with `:$LATEST` if it has no qualifier."""
        return (
            self.function_arn if self.function_arn.count(":") > _UNQUALIFIED_COLONS else f"{self.function_arn}:$LATEST"
        )


class DeAggregation(msgspec.Struct, frozen=True):
    """A RecordDeAggregation processor: records hold JSON documents one after the other, or parts between delimiters."""

    delimiter: bytes | None = None  # None: JSON


class Processing(msgspec.Struct, frozen=True):
    """The processors of a stream.

    `query` is the jq program of a MetadataExtraction processor; the members of its object are the partition keys.
    `query_error` says why jq does not compile it, "" if it does.
    """

    deaggregation: DeAggregation | None = None
    function: LambdaSettings | None = None
    query: str = ""
    query_error: str = ""
    delimiter: bool = False  # AppendDelimiterToRecord: a line feed between the records of an object

    @property
    def batch(self) -> tuple[int, int]:
        """The size in bytes and the seconds that a batch gathers before it is processed.

        Without a function records do not wait: those that arrive together are a batch.
        """
        function = self.function
        return (function.buffer_bytes, function.buffer_seconds) if function else (_BATCH_BYTES, 0)
