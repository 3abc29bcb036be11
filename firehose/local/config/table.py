"""Reads the Glue table of a delivery stream that converts records."""

from collections.abc import Mapping
from typing import Any

from firehose.local.config.conversion_settings import TableReference
from firehose.local.config.members import RefusedSettingError, UnsupportedSettingError
from glue.hive import HiveTypeError, parse

_SCHEMA = "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration.SchemaConfiguration"


def read_table(document: Any, reference: TableReference | None = None) -> dict[str, Any]:
    """Return the TableInput of a document: a TableInput, a Table, a CreateTable request or an answer of GetTable.

    {"Table": {"Name": "sale", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}]}, ...}}
        -> {"Name": "sale", "StorageDescriptor": {...}, ...}

    `reference` is the table that a delivery stream names; the document must describe it. None means that the table is
    missing.

    Raises:
        RefusedSettingError: not a table, or not the stream's. Firehose passes on Glue's answer if a table is missing
            (measured: InvalidArgumentException, with Glue's EntityNotFoundException in its text).
        UnsupportedSettingError: no columns, two of one name, one without name or type, or a type with white space, by
            the path in the document.
            A type that is not Hive's, such as a crawler's `set<string>`, is accepted: AWS makes the stream, and then
            every record fails (DataFormatConversion.InvalidSchema).
    """
    if document is None:
        raise _not_found("TableName", reference, "no table was specified")
    outer = document if isinstance(document, Mapping) else {}
    table = outer.get("TableInput", outer.get("Table", document))
    if not isinstance(table, Mapping) or not isinstance(table.get("Name"), str):
        raise RefusedSettingError("Table", "must be a Glue TableInput, or the table that GetTable answers")
    if reference is not None:
        _check_reference(table, outer, reference)
    _check_columns(table)
    return dict(table)


def _check_reference(table: Mapping[str, Any], outer: Mapping[str, Any], reference: TableReference) -> None:
    # Glue folds the case of names.
    if table["Name"].lower() != reference.table.lower():
        raise _not_found("TableName", reference, f"this is the table {table['Name']}")
    database = table.get("DatabaseName", outer.get("DatabaseName"))
    if isinstance(database, str) and database.lower() != reference.database.lower():
        raise _not_found("DatabaseName", reference, f"this table is in {database}")
    version = table.get("VersionId")
    if reference.version != "LATEST" and version is not None and version != reference.version:
        raise _not_found("VersionId", reference, f"this table has the version {version}")


def _not_found(member: str, reference: TableReference | None, reason: str) -> RefusedSettingError:
    name = f" {reference.database}.{reference.table}" if reference else ""
    return RefusedSettingError(
        f"{_SCHEMA}.{member}", f"Glue would answer EntityNotFoundException for the table{name}: {reason}"
    )


def _check_columns(table: Mapping[str, Any]) -> None:
    descriptor = table.get("StorageDescriptor")
    columns = descriptor.get("Columns") if isinstance(descriptor, Mapping) else None
    path = "StorageDescriptor.Columns"
    if not isinstance(columns, list) or not columns:
        raise UnsupportedSettingError(path, "a table without columns converts nothing")
    names: set[str] = set()
    for place, column in enumerate(columns):
        here = f"{path}[{place}]"
        name = column.get("Name") if isinstance(column, Mapping) else None
        if not isinstance(name, str) or not name:
            raise UnsupportedSettingError(f"{here}.Name", "a column must have a name")
        if name.lower() in names:
            raise UnsupportedSettingError(f"{here}.Name", f"two columns are called {name.lower()} (Hive folds case)")
        names.add(name.lower())
        # A type that Hive does not know fails every record, as on AWS; it does not refuse the stream.
        if not isinstance(column.get("Type"), str):
            raise UnsupportedSettingError(f"{here}.Type", f"the column {name} has no type")
        _check_white_space(column["Type"], f"{here}.Type")


def _check_white_space(kind: str, path: str) -> None:
    # Hive's own parser refuses it (TypeInfoUtils.TypeInfoParser); that Firehose then fails every record is inferred.
    if not any(character.isspace() for character in kind):
        return
    try:
        instead = f"write {parse(kind)}"
    except HiveTypeError:
        instead = "write the type without it"
    raise UnsupportedSettingError(path, f"AWS's Hive does not read white space in a type: {instead}")
