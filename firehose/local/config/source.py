"""Reads the source of a delivery stream, and with it the stream's own region and account."""

import msgspec

from firehose.local.config import arns
from firehose.local.config.members import Members

DIRECT_PUT = "DirectPut"
KINESIS = "KinesisStreamAsSource"

_KINESIS_CONFIGURATION = "KinesisStreamSourceConfiguration"


class SourceSettings(msgspec.Struct, frozen=True):
    """The Kinesis stream that is read, None for DirectPut; region and account are also the delivery stream's."""

    arn: str | None
    partition: str
    region: str
    account: str


def read_source(top: Members, role_arn: str, region: str) -> SourceSettings:
    """Take the source of a request.

    A DirectPut stream has the account of its destination's role (`role_arn`). Its region (`region`) is not in the
    request.

    Raises:
        SettingError: a source that is not supported here, or that lacks its configuration.
    """
    kind = top.take("DeliveryStreamType", DIRECT_PUT)
    if kind not in (DIRECT_PUT, KINESIS):
        raise top.unsupported("DeliveryStreamType", f"write {DIRECT_PUT} or {KINESIS}", kind)
    _encryption(top, kind)
    if kind == DIRECT_PUT:
        _direct_put(top)
        role = arns.parts(role_arn)
        return SourceSettings(None, role.partition, region, role.account)
    if not top.has(_KINESIS_CONFIGURATION):
        raise top.refused(_KINESIS_CONFIGURATION, f"is required, since the stream is a {KINESIS}")
    source = top.members(_KINESIS_CONFIGURATION)
    arn, stream = source.parsed("KinesisStreamARN", lambda arn: (arn, arns.kinesis_stream(arn)))
    source.parsed("RoleARN", arns.role)
    source.reject_unknown()
    return SourceSettings(arn, stream.partition, stream.region, stream.account)


def _direct_put(top: Members) -> None:
    # Measured: Firehose accepts a Kinesis source here, even if that stream does not exist, and does not read it.
    for member in (_KINESIS_CONFIGURATION, "DirectPutSourceConfiguration"):
        if top.take(member) is not None:
            top.report_ignored(member)


def _encryption(top: Members, kind: str) -> None:
    name = "DeliveryStreamEncryptionConfigurationInput"
    if not top.has(name):
        return
    if kind != DIRECT_PUT:
        raise top.refused(name, f"server-side encryption is for {DIRECT_PUT} streams")
    encryption = top.members(name)
    owned = encryption.take("KeyType") == "AWS_OWNED_CMK"
    if (encryption.take("KeyARN") is None) is not owned:
        raise encryption.refused("KeyARN", "must be set if, and only if, the key type is CUSTOMER_MANAGED_CMK")
    encryption.reject_unknown()
    top.report_ignored(name)
