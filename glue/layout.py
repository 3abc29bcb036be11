"""The places of objects in the bucket, and the formats that a lake may have."""

from enum import StrEnum


class Format(StrEnum):
    """The format of a lake's files."""

    PARQUET = "parquet"
    AVRO = "avro"
