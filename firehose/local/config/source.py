"""Where a delivery stream's records come from, and with that where the stream itself is."""

import msgspec

from firehose.local.config import arns
from firehose.local.config.members import Members

DIRECT_PUT = "DirectPut"
KINESIS = "KinesisStreamAsSource"

_KINESIS_CONFIGURATION = "KinesisStreamSourceConfiguration"


class Source(msgspec.Struct, frozen=True):
    """The Kinesis stream that is read, None for DirectPut; region and account are the delivery stream's too."""

    arn: str | None
    partition: str
    region: str
    account: str


def read_source(top: Members, role_arn: str, region: str) -> Source:
    """Takes what a request says of its source.

    A stream that is put to has the account of its destination's role (`role_arn`); its region stands nowhere in the
    request and is given (`region`).

    Raises:
        SettingError: a source that is not carried out, or that lacks its configuration.
    """
    kind = top.take("DeliveryStreamType", DIRECT_PUT)
    if kind not in (DIRECT_PUT, KINESIS):
        raise top.unsupported("DeliveryStreamType", f"{kind} is not carried out by the local data plane")
    _encryption(top, kind)
    if kind == DIRECT_PUT:
        _direct_put(top)
        role = arns.parts(role_arn)
        return Source(None, role.partition, region, role.account)
    if not top.has(_KINESIS_CONFIGURATION):
        raise top.refused(_KINESIS_CONFIGURATION, f"is required, since the stream is a {KINESIS}")
    source = top.members(_KINESIS_CONFIGURATION)
    arn, stream = source.parsed("KinesisStreamARN", lambda arn: (arn, arns.kinesis_stream(arn)))
    source.parsed("RoleARN", arns.role)
    source.end()
    return Source(arn, stream.partition, stream.region, stream.account)


def _direct_put(top: Members) -> None:
    # Measured: Firehose takes a Kinesis source here, even of a stream that is not there, and reads nothing from it.
    for member in (_KINESIS_CONFIGURATION, "DirectPutSourceConfiguration"):
        if top.take(member) is not None:
            top.tell(member)


def _encryption(top: Members, kind: str) -> None:
    name = "DeliveryStreamEncryptionConfigurationInput"
    if not top.has(name):
        return
    if kind != DIRECT_PUT:
        raise top.refused(name, f"server-side encryption is for {DIRECT_PUT} streams")
    encryption = top.members(name)
    owned = encryption.take("KeyType") == "AWS_OWNED_CMK"
    if (encryption.take("KeyARN") is None) is not owned:
        raise encryption.refused("KeyARN", "is for the key type CUSTOMER_MANAGED_CMK, which needs it")
    encryption.end()
    top.tell(name)
