"""The record types: one Avro schema a file, `glue/schemas/<type>.avsc`, read into the model of glue/model.py.

Avro lets a schema carry further attributes, so what the domain knows of a record type stands there too:

    on the record   partitionDate {sources, from, to}, deletionTime
    on a field      pii, derived (with idParts and timestampSources on reference, parsedFrom on system)

Only what is listed here is accepted. Anything else, a misspelt attribute too, is refused with its path.
"""

from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glue.facts import DERIVED, with_facts
from glue.model import Array, Enumeration, Field, Map, Record, RecordType, Scalar, SchemaError, Type

SCHEMAS = Path(__file__).parent / "schemas"

NAME_KEYS = {"type", "name", "doc"}
TOP_KEYS = NAME_KEYS | {"namespace", "fields", "partitionDate", "deletionTime"}
FIELD_KEYS = NAME_KEYS | {"default", "pii", "derived"}
LOGICAL = {("long", "timestamp-millis"): Scalar.TIMESTAMP, ("int", "date"): Scalar.DATE}
PLAIN = {kind.value: kind for kind in (Scalar.STRING, Scalar.BOOLEAN, Scalar.INT, Scalar.LONG, Scalar.DOUBLE)}

# Words that Avro keeps for its own types.
AVRO_TYPES = {*PLAIN, "null", "bytes", "float", "record", "error", "enum", "array", "map", "union", "fixed"}
Named = TypeVar("Named", Record, Enumeration)


def load(folder: Path = SCHEMAS) -> dict[str, RecordType]:
    """Every record type of a folder of `<type>.avsc` files, by name, in order of name.

    Raises:
        SchemaError: a file that is no such schema; the message begins with its path in the schema, `demand.date.sent`.
    """
    types = [read_record_type(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.avsc"))]
    if not types:
        raise SchemaError(f"{folder}: no .avsc file here")
    return {record_type.name: record_type for record_type in types}


# Of one text once: a laptop's four functions each load all four schemas, at 7 ms.
@cache
def read_record_type(name: str, text: bytes) -> RecordType:
    """The record type in the text of `<name>.avsc`.

    Raises:
        SchemaError: "demand.date.sent: ..." where the schema is not valid, or is Avro that we do not carry out.
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
    """Walks one schema; remembers named types, which Avro lets a later field refer to by name."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.named: dict[str, Type] = {}
        self.claimed = set(AVRO_TYPES)

    def type(self, avro: object, path: str) -> Type:
        """The type that an Avro schema stands for, other than a union."""
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
                return Array(self.type(items, f"{path}[]"))
            case "map":
                _only(avro, {"type", "values"}, path)
                return Map(self.type(avro.get("values"), f"{path}[*]"))
            case plain:
                _only(avro, {"type", "logicalType"}, path)
                logical = LOGICAL.get((str(plain), str(avro.get("logicalType"))))
                if logical is None:
                    raise SchemaError(f"{path}: {plain} with logicalType {avro.get('logicalType')} is not supported")
                return logical

    def record(self, avro: dict[str, Any], path: str, extra: Set[str] = frozenset()) -> Record:
        """A record; `extra` are the further attributes that may stand on it."""
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
        """An enum; its symbols are strings in DynamoDB and in Hive."""
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
        """A member of a record. Optional is ["null", type] with default null, and nothing else is."""
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
        """The name of a named type, which may not be taken."""
        name = avro.get("name")
        if not _is_name(name) or name in self.claimed:
            raise SchemaError(f"{path}: a named type needs a name of its own")
        if not isinstance(avro.get("doc", ""), str):
            raise SchemaError(f"{path}: doc is a text")
        self.claimed.add(str(name))
        return str(name)

    def keep(self, name: str, kind: Named) -> Named:
        """A named type, from now on known by its name."""
        self.named[name] = kind
        return kind


def _nullable(avro: object, path: str) -> tuple[bool, object]:
    """(optional, type) of a type or of ["null", type]."""
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
