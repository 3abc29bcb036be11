"""The configuration of a function: environment variables, validated when the function is made."""

from collections.abc import Collection, Mapping
from typing import NoReturn

import msgspec

from glue.layout import ERROR_DOCUMENTS, Format


class ConfigurationError(ValueError):
    """A variable is missing or wrong; the message names it and says what it should be."""


class Settings(msgspec.Struct, frozen=True):
    """One function's settings.

    RECORD_TYPES        the types it serves, comma-separated: `demand`
    CLAIMS_UNREADABLE   `true` in the one function that answers for records with no readable type, `false` in the others
    BUCKET              the bucket for error documents and Avro containers
    ERROR_PREFIX        the prefix of error documents, `data-pipeline/errors/records/`
    FORMAT              the mode: `parquet`, rows go back to Firehose, which converts them; `avro`, the function puts
                        containers; `iceberg`, rows go back to Firehose, which appends them to Iceberg tables
                        (glue/layout.py: Format)
    DATABASE            the database of the mode's tables, which Iceberg's rows name
    AVRO_CODEC          the codec of the containers, `deflate` by default, or `null`
    REPLY               `object` by default, which Lambda's runtime makes JSON of; or `json`, ready bytes that it passes
                        on, in a tenth of the time. Firehose has not been seen to take them (docs/deploy.md)
    """

    record_types: tuple[str, ...]
    claims_unreadable: bool
    bucket: str
    error_prefix: str
    format: Format
    database: str
    avro_codec: str


def read(environment: Mapping[str, str], known_types: Collection[str]) -> Settings:
    """The settings in an environment.

    Raises:
        ConfigurationError: "RECORD_TYPES is not set: ...", before any record is seen.
    """
    names = _needed(environment, "RECORD_TYPES", f"the record types to serve, of {', '.join(known_types)}")
    record_types = tuple(name.strip() for name in names.split(","))
    if len(set(record_types)) < len(record_types):
        _wrong("RECORD_TYPES", "a type is listed twice")
    for name in record_types:
        if name not in known_types:
            _wrong("RECORD_TYPES", f"`{name}` is not one of {', '.join(known_types)}")
    claims = _needed(environment, "CLAIMS_UNREADABLE", "true or false")
    if claims not in {"true", "false"}:
        _wrong("CLAIMS_UNREADABLE", f"`{claims}` is neither true nor false")
    prefix = _needed(environment, "ERROR_PREFIX", f"the prefix for error documents, {ERROR_DOCUMENTS}")
    if not prefix.endswith("/") or prefix.startswith("/") or ":" in prefix:
        _wrong("ERROR_PREFIX", f"`{prefix}` is not a prefix of keys such as {ERROR_DOCUMENTS}, which end in /")
    row_format = _needed(environment, "FORMAT", " or ".join(Format))
    if row_format not in set(Format):
        _wrong("FORMAT", f"`{row_format}` is not one of {', '.join(Format)}")
    codec = environment.get("AVRO_CODEC", "deflate")
    if codec not in {"deflate", "null"}:
        _wrong("AVRO_CODEC", f"`{codec}` is neither deflate nor null")
    reply = environment.get("REPLY", "object")
    if reply not in {"object", "json"}:
        _wrong("REPLY", f"`{reply}` is neither object nor json")
    bucket = _needed(environment, "BUCKET", "the bucket for error documents and Avro containers")
    if not bucket.isascii() or " " in bucket:
        _wrong("BUCKET", f"`{bucket}` is not the name of a bucket")
    database = environment.get("DATABASE", "").strip()
    return Settings(record_types, claims == "true", bucket, prefix, Format(row_format), database, codec)


def _needed(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name, "")
    if not value.strip():
        raise ConfigurationError(f"{name} is not set: {what}")
    return value


def _wrong(name: str, why: str) -> NoReturn:
    raise ConfigurationError(f"{name} is wrong: {why}")
