"""Makes an Athena view of each record type: `latest_<type>`, the newest row of each entity.

The archive has a row for every change (BR-10), and some twice, because delivery is at least once. The view shows the
current state. A deleted entity stays in it, as the row of its deletion (`isdeleted`), which tells a cancellation from
an entity that never existed, and `change.expired` tells an expiry from both. `WHERE NOT isdeleted` leaves the table as
it is in DynamoDB. An entity that was deleted and created again is shown as existing.
"""

from collections.abc import Mapping
from typing import Any

from glue import hive
from glue.columns import Column, columns
from glue.layout import PARTITION
from glue.model import RecordType

DATABASE = "${database}"

# The entity of a row (BR-21). `reference.id` alone identifies no item: a fan gets several notifications for one sale.
ENTITY = "coalesce(change.item, reference.id)"

# By the time of the change, then by its place in the stream, which orders changes of the same moment (BR-21). The two
# rows of a change that was delivered twice (a retry, a replay) differ only in the sequence: the view shows one of them.
NEWEST_FIRST = "change.atmicros DESC, change.sequence DESC NULLS LAST, change.id DESC NULLS LAST"

# The names of Hive's types in Athena's engine, whose timestamps have milliseconds.
_TRINO = {"string": "varchar", "int": "integer", "timestamp": "timestamp(3)", "binary": "varbinary"}


def view_inputs(types: Mapping[str, RecordType]) -> dict[str, dict[str, Any]]:
    """The views by record type, for Terraform: {"sale": {"Name": "latest_sale", ...}, ...}.

    The database differs per environment and mode, so it is `${database}` here.
    """
    return {name: latest(record_type) for name, record_type in types.items()}


def latest_views(types: Mapping[str, RecordType]) -> dict[str, str]:
    """The SQL of the views by name: {"latest_sale": "SELECT ...", ...}."""
    return {_name(record_type): latest_sql(record_type) for record_type in types.values()}


def latest(record_type: RecordType) -> dict[str, Any]:
    """The view of the newest rows of a record type.

    sale -> {"Name": "latest_sale", "Description": "...", "Columns": [{"Name": "id", "Type": "string"}, ...],
             "View": {"originalSql": "SELECT ...", "schema": "${database}", "columns": [...], ...}}

    `View` is the content of the Glue table's ViewOriginalText, in base64 between `/* Presto View: ` and ` */`.
    """
    table = record_type.name.lower()
    shown = [*columns(record_type), Column(Name=PARTITION, Type="string", Comment="")]
    return {
        "Name": _name(record_type),
        "Description": f"The newest row of each {table}; deleted ones have isdeleted = true.",
        "Columns": [{"Name": column["Name"], "Type": column["Type"]} for column in shown],
        "View": {
            "originalSql": latest_sql(record_type),
            "catalog": "awsdatacatalog",
            "schema": DATABASE,
            "columns": [{"name": column["Name"], "type": trino_type(hive.parse(column["Type"]))} for column in shown],
        },
    }


def latest_sql(record_type: RecordType) -> str:
    """The view's SQL, which runs in Athena and in DuckDB."""
    names = ", ".join(f'"{name}"' for name in [*(column["Name"] for column in columns(record_type)), PARTITION])
    # Every partition is read, whatever dates a query selects, because an entity's partition date may change.
    return (
        f"SELECT {names} FROM (SELECT *, row_number() OVER (PARTITION BY {ENTITY} ORDER BY {NEWEST_FIRST}) "  # noqa: S608  names are the schema's
        f'AS place FROM "{record_type.name.lower()}") AS changes WHERE place = 1'
    )


def _name(record_type: RecordType) -> str:
    return f"latest_{record_type.name.lower()}"


def trino_type(kind: hive.HiveType) -> str:
    """A Hive type in the words of Athena's engine.

    struct<end:timestamp,n:int> -> row("end" timestamp(3), "n" integer)
    """
    match kind:
        case hive.Struct(fields):
            return f"row({', '.join(f'{_quoted(name)} {trino_type(member)}' for name, member in fields)})"
        case hive.Array(element):
            return f"array({trino_type(element)})"
        case hive.Map(key, value):
            return f"map({trino_type(key)}, {trino_type(value)})"
        case _:
            return _TRINO.get(str(kind), str(kind))


def _quoted(name: str) -> str:
    return f'"{name}"'
