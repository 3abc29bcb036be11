"""Find the names of a table's key attributes, from which a backfill makes the `Keys` of an item's change.

Wrong names would give each item a different identity in the archive (`change.item`, BR-20) from that of its changes in
the stream. A table and an incremental export hold the names. For a full export they come from, in this order:

    --key             the user's option
    DescribeTable     if the export lies in S3, which needs AWS credentials anyway: one attempt of 3 s
    pk and sk         if a first pass finds both in every item

Names that do not come from AWS are also checked against the lake: of each type that has rows, some item must be there.
`--no-compare` is for an export whose items are all new to the lake.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.export import Export
from firehose.lake.backfill.export_line import NotALineError, full_line
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.item_source import USUAL_KEYS, ExportSource, Item
from firehose.lake.backfill.job import BackfillJob
from firehose.lake.jobs.job import Phase, Tick
from firehose.lake.opening import open_lake
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.layout import partition_date, type_prefix
from transform.item import item_of

_DESCRIBE_SECONDS = 3

# Of each type. Items are deleted, so the lake and an export may share none on a single date.
_COMPARED_DATES = 20


def find_key_names(
    job: BackfillJob, export: Export | None, *, say: Callable[[str], None], phase: Phase, compare: bool = True
) -> tuple[str, ...]:
    """Return the key names of a full export's table, or () for other sources, which hold the keys themselves.

    Without `compare`, names that do not come from AWS are not checked against the lake.

    Raises:
        UserError: an item lacks pk or sk, or no item is in the lake.
    """
    if export is None or export.incremental:
        return ()
    if not job.keys and job.source.startswith(S3):
        described = _described(export)
        if described:
            return described
    if not job.keys:
        say(f"checking that every item has {' and '.join(USUAL_KEYS)}; --key NAME skips this")
        _check_usual_keys(export, phase("checked", export.items))
    keys = job.keys or USUAL_KEYS
    if compare and not job.is_stream:
        _compare_with_lake(job, export, keys)
    return keys


def _described(export: Export) -> tuple[str, ...]:
    """Return the keys of the exported table, () if it no longer exists or may not be described."""
    import boto3  # noqa: PLC0415 - 0.3 s that an export in a folder need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - with boto3

    attempt = Config(
        connect_timeout=_DESCRIBE_SECONDS, read_timeout=_DESCRIBE_SECONDS, retries={"total_max_attempts": 1}
    )
    try:
        client = boto3.client("dynamodb", region_name=export.region, config=attempt)
        table: dict[str, Any] = client.describe_table(TableName=export.table)["Table"]
    except (BotoCoreError, ClientError):
        return ()
    is_same = table["TableArn"] == export.table_arn
    return tuple(key["AttributeName"] for key in table["KeySchema"]) if is_same else ()


def _check_usual_keys(export: Export, tick: Tick) -> None:
    for file in export.files:
        with export.lines(file) as lines:
            for number, line in enumerate(lines, 1):
                tick(1)
                try:
                    image = full_line(line).image or {}
                except NotALineError:
                    continue  # the backfill reports it
                if not all(name in image for name in USUAL_KEYS):
                    where = f"{export.place.where(file.name)}:{number}"
                    raise UserError(
                        f"{where}: an item without {' and '.join(USUAL_KEYS)}: name the table's keys with --key"
                    )


def _compare_with_lake(job: BackfillJob, export: Export, keys: tuple[str, ...]) -> None:
    """Refuse key names by which no item of a type is one of those that the lake has of the same dates."""
    lake = open_lake(job.target, may_be_empty=True)
    dates = {
        name: {partition_date(stored.key) for stored in lake.objects(type_prefix(job.file_format, name))}
        for name in job.load_types()
    }
    unproven = {name for name in dates if dates[name]}
    item_filter = ItemFilter(job, dates=True)
    known: dict[str, dict[str, set[str]]] = {name: {} for name in dates}
    for item in _items(job, export, keys) if unproven else ():
        date = item_filter.date_of(item, Counts()) if item.type in unproven else None
        if item.type is None or date is None or date not in dates[item.type]:
            continue
        of_type = known[item.type]
        if date not in of_type and len(of_type) < _COMPARED_DATES:
            of_type[date] = _items_in_lake(job, item.type, date)
        if item_of(item.keys) in of_type.get(date, ()):
            unproven.remove(item.type)
            if not unproven:
                return
    wrong = sorted(name for name in unproven if any(known[name].values()))
    if wrong:
        raise UserError(
            f"by the keys {' and '.join(keys)}, no {wrong[0]} of this export is one of those in {job.target}: name the "
            "table's keys with --key, choose the lake of this table, or add --no-compare if these items are new to it"
        )


def _items(job: BackfillJob, export: Export, keys: tuple[str, ...]) -> Iterator[Item]:
    source = ExportSource(export, keys, personal=job.load_personal())
    for unit in source.units:
        for page in source.pages(unit.number, ""):
            yield from page.items


def _items_in_lake(job: BackfillJob, record_type: str, date: str) -> set[str]:
    from firehose.lake.query.sql import query  # noqa: PLC0415 - DuckDB costs 0.15 s, which a new lake need not pay

    sql = f"SELECT DISTINCT change.item FROM {record_type} WHERE partition_date = '{date}' AND change.item IS NOT NULL"  # noqa: S608 - a table's name and a date of ours
    return {item for (item,) in query(sql, job.target, file_format=job.file_format, schemas=Path(job.schemas)).rows}
