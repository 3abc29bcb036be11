"""OpenXJsonSerDe's rules: as measured on real streams, else as in its open source and in Java.

AWS feeds the SerDe from a Jackson parser of its own: real messages name java.lang.Long, which the open source never
makes. So numbers are Java's. Without a measurement or open source to decide, a record fails here rather than get a
value that nobody wrote: a number in a boolean column, a decimal or float outside its column's range.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firehose.local.config.conversion_settings import OpenXSettings
from firehose.local.conversion.documents import Number
from firehose.local.conversion.numbers import INTEGER_BITS, hive_decimal, java_double_text, java_float, java_integer
from firehose.local.conversion.reader import Read, encodable, expected, misfit, shortened
from firehose.local.conversion.row_error import FOR_INPUT, MISMATCH, NOT_AN_OBJECT, malformed
from firehose.local.conversion.timestamps import openx_date, openx_timestamp
from glue import hive

_INTEGERS = "a number, or its text, without point or exponent,"
_TIMESTAMPS = (
    "yyyy-MM-dd HH:mm:ss[.S] or yyyy-MM-ddTHH:mm:ss[.S][Z], which are UTC, or the seconds or milliseconds since 1970"
)

_ABSENT = object()
_JAVA_CLASSES = {str: "java.lang.String", bool: "java.lang.Boolean"}


class OpenX:
    """The rules for one stream's settings."""

    name = "org.openx.data.JsonSerDe"

    def __init__(self, settings: OpenXSettings) -> None:
        self._folds = settings.case_insensitive
        self._dots = settings.dots_to_underscores
        # The SerDe knows columns by their lower-case names, and its mappings apply at every depth.
        self._mappings = {column.lower(): self.folded(key) for column, key in settings.mappings.items()}

    def folded(self, key: str) -> str:
        """Returns a key of the record in the form in which it is compared."""
        return key.lower() if self._folds else key

    def json_key(self, name: str) -> str:
        """Returns the key that a field of this name is read from."""
        return self._mappings.get(name, name)

    def refused(self, kind: hive.HiveType) -> bool:
        """Refuses `binary` (observed)."""
        return kind == hive.Primitive("binary")

    def elements(self, value: Any, path: str) -> Sequence[Any] | None:  # noqa: ARG002  refuses nothing
        """Takes any value as an array of one; an empty string is null, as in the open source."""
        if value == "":
            return None
        return value if isinstance(value, list) else [value]

    def entries(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """Takes objects only; a blank string is null, as in the open source."""
        if _is_blank(value):
            return None
        if not isinstance(value, dict):
            raise misfit(MISMATCH, "map", value, path)
        return {key.lower(): each for key, each in value.items()} if self._folds else value

    def members(self, kind: hive.Struct) -> Callable[[Any, str], Sequence[Any] | None]:
        """Finds members by name in an object, by place in an array."""
        keys = [(name.lower(), self.json_key(name.lower())) for name, _ in kind.fields]
        missing = [None] * len(keys)

        def members_of(value: Any, path: str) -> Sequence[Any] | None:
            if isinstance(value, dict):
                return self._by_name(value, keys)
            if isinstance(value, list):
                return [*value, *missing][: len(keys)]
            if _is_blank(value):
                return None
            raise misfit(f"{NOT_AN_OBJECT} {_java_class(value)}", "struct", value, path)

        return members_of

    def _by_name(self, value: dict[str, Any], keys: Sequence[tuple[str, str]]) -> list[Any]:
        if self._folds:
            value = {key.lower(): each for key, each in value.items()}
        if not self._dots:
            return [value.get(key) for _, key in keys]
        dotted = {key.replace(".", "_"): each for key, each in reversed(value.items()) if "." in key}
        return [dotted.get(name) if (found := value.get(key, _ABSENT)) is _ABSENT else found for name, key in keys]

    def key(self, kind: hive.HiveType) -> Callable[[str, str], Any]:
        """Returns the reader of map keys: the same as of a column."""
        return self.scalar(kind)

    def scalar(self, kind: hive.HiveType) -> Read:
        """Returns the reader of a type that is not nested."""
        if kind == hive.Primitive("string") or isinstance(kind, hive.Char | hive.Varchar):
            return lambda value, path: shortened(self._text(value, kind, path), kind)
        if kind == hive.Primitive("boolean"):
            return _boolean
        read, forms = _of_text(kind), expected(kind, integers=_INTEGERS, timestamps=_TIMESTAMPS)

        def read_scalar(value: Any, path: str) -> Any:
            text = value.text if isinstance(value, Number) else value
            found = read(text) if isinstance(text, str) else None
            if found is None:
                raise misfit(FOR_INPUT if isinstance(text, str) else MISMATCH, forms, value, path)
            return found

        return read_scalar

    def _text(self, value: Any, kind: hive.HiveType, path: str) -> str:
        return encodable(_compact(value, path, folds=self._folds, top=True), kind, path)


def _of_text(kind: hive.HiveType) -> Callable[[str], Any]:
    match kind:
        case hive.Decimal(precision, scale):
            return lambda text: hive_decimal(text, precision, scale)
        case hive.Primitive(name) if name in INTEGER_BITS:
            return lambda text: java_integer(text, name, hexadecimal=True)
        case hive.Primitive("float" | "double" as name):
            return lambda text: java_float(text, name)
        case hive.Primitive("date"):
            return openx_date
        case _:
            return openx_timestamp


def _boolean(value: Any, path: str) -> bool:
    if isinstance(value, str):
        return value.lower() == "true"  # Boolean.parseBoolean
    if isinstance(value, bool):
        return value
    raise misfit(MISMATCH, "boolean (true, false or a string)", value, path)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _java_class(value: Any) -> str:
    if isinstance(value, Number):
        return "java.lang.Long" if value.whole else "java.lang.Double"
    return _JAVA_CLASSES[type(value)]


def _compact(value: Any, path: str, *, folds: bool, top: bool = False) -> str:
    """Returns a value as text: a top-level string as it is, anything else as compact JSON."""
    if isinstance(value, Number):
        return _number_text(value, path)
    if isinstance(value, dict):
        named = {key.lower() if folds else key: each for key, each in value.items()}
        members = [f"{_quoted(key)}:{_compact(each, path, folds=folds)}" for key, each in named.items()]
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join([_compact(each, path, folds=folds) for each in value])}]"
    return value if top and isinstance(value, str) else _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number_text(number: Number, path: str) -> str:
    if number.whole:
        return "0" if number.text == "-0" else number.text  # Long.toString, BigInteger.toString
    double = float(number.text)
    if double in (float("inf"), float("-inf")):
        raise malformed(MISMATCH, f"{path}: expected string, got a number past 1.8e308")
    return java_double_text(double)
