"""UpdateDestination: merges an update into the request that made a stream.

Source: API reference, "UpdateDestination": members that the update leaves out keep their values; a structure that it
has replaces the old one. The backup's configuration is merged in the same way (inferred).
"""

from collections.abc import Mapping
from typing import Any

from firehose.local.endpoint.api_error import ApiError
from firehose.local.endpoint.description import CONFIGURATION, DESTINATION_ID, destination_of

_UPDATE = "DestinationUpdate"


def merged(request: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that would make the stream as it is after an UpdateDestination request.

    {"ExtendedS3DestinationConfiguration": {"Prefix": "a/", "BucketARN": ...}, ...},
    {"ExtendedS3DestinationUpdate": {"Prefix": "b/"}, ...}
        -> {"ExtendedS3DestinationConfiguration": {"Prefix": "b/", "BucketARN": ...}, ...}

    Raises:
        ApiError: another destination, or a change that Firehose does not make to a stream that exists.
    """
    if update["DestinationId"] != DESTINATION_ID:
        raise _refused(f"Destination Id {update['DestinationId']} not found")
    kind, before = destination_of(request)
    given = {name.removesuffix(_UPDATE): one for name, one in update.items() if name.endswith(_UPDATE) and one}
    if set(given) != {kind}:
        raise _refused(f"This stream has one destination, and {kind}{_UPDATE} must be the only update of it")
    changes = {name: value for name, value in given[kind].items() if value is not None}
    if backup := changes.pop("S3BackupUpdate", None):
        changes["S3BackupConfiguration"] = {**before.get("S3BackupConfiguration", {}), **backup}
    after = {**before, **changes}
    if _partitioned(before) is not _partitioned(after):
        raise _refused("Dynamic partitioning is switched on when a stream is made, and neither on nor off later")
    if before.get("S3BackupMode") == "Enabled" and after.get("S3BackupMode") != "Enabled":
        raise _refused("S3 backup cannot be disabled once it is enabled")
    return {**request, f"{kind}{CONFIGURATION}": after}


def _partitioned(config: Mapping[str, Any]) -> bool:
    return bool((config.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))


def _refused(message: str) -> ApiError:
    return ApiError("InvalidArgumentException", message)
