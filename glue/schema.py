"""Reads the record types from their Avro schemas, `glue/schemas/<type>.avsc`, into the model of glue/model.py.

Avro allows further attributes in a schema. These hold the facts of the domain:

    on the record   partitionDate {sources, from, to}, deletionTime
    on a field      pii, subject, derived (with idParts and timestampSources on reference, parsedFrom on system)

Everything else is refused with its path, a misspelt attribute too. All problems are found at once: a type that cannot
be read is UNREAD, and whatever depends on it is not judged.
"""

from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from glue.facts import DERIVED, UNREAD, Wrong, with_facts
from glue.layout import ENTITY_COLUMN, PARTITION, Format
from glue.model import (
    ArrayType,
    DecimalType,
    Enumeration,
    Field,
    MapType,
    Record,
    RecordType,
    Scalar,
    SchemaError,
    Type,
)

SCHEMAS = Path(__file__).parent / "schemas"

NAME_KEYS = {"type", "name", "doc"}
TOP_KEYS = NAME_KEYS | {"namespace", "fields", "partitionDate", "deletionTime"}
FIELD_KEYS = NAME_KEYS | {"default", "pii", "subject", "derived"}
LOGICAL = {("long", "timestamp-millis"): Scalar.TIMESTAMP, ("int", "date"): Scalar.DATE}
PLAIN = {kind.value: kind for kind in (Scalar.STRING, Scalar.BOOLEAN, Scalar.INT, Scalar.LONG, Scalar.DOUBLE)}

# Names of Avro's own types, which no named type may have.
AVRO_TYPES = {*PLAIN, "null", "bytes", "float", "record", "error", "enum", "array", "map", "union", "fixed"}


def load(folder: Path = SCHEMAS, *, older: bool = False) -> dict[str, RecordType]:
    """The record types of a folder of `<type>.avsc` files, by name, in the order of names.

    `older` schemas are only compared with: the fields that the function computes may be those of an earlier one.

    Raises:
        SchemaError: schemas are invalid; a line for each problem, which begins with the path in it, `demand.date.sent`.
    """
    types, problems = [], []
    for path in sorted(folder.glob("*.avsc")):
        try:
            types.append(read_record_type(path.stem, path.read_bytes(), older=older))
        except SchemaError as error:
            problems.append(str(error))
    if problems:
        raise SchemaError("\n".join(problems))
    if not types:
        raise SchemaError(f"{folder}: no .avsc file here")
    return {record_type.name: record_type for record_type in types}


# Cached because on a laptop four functions each load all four schemas, at 7 ms.
@lru_cache(maxsize=32)
def read_record_type(name: str, text: bytes, *, older: bool = False) -> RecordType:
    """The record type in the text of `<name>.avsc`.

    Raises:
        SchemaError: "demand.date.sent: ...", the schema is invalid, or uses Avro that is not supported. A line for each
            problem.
    """
    problems: list[str] = []

    def wrong(path: str, why: str) -> None:
        problems.append(f"{path}: {why}")

    try:
        avro = msgspec.json.decode(text, type=dict[str, Any])
        if avro.get("type") != "record" or avro.get("name") != name:
            raise SchemaError(f"{name}: the schema must be a record of the file's name")
        row = _Reader(name, wrong).record(avro, name, extra=TOP_KEYS)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{name}: not a JSON object") from error
    except RecursionError as error:
        raise SchemaError(f"{name}: nested too deep to be read") from error
    if name in list(Format):
        wrong(name, "is the name of a mode, and of the delivery stream of all its types: choose another")
    if not _is_name(avro.get("namespace", name)):
        wrong(f"{name}.namespace", "a name of letters, digits and _")
    record_type = with_facts(name, avro, row, wrong, older=older)
    if problems:
        raise SchemaError("\n".join(problems))
    return record_type


class _Reader:
    """Reads one schema, and calls `wrong` for each problem.

    It remembers named types, because a later field may refer to them by name.
    """

    def __init__(self, top: str, wrong: Wrong) -> None:
        self.top = top
        self.wrong = wrong
        self.named: dict[str, Type] = {}
        self.claimed = set(AVRO_TYPES)

    def type(self, avro: object, path: str) -> Type:
        """The type of an Avro schema that is not a union."""
        if isinstance(avro, str):
            kind = PLAIN.get(avro) or self.named.get(avro)
            return kind or self.unread(path, f'"{avro}" is not a supported type, nor one named before')
        if not isinstance(avro, dict):
            return self.unread(path, 'the only union supported is ["null", type]')
        match avro.get("type"):
            case "record":
                return self.record(avro, path)
            case "enum":
                return self.enumeration(avro, path)
            case "array":
                self.only(avro, {"type", "items"}, path)
                optional, items = _nullable(avro.get("items"))
                if not optional and not isinstance(items, list):
                    self.wrong(f"{path}[]", 'items are ["null", type]: a list of DynamoDB may hold null (BR-14)')
                return ArrayType(self.type(items, f"{path}[]"))
            case "map":
                self.only(avro, {"type", "values"}, path)
                return MapType(self.type(avro.get("values"), f"{path}[*]"))
            case plain:
                return self.logical(avro, str(plain), path)

    def logical(self, avro: dict[str, Any], plain: str, path: str) -> Type:
        """The logical type of a plain one: a time, a date or a decimal."""
        name = str(avro.get("logicalType"))
        if (plain, name) == ("bytes", "decimal"):
            self.only(avro, {"type", "logicalType", "precision", "scale"}, path)
            precision, scale = avro.get("precision"), avro.get("scale", 0)
            if type(precision) is int and type(scale) is int and 0 <= scale <= precision and 1 <= precision <= 38:
                return DecimalType(precision, scale)
            return self.unread(path, "a decimal needs a precision from 1 to 38, and a scale from 0 to that")
        self.only(avro, {"type", "logicalType"}, path)
        logical = LOGICAL.get((plain, name))
        return logical or self.unread(path, f"{plain} with logicalType {avro.get('logicalType')} is not supported")

    def record(self, avro: dict[str, Any], path: str, extra: Set[str] = frozenset()) -> Record:
        """The record of a schema, which may have the further attributes in `extra`."""
        self.only(avro, NAME_KEYS | {"fields"} | extra, path)
        name = self.claim(avro, path)
        members = avro.get("fields")
        if not isinstance(members, list) or not members:
            self.named[name] = UNREAD
            return self.unread(path, "a record needs fields")
        read = Record(name, tuple(field for member in members if (field := self.field(member, path))))
        for repeated in _repeated(read, {PARTITION, ENTITY_COLUMN} if path == self.top else set()):
            self.wrong(f"{path}.{repeated}", "the name is taken once Hive has lower-cased it")
        self.named[name] = read
        return read

    def enumeration(self, avro: dict[str, Any], path: str) -> Enumeration:
        """The enum of a schema. Its symbols are strings in DynamoDB and in Hive."""
        self.only(avro, NAME_KEYS | {"symbols"}, path)
        name = self.claim(avro, path)
        symbols = avro.get("symbols")
        if not isinstance(symbols, list) or not all(map(_is_name, symbols)) or not symbols:
            symbols = []
        if not symbols or len(symbols) > len(set(symbols)):
            self.wrong(path, "an enum needs symbols of letters, digits and _, each once")
        read = self.named[name] = Enumeration(name, tuple(symbols))
        return read

    def field(self, avro: object, parent: str) -> Field | None:
        """A field of a record. An optional one is ["null", type] with default null, and nothing else."""
        if not isinstance(avro, dict) or not _is_name(avro.get("name")):
            self.wrong(parent, "a field needs a name of letters, digits and _")
            return None
        path = f"{parent}.{avro['name']}"
        derived, doc = avro.get("derived", False), avro.get("doc")
        if derived is not False and (derived is not True or avro["name"] not in DERIVED or parent != self.top):
            self.wrong(path, f"only {', '.join(DERIVED)} of the row itself are derived: true")
            derived = False
        self.only(avro, FIELD_KEYS | {"derived"} | set(DERIVED[avro["name"]][1] if derived else ()), path)
        if not isinstance(doc, str) or not doc:
            self.wrong(path, "a field needs a doc: it becomes the column's comment")
        optional, inner = _nullable(avro.get("type"))
        if isinstance(inner, list):
            pass  # a union that is not supported, as `type` says
        elif optional != ("default" in avro) or avro.get("default") is not None:
            self.wrong(path, "an optional field has the default null, a required one has none")
        kind = self.type(inner, path)
        pii, subject = (self.mark(avro, mark, path) for mark in ("pii", "subject"))
        if pii and kind is not Scalar.STRING and kind is not UNREAD:
            self.wrong(path, "only a string can be personal data: it is redacted to a text")
        if subject and (derived or parent != self.top or (kind is not Scalar.STRING and kind is not UNREAD)):
            self.wrong(path, "only a string of the image itself can be the subject: erasure finds rows by it")
        if subject and pii:
            self.wrong(path, "the subject cannot be personal data: redacted, it would no longer be found")
        return Field(avro["name"], kind, optional, str(doc), pii, derived, subject)

    def mark(self, avro: dict[str, Any], name: str, path: str) -> bool:
        """A mark of a field, `pii` or `subject`: false where it is absent."""
        value = avro.get(name, False)
        if not isinstance(value, bool):
            self.wrong(path, f"{name} is true or false")
        return value is True

    def claim(self, avro: dict[str, Any], path: str) -> str:
        """The name of a named type, which must be new."""
        name = avro.get("name")
        if not _is_name(name) or name in self.claimed:
            self.wrong(path, "a named type needs a name of its own")
        if not isinstance(avro.get("doc", ""), str):
            self.wrong(path, "doc is a text")
        self.claimed.add(str(name))
        return str(name)

    def only(self, avro: Mapping[str, Any], known: Set[str], path: str) -> None:
        """Refuse attributes that are not known."""
        for key in avro:
            if key not in known:
                self.wrong(path, f"unknown attribute {key}")

    def unread(self, path: str, why: str) -> Record:
        """Stand for a type that cannot be read."""
        self.wrong(path, why)
        return UNREAD


def _nullable(avro: object) -> tuple[bool, object]:
    """(True, type) of ["null", type], else (False, type)."""
    if isinstance(avro, list) and len(avro) == 2 and avro[0] == "null":
        return True, avro[1]
    return False, avro


def _repeated(record: Record, taken: Set[str]) -> Iterable[str]:
    """Yield the names of fields that are taken once Hive has folded them to lower case."""
    seen = set(taken)
    for field in record.fields:
        if field.name.lower() in seen:
            yield field.name
        seen.add(field.name.lower())


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name.isascii() and not name.startswith("__")
