"""HiveJsonSerDe's rules: Hive's HCatalog JsonSerDe, whose error texts real streams were seen to give.

It reads tokens of a Jackson parser: integers and floats by the parser's number accessors, which refuse strings, all
else by the token's text as it stands in the record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firehose.local.config.conversion_settings import HiveJsonSettings
from firehose.local.conversion.documents import Number
from firehose.local.conversion.joda import ReadTime, joda_format
from firehose.local.conversion.numbers import (
    INTEGER_BITS,
    exact_decimal,
    hive_decimal,
    in_range,
    java_float,
    java_integer,
)
from firehose.local.conversion.reader import Read, encodable, misfit, shortened, written
from firehose.local.conversion.row_error import (
    INCORRECT_FORMAT,
    MISMATCH,
    START_OF_ARRAY,
    START_OF_OBJECT,
    malformed,
)
from firehose.local.conversion.timestamps import java_date, java_timestamp
from glue import hive

_NOT_NUMERIC = f"{MISMATCH} Current token (VALUE_STRING) not numeric, can not use numeric value accessors"
_INTERNAL_NAME = re.compile(r"_col(\d{1,9})", re.ASCII)
_TEXTS = (hive.Primitive("string"), hive.Primitive("binary"))


class HiveJson:
    """The rules under one stream's settings.

    Raises:
        JodaPatternError: a time format that Joda or we do not have.
    """

    name = "org.apache.hive.hcatalog.data.JsonSerDe"

    def __init__(self, settings: HiveJsonSettings) -> None:
        self._formats: list[ReadTime] = [joda_format(pattern) for pattern in settings.timestamp_formats]

    def refused(self, kind: hive.HiveType) -> bool:  # noqa: ARG002  `binary` too is text
        """None of the types that glue.hive knows."""
        return False

    def elements(self, value: Any, path: str) -> Sequence[Any] | None:
        """Arrays only."""
        if not isinstance(value, list):
            raise misfit(START_OF_ARRAY, "array", value, path)
        return value

    def entries(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """Objects only; the keys as they are."""
        if not isinstance(value, dict):
            raise misfit(START_OF_OBJECT, "map", value, path)
        return value

    def members(self, kind: hive.Struct) -> Callable[[Any, str], Sequence[Any] | None]:
        """By name in any case, or by `_col3` for the fourth; of the same field twice the later wins."""
        places = {name.lower(): place for place, (name, _) in enumerate(kind.fields)}

        def members_of(value: Any, path: str) -> Sequence[Any] | None:
            if not isinstance(value, dict):
                raise misfit(START_OF_OBJECT, "struct", value, path)
            found: list[Any] = [None] * len(places)
            for name, each in value.items():
                place = places.get(name.lower())
                if place is None and name.startswith("_col"):
                    place = _internal_place(name, len(places), path)
                if place is not None:
                    found[place] = each
            return found

        return members_of

    def key(self, kind: hive.HiveType) -> Callable[[str, str], Any]:
        """A key is read from its text, numbers too."""
        match kind:
            case hive.Primitive(name) if name in INTEGER_BITS:
                read: Callable[[str], Any] = lambda text: java_integer(text, name)  # noqa: E731 - one of several forms of one reader
            case hive.Primitive("float" | "double" as name):
                read = lambda text: java_float(text, name)  # noqa: E731 - one of several forms of one reader
            case hive.Primitive("timestamp"):
                read = java_timestamp
            case _:
                return self.scalar(kind)

        def read_key(key: str, path: str) -> Any:
            found = read(key)
            if found is None:
                raise misfit(MISMATCH, kind, key, path)
            return found

        return read_key

    def scalar(self, kind: hive.HiveType) -> Read:
        """The reader of a type that is not nested."""
        match kind:
            case hive.Primitive(name) if name in (*INTEGER_BITS, "float", "double"):
                return _numeric(name)
            case hive.Primitive("boolean"):
                return lambda value, path: _token_text(value, kind, path).lower() == "true"
            case hive.Decimal(precision, scale):
                return _of_text(kind, lambda text: hive_decimal(text, precision, scale))
            case hive.Primitive("date"):
                return _of_text(kind, java_date)
            case hive.Primitive("timestamp"):
                return _of_text(kind, self._timestamp)
            case _:
                return lambda value, path: shortened(encodable(_token_text(value, kind, path), kind, path), kind)

    def _timestamp(self, text: str) -> int | None:
        """By the formats in their order, and else as java.sql.Timestamp.valueOf."""
        for read in self._formats:
            found = read(text)
            if found is not None:
                return found
        return java_timestamp(text)


def _internal_place(name: str, fields: int, path: str) -> int | None:
    found = _INTERNAL_NAME.fullmatch(name)
    if not found:
        return None
    place = int(found[1])
    if place >= fields or name != f"_col{place}":
        raise malformed(MISMATCH, f"{path or 'the record'}: a name of the form _col3 that names no column")
    return place


def _token_text(value: Any, kind: object, path: str) -> str:
    text = written(value)
    if text is None:
        raise misfit(INCORRECT_FORMAT, kind, value, path)
    return text


def _of_text(kind: object, read: Callable[[str], Any]) -> Read:
    def read_text(value: Any, path: str) -> Any:
        text = written(value)
        found = None if text is None else read(text)
        if found is None:
            raise misfit(MISMATCH, kind, value, path)
        return found

    return read_text


def _numeric(name: str) -> Read:
    def read_number(value: Any, path: str) -> Any:
        if isinstance(value, str):
            raise misfit(_NOT_NUMERIC, name, value, path)
        found = None
        if isinstance(value, Number):
            found = _integer(value, name) if name in INTEGER_BITS else java_float(value.text, name)
        if found is None:
            raise misfit(MISMATCH, name, value, path)
        return found

    return read_number


def _integer(number: Number, name: str) -> int | None:
    """Jackson's accessors cut a fraction off, and take bytes up to 255 for the negative ones."""
    exact = exact_decimal(number.text)
    if exact is None or (exact and exact.adjusted() > 18):
        return None
    whole = int(exact) if not exact or exact.adjusted() >= 0 else 0
    if name == "tinyint" and 127 < whole < 256:
        return whole - 256
    return in_range(whole, name)
