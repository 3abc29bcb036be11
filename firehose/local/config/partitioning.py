"""Reads DynamicPartitioningConfiguration, and checks where the partition keys of a prefix come from."""

from firehose.local.config.members import Members
from firehose.local.config.prefix import FROM_LAMBDA, FROM_QUERY, Prefix
from firehose.local.config.processing import Processing
from firehose.local.config.query_keys import constructed_keys

_RETRY_SECONDS = 300


def read_partitioned(config: Members) -> bool:
    """Take DynamicPartitioningConfiguration; return True if dynamic partitioning is on. It is off by default."""
    partitioning = config.members("DynamicPartitioningConfiguration")
    enabled: bool = partitioning.take("Enabled", False)  # noqa: FBT003
    retry = partitioning.members("RetryOptions")
    # For how long S3 is retried. Here the run's end is the limit; records that could not be put are still in the
    # source.
    if retry.take("DurationInSeconds", _RETRY_SECONDS) != _RETRY_SECONDS:
        retry.report_ignored("DurationInSeconds")
    retry.reject_unknown()
    partitioning.reject_unknown()
    return enabled


def check_partition_keys(config: Members, prefix: Prefix, processing: Processing, *, partitioned: bool) -> None:
    """Refuse processors that need dynamic partitioning without it, and keys of the prefix that no processor provides.

    Raises:
        RefusedSettingError: naming Processors or Prefix.
    """
    if not partitioned:
        for kind, setting in (
            ("RecordDeAggregation", processing.deaggregation),
            ("MetadataExtraction", processing.query),
        ):
            if setting is not None and setting != "":
                raise config.refused(PROCESSORS, f"{kind} needs dynamic partitioning")
        return
    if not (processing.function or processing.query):
        raise config.refused(PROCESSORS, "dynamic partitioning needs a Lambda or MetadataExtraction processor")
    used = {namespace: {key.name for key in prefix.takes if key.namespace == namespace} for namespace in _NAMESPACES}
    if used[FROM_LAMBDA] and not processing.function:
        raise config.refused("Prefix", f"has keys of {FROM_LAMBDA}, which need a Lambda processor")
    if used[FROM_QUERY] and not processing.query:
        raise config.refused("Prefix", f"has keys of {FROM_QUERY}, which need a MetadataExtraction processor")
    if processing.query:
        _check_query(config, used[FROM_QUERY], constructed_keys(processing.query))


_NAMESPACES = (FROM_LAMBDA, FROM_QUERY)
PROCESSORS = "ProcessingConfiguration.Processors"


def _check_query(config: Members, used: set[str], extracted: frozenset[str] | None) -> None:
    # The guide's limit of 50 keys is never met: each needs an expression in Prefix, which holds 39 at most.
    if extracted is None:
        return
    if unused := sorted(extracted - used):
        raise config.refused(
            PROCESSORS, f"MetadataExtractionQuery gives keys that Prefix does not use: {_named(unused)}"
        )
    # Only the opposite case was measured. Such keys would fail every record.
    if unknown := sorted(used - extracted):
        raise config.refused("Prefix", f"has keys that MetadataExtractionQuery does not give: {_named(unknown)}")


def _named(keys: list[str]) -> str:
    return ", ".join(keys)
