"""HiveJsonSerDe's rules. Firehose's is Hive's HCatalog JsonSerDe: real streams give its error texts.

HCatalog's JsonSerDe reads a record in this order:

Names. It walks through the members of an object. A member belongs to the column of its name in any case, else, if its
name is like `_col3`, to the fourth column; if that column does not exist, the record fails. A member without a column
is skipped. Of two members of one column the later wins.

Shapes. A struct and a map must be an object, an array must be an array; anything else fails the record. Null is null
for every type. Map keys stay as they are written, and are read by the text rules below.

Integers and floats are read by Jackson's number accessors. They refuse strings; for integers they cut a fraction off,
and for a tinyint they take 128 to 255 as the negative numbers of the same bits.

All other types are read from the token's text as it is written in the record: `1e3` in a string column is "1e3". A
boolean is true for "true" in any case, else false. A date is read as java.sql.Date does, rolling a 31st of April over
into May. A timestamp is read by the stream's own Joda formats in their order, else as java.sql.Timestamp.valueOf does.
Decimals are rounded half up, char and varchar are cut.
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
from firehose.local.conversion.reader import Read, encodable, expected, misfit, shortened, written
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
_INTEGERS = "a number"
_TIMESTAMPS = "yyyy-MM-dd HH:mm:ss[.S], which is UTC"


class HiveJson:
    """The rules for one stream's settings.

    Raises:
        JodaPatternError: a time format that Joda does not have, or that is not supported.
    """

    name = "org.apache.hive.hcatalog.data.JsonSerDe"

    def __init__(self, settings: HiveJsonSettings) -> None:
        self._formats: list[ReadTime] = [joda_format(pattern) for pattern in settings.timestamp_formats]
        own = "one of the stream's TimestampFormats, or " if self._formats else ""
        self._timestamps = own + _TIMESTAMPS

    def refused(self, kind: hive.HiveType) -> bool:  # noqa: ARG002  `binary` too is text
        """Returns False: every type that glue.hive knows is supported."""
        return False

    def elements(self, value: Any, path: str) -> Sequence[Any] | None:
        """Takes arrays only."""
        if not isinstance(value, list):
            raise misfit(START_OF_ARRAY, "array", value, path)
        return value

    def entries(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """Takes objects only; keys stay as they are."""
        if not isinstance(value, dict):
            raise misfit(START_OF_OBJECT, "map", value, path)
        return value

    def members(self, kind: hive.Struct) -> Callable[[Any, str], Sequence[Any] | None]:
        """Finds members by name in any case, or by `_col3` for the fourth."""
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
        """Returns the reader of map keys, which also reads numbers from the text of the key."""
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
                raise misfit(MISMATCH, self._expected(kind), key, path)
            return found

        return read_key

    def scalar(self, kind: hive.HiveType) -> Read:
        """Returns the reader of a type that is not nested."""
        match kind:
            case hive.Primitive(name) if name in (*INTEGER_BITS, "float", "double"):
                return _numeric(name, self._expected(kind))
            case hive.Primitive("boolean"):
                return lambda value, path: _token_text(value, kind, path).lower() == "true"
            case hive.Decimal(precision, scale):
                return _of_text(self._expected(kind), lambda text: hive_decimal(text, precision, scale))
            case hive.Primitive("date"):
                return _of_text(self._expected(kind), java_date)
            case hive.Primitive("timestamp"):
                return _of_text(self._expected(kind), self._timestamp)
            case _:
                return lambda value, path: shortened(encodable(_token_text(value, kind, path), kind, path), kind)

    def _expected(self, kind: hive.HiveType) -> str:
        return expected(kind, integers=_INTEGERS, timestamps=self._timestamps)

    def _timestamp(self, text: str) -> int | None:
        """Reads a time by the formats in their order, else as java.sql.Timestamp.valueOf does."""
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
        raise malformed(MISMATCH, f"{path or 'the record'}: a name like _col3, but there is no such column")
    return place


def _token_text(value: Any, kind: object, path: str) -> str:
    text = written(value)
    if text is None:
        raise misfit(INCORRECT_FORMAT, kind, value, path)
    return text


def _of_text(forms: str, read: Callable[[str], Any]) -> Read:
    def read_text(value: Any, path: str) -> Any:
        text = written(value)
        found = None if text is None else read(text)
        if found is None:
            raise misfit(MISMATCH, forms, value, path)
        return found

    return read_text


def _numeric(name: str, forms: str) -> Read:
    def read_number(value: Any, path: str) -> Any:
        if isinstance(value, str):
            raise misfit(_NOT_NUMERIC, forms, value, path)
        found = None
        if isinstance(value, Number):
            found = _integer(value, name) if name in INTEGER_BITS else java_float(value.text, name)
        if found is None:
            raise misfit(MISMATCH, forms, value, path)
        return found

    return read_number


def _integer(number: Number, name: str) -> int | None:
    """Returns the integer of a number as Jackson's accessors do; None if the column does not hold it."""
    exact = exact_decimal(number.text)
    if exact is None or (exact and exact.adjusted() > 18):
        return None
    whole = int(exact) if not exact or exact.adjusted() >= 0 else 0
    if name == "tinyint" and 127 < whole < 256:
        return whole - 256
    return in_range(whole, name)
