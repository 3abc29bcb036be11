"""Casts, implicit and asked for, by Trino's rules and with values printed as Trino prints them."""

import re
from collections.abc import Callable

from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.types import (
    DAY_TO_SECOND,
    INTEGERS,
    TIMESTAMP_TZ,
    YEAR_TO_MONTH,
    Type,
    duckdb_type,
    is_number,
    quoted,
    text,
)
from firehose.lake.query.athena.value import Value

# Types that may be the keys of a map that is cast to or from JSON.
_JSON_KEYS = ("varchar", "boolean", "double", "real", "decimal", *INTEGERS)

# Types whose casts from JSON read the value several times.
_READ_OFTEN = ("map", "row", "boolean", *INTEGERS)

_INTEGER_TEXT = "[+-]?[0-9]+"
_DECIMAL_TEXT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DATE_TEXT = r"[+-]?\d{4,}-\d{1,2}-\d{1,2}"
_TIMESTAMP_TEXT = rf"{_DATE_TEXT}( \d{{1,2}}:\d{{1,2}}(:\d{{1,2}}(\.\d{{1,6}})?)?)?"


def cast(value: Value, target: Type) -> Value:
    """Return CAST(value AS target).

    Raises:
        SqlError: Trino has no such cast, or it cannot give the same here.
    """
    sql = value.sql
    if value.type.name == "json" and target.elements:
        # Trino reads the text itself then, so that a key that is there twice ends the query.
        sql = re.sub(r"^athena_json_parse\(", "athena_json_checked(", sql)
    return Value(_nested(sql, value.type, target), target)


def implicit(value: Value, target: Type) -> Value:
    """Return the value as the type that it is implicitly converted to; the literal stays known."""
    return Value(_nested(value.sql, value.type, target), target, value.literal)


def _nested(sql: str, kind: Type, target: Type) -> str:
    """Return the cast of a value of any depth: its structure is taken apart, its leaves are cast."""
    if kind == target:
        return sql
    if kind.name == "unknown":
        return f"CAST({sql} AS {duckdb_type(target)})"
    match kind.name, target.name:
        case "array", "array":
            return _of_elements(sql, kind.elements[0], target.elements[0])
        case "map", "map":
            return _of_entries(sql, kind, target)
        case "row", "row" if len(kind.args) == len(target.args):
            return _of_fields(sql, kind, target)
    return _leaf(sql, kind, target)


def _leaf(sql: str, kind: Type, target: Type) -> str:
    if kind.name == "json":
        return _from_json(sql, target)
    if target.name == "json":
        return f"CAST(athena_json_unmarked(to_json({_json_ready(sql, kind)})) AS JSON)"
    if kind.name == "varchar":
        return _from_text(sql, target)
    if target.name == "varchar":
        return _as_text(sql, kind, target)
    if target.name in ("date", "time", "timestamp", TIMESTAMP_TZ):
        return _moment(sql, kind, target)
    if is_number(target) and (is_number(kind) or kind.name == "boolean"):
        return _number(sql, kind, target)
    if target.name == "boolean" and is_number(kind):
        return f"({sql} <> 0)"
    raise no_cast(kind, target)


def _of_elements(sql: str, kind: Type, target: Type) -> str:
    name = f"e{sql.count('lambda')}"
    cast_element = _nested(name, kind, target)
    return sql if cast_element == name else f"list_transform({sql}, lambda {name}: {cast_element})"


def _of_entries(sql: str, kind: Type, target: Type) -> str:
    keys = _of_elements(f"map_keys({sql})", kind.elements[0], target.elements[0])
    values = _of_elements(f"map_values({sql})", kind.elements[1], target.elements[1])
    same = keys == f"map_keys({sql})" and values == f"map_values({sql})"
    return sql if same else f"CASE WHEN {sql} IS NOT NULL THEN map({keys}, {values}) END"


def _of_fields(sql: str, kind: Type, target: Type) -> str:
    pairs = zip(kind.names, kind.elements, target.names, target.elements, strict=True)
    members = []
    same = kind.names == target.names
    for name, member, target_name, target_member in pairs:
        field = f"struct_extract({sql}, {text(name)})"
        cast_field = _nested(field, member, target_member)
        same = same and cast_field == field
        members.append(f"{quoted(target_name)} := {cast_field}")
    return sql if same else f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(members)}) END"


def _moment(sql: str, kind: Type, target: Type) -> str:
    local = f"athena_local({sql})" if kind.name == TIMESTAMP_TZ else sql
    if kind.name not in ("date", "timestamp", TIMESTAMP_TZ) or (kind.name == "date" and target.name == "time"):
        raise no_cast(kind, target)
    match target.name:
        case "date" | "time":
            return f"CAST({local} AS {target.name.upper()})"
        case "timestamp":
            return _rounded(f"CAST({local} AS TIMESTAMP)", kind, target)
        case _ if kind.name == TIMESTAMP_TZ:
            return sql
        case _:
            return f"athena_tz({_rounded(f'CAST({sql} AS TIMESTAMP)', kind, target)}, 'UTC')"


def no_cast(kind: Type, target: Type) -> SqlError:
    """Return the refusal of a cast that Trino does not have."""
    return SqlError(f"TYPE_MISMATCH: cannot cast {kind} to {target}")


def _number(sql: str, kind: Type, target: Type) -> str:
    # DuckDB rounds the half of a double to the even, Trino away from zero.
    halves = kind.name in ("double", "real") and target.name in (*INTEGERS, "decimal")
    rounded = f"round({sql})" if halves and target.name in INTEGERS else sql
    return f"CAST({rounded} AS {duckdb_type(target)})"


def _rounded(sql: str, kind: Type, target: Type) -> str:
    """Return the moment rounded to the target's fraction digits where it has more."""
    digits = target.numbers[0] if target.numbers else 3
    if not kind.numbers or kind.numbers[0] <= digits:
        return sql
    unit = 10 ** (6 - digits)
    return f"make_timestamp(CAST(floor((epoch_us({sql}) + {unit // 2}) / {unit}) AS BIGINT) * {unit})"


def _from_text(sql: str, target: Type) -> str:
    length = target.numbers[0] if target.numbers else None
    checked = {
        "boolean": f"(lower(athena_checked({sql}, '(?i)t|true|1|f|false|0')) IN ('t', 'true', '1'))",
        "double": f"athena_text_to_double({sql})",
        "real": f"CAST(athena_text_to_double({sql}) AS FLOAT)",
        "decimal": f"CAST(athena_checked({sql}, '{_DECIMAL_TEXT}') AS {duckdb_type(target)})",
        "date": f"CAST(athena_checked(trim({sql}), '{_DATE_TEXT}') AS DATE)",
        "varchar": sql if length is None else f"substr({sql}, 1, {length})",
        "varbinary": f"encode({sql})",
        TIMESTAMP_TZ: f"athena_zoned({sql})",
        **{name: f"CAST(athena_checked({sql}, '{_INTEGER_TEXT}') AS {name.upper()})" for name in INTEGERS},
    }
    if target.name == "timestamp":
        moment = f"CAST(athena_checked(trim({sql}), '{_TIMESTAMP_TEXT}') AS TIMESTAMP)"
        return _rounded(moment, Type("timestamp", (6,)), target)
    if target.name not in checked:
        raise no_cast(Type("varchar"), target)
    return checked[target.name]


def as_text(sql: str, kind: Type) -> str:
    """Return a scalar value's text as Trino prints it.

    Raises:
        SqlError: values of the type are not cast to varchar.
    """
    digits = kind.numbers[0] if kind.numbers else 3
    match kind.name:
        case "varchar":
            return sql
        case "boolean" | "date" | "time" | "tinyint" | "smallint" | "integer" | "bigint" | "unknown":
            return f"CAST({sql} AS VARCHAR)"
        case "decimal":
            return f"athena_decimal_text(CAST({sql} AS VARCHAR))"
        case "double" | "real":
            return f"athena_{kind.name}_text({sql})"
        case "timestamp":
            return timestamp_text(sql, digits)
        case name if name == TIMESTAMP_TZ:
            return f"{timestamp_text(f'athena_local({sql})', digits)} || ' ' || struct_extract({sql}, 'zone')"
        case name if name == DAY_TO_SECOND:
            return f"athena_interval_text({sql})"
        case name if name == YEAR_TO_MONTH:
            return f"athena_months_text({sql})"
    raise no_cast(kind, Type("varchar"))


def _as_text(sql: str, kind: Type, target: Type) -> str:
    if not target.numbers:
        return as_text(sql, kind)
    if kind.name in ("date", "boolean") or is_number(kind):
        return f"athena_fitting({as_text(sql, kind)}, {target.numbers[0]})"
    raise SqlError(f"not supported here: a cast of {kind} to {target}; cast it to varchar")


def timestamp_text(sql: str, digits: int, separator: str = " ") -> str:
    """Return a timestamp's text with its fraction digits: 2025-01-01 10:00:00.000."""
    whole = f"%Y-%m-%d{separator}%H:%M:%S"
    match digits:
        case 0:
            return f"strftime({sql}, '{whole}')"
        case 3:
            return f"strftime({sql}, '{whole}.%g')"
        case _:
            return f"left(strftime({sql}, '{whole}.%f'), {20 + digits})"


def _from_json(sql: str, target: Type) -> str:
    """Return a JSON value as another type: null for JSON's null, an error for a value of another form."""
    if target.name in _READ_OFTEN:
        return _once(sql, lambda value: _read_json(value, target))
    return _read_json(sql, target)


def _read_json(sql: str, target: Type) -> str:
    name = f"e{sql.count('lambda')}"
    match target.name:
        case "json":
            return f"athena_java_json({sql})"
        case "array":
            return f"list_transform(athena_json_elements({sql}), lambda {name}: {_from_json(name, target.elements[0])})"
        case "map" if target.elements[0].name in _JSON_KEYS:
            key, value = _from_text(name, target.elements[0]), _from_json(name, target.elements[1])
            keys = f"list_transform(athena_json_keys({sql}), lambda {name}: {key})"
            values = f"list_transform(CAST(json_extract({sql}, '$.*') AS JSON[]), lambda {name}: {value})"
            return f"CASE WHEN {keys} IS NOT NULL THEN map({keys}, {values}) END"
        case "row" if all(target.fields):
            read = (
                f"athena_json_field({sql}, {text(one)}, {place}, {len(target.names)})"
                for place, one in enumerate(target.names)
            )
            fields = zip(target.names, read, target.elements, strict=True)
            members = ", ".join(f"{quoted(one)} := {_from_json(field, kind)}" for one, field, kind in fields)
            return f"CASE WHEN json_type({sql}) <> 'NULL' THEN struct_pack({members}) END"
        case "varchar":
            return _from_text(f"athena_json_varchar({sql})", target)
        case "boolean":
            written = f"athena_json_text({sql})"
            is_text = f"json_type({sql}) IN ('VARCHAR', 'BOOLEAN')"
            return f"CASE WHEN {is_text} THEN {_from_text(written, target)} ELSE TRY_CAST({written} AS DOUBLE) <> 0 END"
        case name if name in INTEGERS:
            rounded = f"CAST(round(TRY_CAST(athena_json_text({sql}) AS DOUBLE)) AS {name.upper()})"
            whole = _from_text(f"athena_json_number({sql})", target)
            return f"CASE WHEN json_type({sql}) = 'DOUBLE' THEN {rounded} ELSE {whole} END"
        case "double" | "real" | "decimal":
            return _from_text(f"athena_json_number({sql})", target)
    raise SqlError(f"not supported here: a cast of json to {target}")


def _json_ready(sql: str, kind: Type) -> str:
    """Return a value that DuckDB's to_json writes as Trino's cast does: rows by their names, maps in order of keys.

    DuckDB would write numbers in a form of its own: they become texts that begin with n, all other texts begin with s.
    """
    name = f"e{sql.count('lambda')}"
    match kind.name:
        case "boolean" | "unknown" | "tinyint" | "smallint" | "integer" | "bigint":
            return sql
        case "double" | "real":
            return f"athena_json_of_number({sql})"
        case "decimal":
            return f"'n' || {as_text(sql, kind)}"
        case "varchar" | "date" | "timestamp":
            return f"'s' || {as_text(sql, kind)}"
        case "json":
            return f"CAST(athena_json_marked({sql}) AS JSON)"
        case "array":
            return f"list_transform({sql}, lambda {name}: {_json_ready(name, kind.elements[0])})"
        case "map" if kind.elements[0].name in _JSON_KEYS:
            key, value = _json_key(f"{name}.key", kind.elements[0]), _json_ready(f"{name}.value", kind.elements[1])
            entry = f"""struct_pack("key" := 's' || {key}, "value" := {value})"""
            return f"map_from_entries(list_sort(list_transform(map_entries({sql}), lambda {name}: {entry})))"
        case "row" if all(kind.fields):
            return _once(sql, lambda value: _json_ready_row(value, kind))
    raise SqlError(f"not supported here: a cast of {kind} to json")


def _json_ready_row(sql: str, kind: Type) -> str:
    fields = ", ".join(
        f"{quoted(f's{one}')} := {_json_ready(f'struct_extract({sql}, {text(one)})', member)}"
        for one, member in zip(kind.names, kind.elements, strict=True)
    )
    return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({fields}) END"


def _once(sql: str, use: Callable[[str], str]) -> str:
    """Return what is made of a value that is read several times: DuckDB would plan and run each copy of its text."""
    name = f"e{sql.count('lambda')}"
    return use(sql) if sql.isidentifier() else f"list_extract(list_transform([{sql}], lambda {name}: {use(name)}), 1)"


def _json_key(sql: str, kind: Type) -> str:
    return f"athena_json_of_number({sql})[2:]" if kind.name in ("double", "real") else as_text(sql, kind)
