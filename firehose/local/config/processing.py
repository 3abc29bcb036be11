"""What a delivery stream does with each record before it is delivered: the processors of its ProcessingConfiguration.

They run in Firehose's own order, whatever order they are listed in: de-aggregation, Lambda, partition keys, delimiter.
"""

import msgspec

_BATCH_BYTES = 1024 * 1024


class LambdaSettings(msgspec.Struct, frozen=True):
    """What a delivery stream says about its function."""

    function_arn: str
    retries: int
    buffer_bytes: int
    buffer_seconds: int


class DeAggregation(msgspec.Struct, frozen=True):
    """A RecordDeAggregation processor: JSON documents one after the other, or what stands between delimiters."""

    delimiter: bytes | None = None  # None: JSON


class Processing(msgspec.Struct, frozen=True):
    """The processors of a stream; by default none.

    `query` is the jq program of a MetadataExtraction processor, whose object gives the partition keys.
    """

    deaggregation: DeAggregation | None = None
    function: LambdaSettings | None = None
    query: str = ""
    delimiter: bool = False  # AppendDelimiterToRecord: a line feed between the records of an object

    @property
    def batch(self) -> tuple[int, int]:
        """Bytes and seconds that records wait for one another before they are processed.

        Without a function they need not wait: they are taken together only as far as they come together.
        """
        function = self.function
        return (function.buffer_bytes, function.buffer_seconds) if function else (_BATCH_BYTES, 0)
