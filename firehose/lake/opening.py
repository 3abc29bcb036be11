"""Open a lake to read or to write it, and decide which of its formats a command works with."""

from pathlib import Path

from firehose.lake.jobs.replaced_keys import LakeSink
from firehose.lake.object_names import delivery_stream_of
from firehose.lake.objects import BucketLake, FolderLake, Lake
from firehose.local.sinks import S3, bucket_of, make_bucket_folder
from firehose.local.user_error import UserError
from glue.layout import FILE_FORMATS, FIREHOSE_ERRORS, ROOT, Format, format_prefix, partition_date

_ROOT_PREFIX = f"{ROOT}/"
METADATA = ".metadata.json"  # how the names of an Iceberg table's metadata files end


def open_lake(where: str, *, may_be_empty: bool = False) -> Lake:
    """Return the lake in a folder or a bucket, `.local/lake` or `s3://bucket`.

    With `may_be_empty` the lake may hold nothing yet; its folder need not exist.

    Raises:
        UserError: the lake does not exist, or cannot be read.
    """
    if where.startswith(S3):
        return open_bucket(_bucket_name(where), "" if may_be_empty else _ROOT_PREFIX)
    if not may_be_empty and not Path(where).is_dir():
        raise UserError(f"no such lake: {where} is not a folder")
    if not may_be_empty and not Path(where, ROOT).is_dir():
        raise UserError(f"{where} is not a lake: there is no {_ROOT_PREFIX} in it")
    return FolderLake(Path(where))


def open_bucket(bucket: str, prefix: str) -> BucketLake:
    """Return the objects of a bucket that has some below `prefix`; with "" the bucket may be empty.

    Raises:
        UserError: the bucket cannot be read, or nothing lies there.
    """
    if not bucket:
        raise UserError("no bucket is named: it should be s3://bucket")
    lake = BucketLake(bucket)
    if not lake.holds(prefix) and prefix:
        problem = f"not a lake: there is no {prefix} in it" if prefix == _ROOT_PREFIX else f"empty below {prefix}"
        raise UserError(f"{S3}{bucket} is {problem}")
    return lake


def open_lake_to_write(where: str) -> LakeSink:
    """Return the sink of a lake: a folder, which is made if it does not exist, or `s3://bucket`, which must exist.

    It leaves out objects that a compaction has replaced.

    Raises:
        UserError: the folder cannot be made or written, or the bucket cannot be reached.
    """
    if not where:
        raise UserError("specify the lake with --lake: a folder, or s3://bucket")
    if not where.startswith(S3):
        make_bucket_folder(Path(where, ROOT), where, "lake")
    return LakeSink(bucket_of(where, "lake"), open_lake(where, may_be_empty=True))


def format_to_read(lake: Lake) -> Format:
    """Return the format that queries read: the first of Parquet, Avro and Iceberg that the lake has."""
    return next(iter(formats_of(lake)), Format.PARQUET)


def format_to_write(lake: Lake) -> Format:
    """Return the format for additions to a lake: the one that it has.

    A lake without data gets Parquet, unless all its error objects are those of another mode's delivery stream.

    Raises:
        UserError: it has more than one.
    """
    formats = formats_of(lake)
    if len(formats) > 1:
        raise UserError(f"the lake has {' and '.join(formats)}: choose the format to write with --format")
    return formats[0] if formats else _format_of_errors(lake)


def need_files(file_format: Format, command: str, instead: str) -> None:
    """Refuse a format without tables of files, for a command that works on files: Iceberg.

    Raises:
        UserError: "dmd compact does not work on Iceberg tables: ...", `instead` being what to do.
    """
    if file_format not in FILE_FORMATS:
        raise UserError(f"{command} does not work on {file_format.title()} tables: {instead}")


def formats_of(lake: Lake) -> list[Format]:
    """Return the formats of the lake's tables, Parquet first."""
    return [one for one in Format if any(_is_a_tables(one, stored.key) for stored in lake.objects(format_prefix(one)))]


def _is_a_tables(file_format: Format, key: str) -> bool:
    """Return True if a file belongs to a table: by its partition, or, for Iceberg's, if it is a table's metadata."""
    return bool(partition_date(key)) if file_format in FILE_FORMATS else key.endswith(METADATA)


def _format_of_errors(lake: Lake) -> Format:
    streams = {delivery_stream_of(stored.key) for stored in lake.objects(FIREHOSE_ERRORS)}
    for one in Format:
        if streams and all(stream is not None and stream.endswith(f"-{one}") for stream in streams):
            return one
    return Format.PARQUET


def _bucket_name(where: str) -> str:
    bucket = where.removeprefix(S3).rstrip("/")
    if not bucket or "/" in bucket:
        raise UserError(f"{where} is not a lake: it should be a folder, or a whole bucket, s3://bucket")
    return bucket
