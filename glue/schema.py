"""Reads the record types from their Avro schemas, `glue/schemas/<type>.avsc`, into the model of glue/model.py.

Avro allows further attributes in a schema. These hold the facts of the domain:

    on the record   partitionDate {sources, from, to}, deletionTime
    on a field      pii, derived (with idParts and timestampSources on reference, parsedFrom on system)

Everything else is refused with its path, a misspelt attribute too.
"""

from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glue.facts import DERIVED, with_facts
from glue.model import ArrayType, Enumeration, Field, MapType, Record, RecordType, Scalar, SchemaError, Type

SCHEMAS = Path(__file__).parent / "schemas"

NAME_KEYS = {"type", "name", "doc"}
TOP_KEYS = NAME_KEYS | {"namespace", "fields", "partitionDate", "deletionTime"}
FIELD_KEYS = NAME_KEYS | {"default", "pii", "derived"}
LOGICAL = {("long", "timestamp-millis"): Scalar.TIMESTAMP, ("int", "date"): Scalar.DATE}
PLAIN = {kind.value: kind for kind in (Scalar.STRING, Scalar.BOOLEAN, Scalar.INT, Scalar.LONG, Scalar.DOUBLE)}

# Names of Avro's own types, which no named type may have.
AVRO_TYPES = {*PLAIN, "null", "bytes", "float", "record", "error", "enum", "array", "map", "union", "fixed"}
Named = TypeVar("Named", Record, Enumeration)


def load(folder: Path = SCHEMAS) -> dict[str, RecordType]:
    """The record types of a folder of `<type>.avsc` files, by name, in the order of names.

    Raises:
        SchemaError: a schema is invalid; the message begins with the path in it, `demand.date.sent`.
    """
    types = [read_record_type(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.avsc"))]
    if not types:
        raise SchemaError(f"{folder}: no .avsc file here")
    return {record_type.name: record_type for record_type in types}


# Cached because on a laptop four functions each load all four schemas, at 7 ms.
@cache
def read_record_type(name: str, text: bytes) -> RecordType:
    """The record type in the text of `<name>.avsc`.

    Raises:
        SchemaError: "demand.date.sent: ...", the schema is invalid, or uses Avro that is not supported.
    """
    try:
        avro = msgspec.json.decode(text, type=dict[str, Any])
        _only(avro, TOP_KEYS, name)
        if avro.get("type") != "record" or avro.get("name") != name:
            raise SchemaError(f"{name}: the schema must be a record of the file's name")
        row = _Reader(name).record(avro, name, extra=TOP_KEYS)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{name}: not a JSON object") from error
    except RecursionError as error:
        raise SchemaError(f"{name}: nested too deep to be read") from error
    if not _is_name(avro.get("namespace", name)):
        raise SchemaError(f"{name}.namespace: a name of letters, digits and _")
    return with_facts(name, avro, row)


class _Reader:
    """Reads one schema. It remembers named types, because a later field may refer to them by name."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.named: dict[str, Type] = {}
        self.claimed = set(AVRO_TYPES)

    def type(self, avro: object, path: str) -> Type:
        """The type of an Avro schema that is not a union."""
        if isinstance(avro, str):
            kind = PLAIN.get(avro) or self.named.get(avro)
            if kind is None:
                raise SchemaError(f'{path}: "{avro}" is not a supported type, nor one named before')
            return kind
        if not isinstance(avro, dict):
            raise SchemaError(f'{path}: the only union supported is ["null", type]')
        match avro.get("type"):
            case "record":
                return self.record(avro, path)
            case "enum":
                return self.enumeration(avro, path)
            case "array":
                _only(avro, {"type", "items"}, path)
                optional, items = _nullable(avro.get("items"), f"{path}[]")
                if not optional:
                    raise SchemaError(f'{path}[]: items are ["null", type]: a list of DynamoDB may hold null (BR-14)')
                return ArrayType(self.type(items, f"{path}[]"))
            case "map":
                _only(avro, {"type", "values"}, path)
                return MapType(self.type(avro.get("values"), f"{path}[*]"))
            case plain:
                _only(avro, {"type", "logicalType"}, path)
                logical = LOGICAL.get((str(plain), str(avro.get("logicalType"))))
                if logical is None:
                    raise SchemaError(f"{path}: {plain} with logicalType {avro.get('logicalType')} is not supported")
                return logical

    def record(self, avro: dict[str, Any], path: str, extra: Set[str] = frozenset()) -> Record:
        """The record of a schema, which may have the further attributes in `extra`."""
        _only(avro, NAME_KEYS | {"fields"} | extra, path)
        name = self.claim(avro, path)
        members = avro.get("fields")
        if not isinstance(members, list) or not members:
            raise SchemaError(f"{path}: a record needs fields")
        fields = tuple(self.field(member, path) for member in members)
        folded = [field.name.lower() for field in fields]
        for position, one in enumerate(folded):
            # Hive folds names to lower case; partition_date is the table's partition column.
            if one in folded[:position] or (path == self.top and one == "partition_date"):
                raise SchemaError(f"{path}.{fields[position].name}: the name is taken once Hive has lower-cased it")
        return self.keep(name, Record(name, fields))

    def enumeration(self, avro: dict[str, Any], path: str) -> Enumeration:
        """The enum of a schema. Its symbols are strings in DynamoDB and in Hive."""
        _only(avro, NAME_KEYS | {"symbols"}, path)
        name = self.claim(avro, path)
        symbols = avro.get("symbols")
        if (
            not isinstance(symbols, list)
            or not all(map(_is_name, symbols))
            or not 0 < len(symbols) == len(set(symbols))
        ):
            raise SchemaError(f"{path}: an enum needs symbols of letters, digits and _, each once")
        return self.keep(name, Enumeration(name, tuple(symbols)))

    def field(self, avro: object, parent: str) -> Field:
        """A field of a record. An optional one is ["null", type] with default null, and nothing else."""
        if not isinstance(avro, dict) or not _is_name(avro.get("name")):
            raise SchemaError(f"{parent}: a field needs a name of letters, digits and _")
        path = f"{parent}.{avro['name']}"
        derived = avro.get("derived", False)
        if derived is not False and (derived is not True or avro["name"] not in DERIVED or parent != self.top):
            raise SchemaError(f"{path}: only {', '.join(DERIVED)} of the row itself are derived: true")
        _only(avro, FIELD_KEYS | set(DERIVED[avro["name"]][1] if derived else ()), path)
        if not isinstance(avro.get("doc"), str) or not avro["doc"]:
            raise SchemaError(f"{path}: a field needs a doc: it becomes the column's comment")
        optional, inner = _nullable(avro.get("type"), path)
        if optional != ("default" in avro) or avro.get("default") is not None:
            raise SchemaError(f"{path}: an optional field has the default null, a required one has none")
        kind = self.type(inner, path)
        if not isinstance(avro.get("pii", False), bool):
            raise SchemaError(f"{path}: pii is true or false")
        if avro.get("pii", False) and kind is not Scalar.STRING:
            raise SchemaError(f"{path}: only a string can be personal data: it is redacted to a text")
        return Field(avro["name"], kind, optional, avro["doc"], avro.get("pii", False), derived)

    def claim(self, avro: dict[str, Any], path: str) -> str:
        """The name of a named type, which must be new."""
        name = avro.get("name")
        if not _is_name(name) or name in self.claimed:
            raise SchemaError(f"{path}: a named type needs a name of its own")
        if not isinstance(avro.get("doc", ""), str):
            raise SchemaError(f"{path}: doc is a text")
        self.claimed.add(str(name))
        return str(name)

    def keep(self, name: str, kind: Named) -> Named:
        """Remember a named type, and return it."""
        self.named[name] = kind
        return kind


def _nullable(avro: object, path: str) -> tuple[bool, object]:
    """(True, type) of ["null", type], else (False, type)."""
    if isinstance(avro, list):
        if len(avro) != 2 or avro[0] != "null" or isinstance(avro[1], list):
            raise SchemaError(f'{path}: the only union supported is ["null", type]')
        return True, avro[1]
    return False, avro


def _only(avro: Mapping[str, Any], known: Set[str], path: str) -> None:
    for key in avro:
        if key not in known:
            raise SchemaError(f"{path}: unknown attribute {key}")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name.isascii() and not name.startswith("__")
