"""The settings that an extended S3 destination and its backup have in common."""

import re

import msgspec

from firehose.local.config import arns
from firehose.local.config.members import Members
from firehose.local.config.prefix import EVALUATED_CHARACTERS, Prefix, check_prefix, parse_error_prefix, parse_prefix

# By CompressionFormat (Firehose guide, "Configure Amazon S3 object file name format"). The guide has `.hsnappy` for
# HADOOP_SNAPPY; two people measured `.snappy` on a real stream.
EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".snappy"}

_EXPRESSION = re.compile(r"!\{[^{}]*\}")


class S3Settings(msgspec.Struct, frozen=True):
    """The bucket, prefixes, compression and buffering hints of objects; a hint that is not set is None.

    `account` is that of the role that puts the objects.
    """

    account: str
    bucket: str
    prefix: Prefix
    error_prefix: Prefix
    compression: str
    buffer_mib: int | None
    buffer_seconds: int | None


def read_s3_settings(config: Members, *, partitioned: bool) -> S3Settings:
    """Take the members that ExtendedS3DestinationConfiguration and S3BackupConfiguration have in common.

    Raises:
        SettingError: naming the member.
    """
    role = arns.parts(config.parsed("RoleARN", arns.role))
    read_logging(config)
    _encryption(config)
    prefix = config.parsed("Prefix", lambda raw: _checked(raw, parse_prefix(raw, partitioned=partitioned)))
    size, seconds = read_hints(config)
    return S3Settings(
        account=role.account,
        bucket=config.parsed("BucketARN", arns.bucket),
        prefix=prefix,
        error_prefix=_error_prefix(config, prefix),
        compression=config.take("CompressionFormat", "UNCOMPRESSED"),
        buffer_mib=size,
        buffer_seconds=seconds,
    )


def _error_prefix(config: Members, prefix: Prefix) -> Prefix:
    if not config.has("ErrorOutputPrefix") or not (raw := config.take("ErrorOutputPrefix")):
        if "!{" in prefix.raw:
            raise config.refused("ErrorOutputPrefix", "is required, since Prefix has expressions")
        # Errors then go below that (guide, "Understand custom prefixes for Amazon S3 objects").
        raw = prefix.raw
    try:
        return _checked(raw, parse_error_prefix(raw))
    except ValueError as error:
        raise config.refused("ErrorOutputPrefix", str(error)) from None


def _checked(raw: str, prefix: Prefix) -> Prefix:
    # Each expression evaluates to at least one character. The date path that Firehose itself appends does not count.
    if len(_EXPRESSION.sub("-", raw)) > EVALUATED_CHARACTERS:
        raise ValueError(f"is longer than {EVALUATED_CHARACTERS} characters when it is evaluated")
    return prefix


def check_keys(config: Members, settings: S3Settings, name_bytes: tuple[int, int]) -> None:
    """Refuse prefixes below which no object can have a key that both S3 and a folder allow.

    `name_bytes` are the lengths of the names of its objects, and of its error objects.

    Raises:
        SettingError: naming the prefix.
    """
    named = (("Prefix", settings.prefix), ("ErrorOutputPrefix", settings.error_prefix))
    for (member, prefix), length in zip(named, name_bytes, strict=True):
        try:
            check_prefix(prefix, length)
        except ValueError as error:
            raise config.unsupported(member, "write one that a folder can have too", f"this prefix ({error})") from None


def read_hints(config: Members) -> tuple[int | None, int | None]:
    """Take BufferingHints: MiB and seconds, both or neither."""
    hints = config.members("BufferingHints")
    size, seconds = hints.take("SizeInMBs"), hints.take("IntervalInSeconds")
    hints.reject_unknown()
    if (size is None) is not (seconds is None):  # API reference, "BufferingHints"
        missing = "SizeInMBs" if size is None else "IntervalInSeconds"
        raise hints.refused(missing, "is required, since the other buffering hint is set")
    return size, seconds


def read_logging(config: Members) -> None:
    """Take CloudWatchLoggingOptions. Failures are counted and kept whether logged or not."""
    logging = config.members("CloudWatchLoggingOptions")
    enabled = logging.take("Enabled", False)  # noqa: FBT003
    names = {name: logging.take(name, "") for name in ("LogGroupName", "LogStreamName")}
    logging.reject_unknown()
    for name, value in names.items():
        if enabled and not value:
            raise logging.refused(name, "is required, since logging is enabled")
    if enabled:
        config.report_ignored("CloudWatchLoggingOptions")


def _encryption(config: Members) -> None:
    # A folder is not encrypted, and a bucket has its own default.
    if not config.has("EncryptionConfiguration"):
        return
    encryption = config.members("EncryptionConfiguration")
    with_key = encryption.has("KMSEncryptionConfig")
    key = encryption.members("KMSEncryptionConfig")
    key.take("AWSKMSKeyARN")
    if (encryption.take("NoEncryptionConfig") is not None) is with_key:
        raise config.refused("EncryptionConfiguration", "must have one of NoEncryptionConfig and KMSEncryptionConfig")
    for members in (key, encryption):
        members.reject_unknown()
    if with_key:
        encryption.report_ignored("KMSEncryptionConfig")
