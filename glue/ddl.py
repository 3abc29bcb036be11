"""Makes CREATE EXTERNAL TABLE statements for Athena from Glue TableInputs."""

from collections.abc import Mapping
from typing import Any

from glue import hive
from glue.tables import TableInput


def create_table(table_input: TableInput, database: str | None = None) -> str:
    """The statement that creates the table of a TableInput.

    {"Name": "sale", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string", "Comment": "the sale"}], ...
    -> CREATE EXTERNAL TABLE IF NOT EXISTS `sale` (
         `id` string COMMENT 'the sale'
       ...

    Every name is in backticks, struct members too, because `date`, `timestamp` and `end` are reserved in DDL (Athena
    guide, "Reserved keywords in DDL statements").
    """
    storage = table_input["StorageDescriptor"]
    serde = storage["SerdeInfo"]
    # Athena adds EXTERNAL itself, because the statement says so.
    properties = {name: value for name, value in table_input["Parameters"].items() if name != "EXTERNAL"}
    name = _name(table_input["Name"])
    return "\n".join(
        (
            f"CREATE EXTERNAL TABLE IF NOT EXISTS {_name(database) + '.' if database else ''}{name} (",
            ",\n".join(map(_column, storage["Columns"])),
            ")",
            f"COMMENT {_text(table_input['Description'])}",
            *_partitions(table_input["PartitionKeys"]),
            f"ROW FORMAT SERDE {_text(serde['SerializationLibrary'])}",
            f"WITH SERDEPROPERTIES (\n{_properties(serde['Parameters'])}\n)",
            f"STORED AS INPUTFORMAT {_text(storage['InputFormat'])}",
            f"OUTPUTFORMAT {_text(storage['OutputFormat'])}",
            f"LOCATION {_text(storage['Location'])}",
            f"TBLPROPERTIES (\n{_properties(properties)}\n);",
        )
    )


def _partitions(keys: list[Mapping[str, Any]]) -> list[str]:
    return ["PARTITIONED BY (", ",\n".join(map(_column, keys)), ")"] if keys else []


def _column(column: Mapping[str, Any]) -> str:
    return f"  {_name(column['Name'])} {_type(hive.parse(column['Type']))} COMMENT {_text(column['Comment'])}"


def _type(kind: hive.HiveType) -> str:
    """The type with struct members in backticks."""
    match kind:
        case hive.Struct(fields):
            return f"struct<{','.join(f'{_name(name)}:{_type(member)}' for name, member in fields)}>"
        case hive.Array(element):
            return f"array<{_type(element)}>"
        case hive.Map(key, value):
            return f"map<{_type(key)},{_type(value)}>"
        case _:
            return str(kind)


def _properties(properties: Mapping[str, str]) -> str:
    return ",\n".join(f"  {_text(name)} = {_text(value)}" for name, value in properties.items())


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    r"""A Hive string literal: it's -> 'it\'s'. A backslash is Hive's escape, so it is doubled."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
