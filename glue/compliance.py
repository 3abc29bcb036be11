"""The saved queries over all record types: deletions, the proof that personal data is gone, rows without an item.

They are saved in the Athena workgroup, and run in DuckDB, too.
"""

from collections.abc import Iterator, Mapping

from glue.model import ArrayType, Field, MapType, Record, RecordType, SchemaError, Type

REDACTED = "[redacted]"


def deletions_sql(types: Mapping[str, RecordType]) -> str:
    """The query for all deletions in a period: the entity, the time, and whether DynamoDB's time to live removed it."""
    selects = [
        f"SELECT '{name.lower()}' AS record_type, reference.id AS id, change.item AS item, "
        f"{'.'.join(one.deleted_at).lower()} AS deleted, change.expired AS expired, change.id AS change_id, "
        f'partition_date\nFROM "{name.lower()}" WHERE isdeleted'
        for name, one in types.items()
    ]
    return (  # DISTINCT, because delivery is at least once
        "-- Every deletion in a period: the period is in the last line but one\n"  # noqa: S608  names are the schema's
        "SELECT DISTINCT record_type, id, item, deleted, expired, change_id, partition_date FROM (\n"
        + "\nUNION ALL\n".join(selects)
        + "\n) AS deletions\n"
        "WHERE deleted >= TIMESTAMP '2025-01-01 00:00:00' AND deleted < TIMESTAMP '2025-02-01 00:00:00'\n"
        "ORDER BY deleted, record_type, id, item;\n"
    )


def rows_without_item_sql(types: Mapping[str, RecordType]) -> str:
    """The query that counts the rows whose item is unknown although other rows of their reference have one (BR-21).

    Such a row may be of the same item as one of those, or of another that shares the reference. The views show it
    apart, as an entity of its own.
    """
    selects = [
        f"SELECT '{name}' AS record_type, count(*) AS rows_without_item, "  # noqa: S608  names are the schema's
        f"count(DISTINCT reference.id) AS their_references\n"
        f'FROM "{name}" WHERE change.item IS NULL AND reference.id IN '
        f'(SELECT reference.id FROM "{name}" WHERE change.item IS NOT NULL)'
        for name in map(str.lower, types)
    ]
    return (
        "-- Rows whose change has no item although others of their reference.id have one: the latest_* views show\n"
        "-- them as entities of their own\n" + "\nUNION ALL\n".join(selects) + "\nORDER BY record_type;\n"
    )


def personal_data_sql(types: Mapping[str, RecordType]) -> str:
    """The query that proves deleted rows free of personal data: for each field, how many deleted rows still hold it.

    Raises:
        SchemaError: personal data in a list or a map, which the query cannot check.
    """
    selects = personal_data_selects(types)
    if not selects:
        return "-- No record type has personal data\nSELECT 0 AS not_redacted;\n"
    return (
        "-- Proof that no deleted row holds personal data: not_redacted is 0 in every line\n"
        + "\nUNION ALL\n".join(selects)
        + "\nORDER BY record_type, field;\n"
    )


def personal_data_selects(types: Mapping[str, RecordType]) -> list[str]:
    """The parts of that query, one for each field of personal data."""
    return [
        f"SELECT '{name.lower()}' AS record_type, '{path}' AS field, count(*) AS deleted_rows, "
        f"count(CASE WHEN {path} <> '{REDACTED}' THEN 1 END) AS not_redacted\n"
        f'FROM "{name.lower()}" WHERE isdeleted'
        for name, one in types.items()
        for path in _personal(one.row, f"{name}: ", "")
    ]


def _personal(record: Record, where: str, above: str) -> Iterator[str]:
    """The paths of personal data: email, contact.phonenumber."""
    for field in record.fields:
        path = f"{above}{field.name.lower()}"
        if field.pii:
            yield path
        elif isinstance(field.type, Record):
            yield from _personal(field.type, where, f"{path}.")
        elif _holds_personal_data(field.type):
            raise SchemaError(
                f"{where}{path}: personal data in a list or a map: glue/compliance.py cannot prove it gone"
            )


def _holds_personal_data(kind: Type) -> bool:
    match kind:
        case ArrayType(items=inner) | MapType(values=inner):
            return _holds_personal_data(inner)
        case Record(fields=fields):
            return any(_is_personal(field) for field in fields)
        case _:
            return False


def _is_personal(field: Field) -> bool:
    return field.pii or _holds_personal_data(field.type)
