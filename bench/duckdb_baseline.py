"""Generate the SQL by which DuckDB writes the same columns unchecked: the reference for `dmd run` end to end.

    python -m bench.duckdb_baseline changes.jsonl LAKE | python -c "import sys, duckdb; duckdb.sql(sys.stdin.read())"

One thread reads change records, with the type of every attribute declared, and writes one Parquet file for each type
and partition date. The files have all columns of the four record types: lists of venues and attractions, `isdeleted`,
deletion times, redaction, `reference`, `system` and `change`. The SQL checks nothing, and stops at the first record
that is not JSON. `change.item` is the digest of the keys as they are written: ours, because the sample's are canonical.

The SQL is generated from the schemas, so its columns are ours. Its plan was the fastest on 100,000 sample records: one
read into a table and a COPY per type takes 3.2 s; a read per type 5.0 s; a read as text, sorted by type and parsed with
only the attributes of that type, 3.6 s. Reading times as TIMESTAMP (which would ignore an offset) or as VARCHAR to be
cast later makes no difference: 3.2 s.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from glue.model import ArrayType, DecimalType, Enumeration, Field, FieldPath, MapType, Record, RecordType, Scalar, Type
from glue.schema import load

_TAGS = {
    Scalar.STRING: ("S", "VARCHAR"),
    Scalar.TIMESTAMP: ("S", "TIMESTAMPTZ"),
    Scalar.DATE: ("S", "DATE"),
    Scalar.BOOLEAN: ("BOOL", "BOOLEAN"),
    Scalar.INT: ("N", "INTEGER"),
    Scalar.LONG: ("N", "BIGINT"),
    Scalar.DOUBLE: ("N", "DOUBLE"),
}

# An item may have 400 KB, and a change holds two images; 16 MB leaves room for type tags and escapes.
_READ = """
SET threads = 1;
SET TimeZone = 'UTC';
SET preserve_insertion_order = false;
SET partitioned_write_max_open_files = 1000;

CREATE TEMP TABLE changes AS
SELECT
    eventID, eventName, eventName = 'REMOVE' AS deleted,
    coalesce(userIdentity.principalId = 'dynamodb.amazonaws.com', false) AS expired,
    dynamodb.ApproximateCreationDateTime AS created,
    CASE WHEN created >= 100000000000000 THEN created ELSE created * 1000 END AS at_micros,
    make_timestamp(at_micros) AS changed_at,
    left(sha256(dynamodb.Keys::VARCHAR), 32) AS item,
    row_number() OVER () AS number,
    CASE WHEN eventName = 'REMOVE' THEN dynamodb.OldImage ELSE dynamodb.NewImage END AS image
FROM read_json('{source}', format = 'newline_delimited', maximum_object_size = 16777216, columns = {{
    eventName: 'VARCHAR', eventID: 'VARCHAR', userIdentity: 'STRUCT(principalId VARCHAR)',
    dynamodb: 'STRUCT(ApproximateCreationDateTime BIGINT, Keys JSON,
        NewImage {image},
        OldImage {image})'
}});
"""

_WRITE = """
COPY (
    SELECT
        {columns}
    FROM changes WHERE image.type.S = '{name}'
) TO '{target}/{name}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (partition_date));
"""


def script(source: Path, target: Path) -> str:
    """Return the SQL that writes the changes of `source` (.jsonl or .jsonl.gz) below the existing folder `target`."""
    types = load().values()
    image = _members(_all_fields(field for record_type in types for field in record_type.row.fields))
    copies = (_WRITE.format(name=one.name, columns=_columns(one), target=target) for one in types)
    return _READ.format(source=source, image=image) + "".join(copies)


def _all_fields(fields: Iterable[Field]) -> tuple[Field, ...]:
    """Return the fields of all types in one image; merge records of the same name (`date`)."""
    merged: dict[str, Field] = {}
    for field in fields:
        known = merged.get(field.name)
        if known and isinstance(known.type, Record) and isinstance(field.type, Record):
            both = Record(known.type.name, _all_fields(known.type.fields + field.type.fields))
            merged[field.name] = Field(field.name, both, optional=True, doc="")
        elif not field.derived:
            merged[field.name] = field
    return tuple(merged.values())


def _members(fields: Iterable[Field]) -> str:
    return f"STRUCT({', '.join(f'{_quoted(field.name)} {_attribute(field.type)}' for field in fields)})"


def _attribute(kind: Type) -> str:
    """Return the DuckDB type of an attribute as DynamoDB writes it: a string is STRUCT("S" VARCHAR)."""
    match kind:
        case Scalar():
            tag, sql_type = _TAGS[kind]
            return f'STRUCT("{tag}" {sql_type})'
        case DecimalType():
            return 'STRUCT("N" VARCHAR)'
        case Enumeration():
            return 'STRUCT("S" VARCHAR)'
        case ArrayType(items):
            string_set = ', "SS" VARCHAR[]' if items is Scalar.STRING else ""
            return f'STRUCT("L" {_attribute(items)}[]{string_set})'
        case MapType(values):
            return f'STRUCT("M" MAP(VARCHAR, {_attribute(values)}))'
        case Record(_, fields):
            return f'STRUCT("M" {_members(fields)})'


def _plain(kind: Type, attribute: str, depth: int = 0) -> str:
    """Return the expression for the plain value of an attribute; `depth` makes names of lambda parameters unique."""
    each = f"e{depth}"
    match kind:
        case Scalar.TIMESTAMP:
            return f"{attribute}.S::TIMESTAMP"
        case Scalar():
            return f"{attribute}.{_TAGS[kind][0]}"
        case DecimalType(precision, scale):
            return f"{attribute}.N::DECIMAL({precision}, {scale})"
        case Enumeration():
            return f"{attribute}.S"
        case ArrayType(items):
            as_list = f"list_transform({attribute}.L, lambda {each}: {_plain(items, each, depth + 1)})"
            return f"coalesce({attribute}.SS, {as_list})" if items is Scalar.STRING else as_list
        case MapType(values):
            entry = f"struct_pack(k := lower({each}.key), v := {_plain(values, f'{each}.value', depth + 1)})"
            return f"map_from_entries(list_transform(map_entries({attribute}.M), lambda {each}: {entry}))"
        case Record(_, fields):
            packed = (_named(field.name, _plain(field.type, _member(attribute, field), depth)) for field in fields)
            return f"CASE WHEN {attribute}.M IS NOT NULL THEN struct_pack({', '.join(packed)}) END"


def _columns(record_type: RecordType) -> str:
    columns = {field.name: _column(record_type, field) for field in record_type.row.fields if not field.derived}
    if record_type.system_source:
        source, parts = _at(record_type, record_type.system_source), "'(\\w+)-(\\w+)\\.(.+)'"
        found = f"regexp_extract({source}, {parts}, ['id', 'databaseid', 'memberid'])"
        columns["system"] = f"CASE WHEN regexp_matches({source}, {parts}) THEN {found} END"
    parts = ", ".join(_at(record_type, path) for path in record_type.reference_id)
    timestamp = _first(record_type, (*record_type.reference_timestamp, ("change", "at")))
    columns["isDeleted"] = "deleted"
    columns["reference"] = f"struct_pack(id := concat_ws('_', {parts}), timestamp := {timestamp})"
    columns["change"] = (
        "struct_pack(id := eventID, name := eventName, at := changed_at, atmicros := at_micros, "
        "sequence := lpad(number::VARCHAR, 128, '0') || '000000000000', expired := expired, item := item)"
    )
    columns["partition_date"] = f"strftime({_first(record_type, record_type.partition_date.sources)}, '%Y-%m-%d')"
    return ",\n        ".join(f"{expression} AS {_quoted(name.lower())}" for name, expression in columns.items())


def _column(record_type: RecordType, field: Field) -> str:
    attribute = f"image.{_quoted(field.name)}"
    plain = _plain(field.type, attribute)
    if field.pii:
        return f"CASE WHEN deleted AND {plain} IS NOT NULL THEN '[redacted]' ELSE {plain} END"
    if field.name == record_type.deleted_at[0]:
        members = (_named(one.name, _at(record_type, (field.name, one.name))) for one in _fields_of(field.type))
        return f"CASE WHEN deleted OR {attribute}.M IS NOT NULL THEN struct_pack({', '.join(members)}) END"
    return plain


def _first(record_type: RecordType, paths: Iterable[FieldPath]) -> str:
    return f"coalesce({', '.join(_at(record_type, path) for path in paths)})"


def _at(record_type: RecordType, path: FieldPath) -> str:
    """Return the value at a path of the row, ("date", "requested"); the time of a deletion is that of the change."""
    if path == ("change", "at"):
        return "changed_at"
    field = record_type.row.field(path[0])
    attribute = f"image.{_quoted(field.name)}"
    for name in path[1:]:
        (field,) = [one for one in _fields_of(field.type) if one.name == name]
        attribute = _member(attribute, field)
    plain = _plain(field.type, attribute)
    return f"CASE WHEN deleted THEN changed_at ELSE {plain} END" if path == record_type.deleted_at else plain


def _fields_of(kind: Type) -> tuple[Field, ...]:
    return kind.fields if isinstance(kind, Record) else ()


def _member(attribute: str, field: Field) -> str:
    return f"{attribute}.M.{_quoted(field.name)}"


def _named(name: str, expression: str) -> str:
    return f"{_quoted(name.lower())} := {expression}"


def _quoted(name: str) -> str:
    return f'"{name}"'


if __name__ == "__main__":
    sys.stdout.write(script(Path(sys.argv[1]), Path(sys.argv[2])))
