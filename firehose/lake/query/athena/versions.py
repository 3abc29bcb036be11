"""Tables of Iceberg at another time or snapshot, and their metadata as tables: "demand$snapshots".

SELECT * FROM demand FOR TIMESTAMP AS OF TIMESTAMP '2025-01-01 10:00:00 UTC'
SELECT * FROM demand FOR VERSION AS OF 949530903748831860
SELECT * FROM "demand$partitions"
"""

from sqlglot import exp

from firehose.lake.query.athena.expressions import only, translate
from firehose.lake.query.athena.macros import definitions
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BIGINT, DATE, INTEGER, TIMESTAMP_TZ, VARBINARY, VARCHAR, Type, array, row
from firehose.lake.query.athena.value import Value
from firehose.lake.query.translation import TableVersion, VersionKind
from glue.layout import ENTITY_BUCKET, PARTITION, is_current_table


def _by_column(kind: Type) -> Type:
    return Type("map", (INTEGER, kind))


# The columns of metadata tables as Trino has them ("Iceberg connector", metadata tables). `data` of $partitions, bounds
# of all columns, is left out.
METADATA_COLUMNS: dict[VersionKind, dict[str, Type]] = {
    VersionKind.SNAPSHOTS: {
        "committed_at": Type(TIMESTAMP_TZ, (3,)),
        "snapshot_id": BIGINT,
        "parent_id": BIGINT,
        "operation": VARCHAR,
        "manifest_list": VARCHAR,
        "summary": Type("map", (VARCHAR, VARCHAR)),
    },
    VersionKind.FILES: {
        "content": INTEGER,
        "file_path": VARCHAR,
        "file_format": VARCHAR,
        "record_count": BIGINT,
        "file_size_in_bytes": BIGINT,
        "column_sizes": _by_column(BIGINT),
        "value_counts": _by_column(BIGINT),
        "null_value_counts": _by_column(BIGINT),
        "nan_value_counts": _by_column(BIGINT),
        "key_metadata": VARBINARY,
        "split_offsets": array(BIGINT),
        "equality_ids": array(INTEGER),
    },
    VersionKind.PARTITIONS: {
        "partition": row([PARTITION], [VARCHAR]),
        "record_count": BIGINT,
        "file_count": BIGINT,
        "total_size": BIGINT,
    },
}


def metadata_columns(version: TableVersion) -> dict[str, Type]:
    """Return the columns of a metadata table: a current table is partitioned by buckets of its entities."""
    columns = METADATA_COLUMNS[version.kind]
    if version.kind is VersionKind.PARTITIONS and is_current_table(version.table):
        return columns | {"partition": row([ENTITY_BUCKET], [INTEGER])}
    return columns


def metadata_of(name: str, node: exp.Table) -> tuple[str, VersionKind] | None:
    """Return the table and the kind of metadata that a name asks for: demand$files; None for another name.

    Raises:
        SqlError: the kind is not one of those here.
    """
    table, dollar, kind = name.partition("$")
    if not dollar:
        return None
    if kind not in METADATA_COLUMNS:
        known = ", ".join(f"{table}${one}" for one in METADATA_COLUMNS)
        raise refuse(f"not supported here: the metadata table {name}; {known} are", node)
    return table, VersionKind(kind)


def version_of(table: str, node: exp.Version, scope: Scope) -> TableVersion:
    """Return the version that FOR TIMESTAMP AS OF or FOR VERSION AS OF asks for.

    Raises:
        SqlError: it is of another form or type.
    """
    only(node, "this", "kind", "expression")
    if node.text("kind") != "AS OF":
        raise refuse(f"not supported here: FOR {node.name} {node.text('kind')}", node)
    kind = VersionKind(node.name.lower())
    value = translate(node.expression, Scope(scope.statement))
    number = f"epoch_us({_instant(value, node)})" if kind is VersionKind.TIMESTAMP else _snapshot(value, node)
    return TableVersion(table, kind, (*definitions(number), f"SELECT {number}"))


def _instant(value: Value, node: exp.Version) -> str:
    if value.type.name == TIMESTAMP_TZ:
        return f"struct_extract({value.sql}, 'at')"
    if value.type.name in ("timestamp", DATE.name):
        return f"CAST({value.sql} AS TIMESTAMP)"
    raise refuse(f"FOR TIMESTAMP AS OF takes a timestamp, not {value.type}", node)


def _snapshot(value: Value, node: exp.Version) -> str:
    if value.type.name in ("bigint", "integer"):
        return value.sql
    raise refuse(f"FOR VERSION AS OF takes the number of a snapshot, not {value.type}", node)
