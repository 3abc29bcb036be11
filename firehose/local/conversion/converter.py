"""Record format conversion: turns the function's JSON rows into Arrow rows by the Glue table.

Exactly typed rows, such as our function's, go through `columns` all at once. Any other row is read alone, as its SerDe
would read it, and one that cannot be read becomes a failure while the others convert.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa

from firehose.local.config.conversion_settings import HiveJsonSettings, OpenXSettings
from firehose.local.conversion.columns import NOT_EXACT, ExactForm, NotExactError, RowType
from firehose.local.conversion.documents import documents
from firehose.local.conversion.hive_json import HiveJson
from firehose.local.conversion.openx import OpenX
from firehose.local.conversion.reader import SerDe, reader
from firehose.local.conversion.row_error import INVALID_SCHEMA, MALFORMED_JSON, PARSE_ERROR, SCHEMA, RowError
from glue import hive
from glue.arrow import columns

_OPENX = OpenXSettings()

# If some row of a batch is not exact, the batch is halved until a part this small is read row by row: building an
# event's 110 columns once costs as much as reading two or three events, a demand's as much as reading ten.
_LEAST_BATCH = 16

# The rows of one record, exactly typed; None if the SerDe must read it first.
_Rows: TypeAlias = list[Any] | None


class ConversionFailure(msgspec.Struct, frozen=True):
    """One record that did not convert: its place in the batch, Firehose's code, a message without values."""

    index: int
    code: str
    message: str


class Converted(msgspec.Struct, frozen=True):
    """Converted records: row n came from the record at place `owners[n]`; one record may hold several rows."""

    rows: pa.RecordBatch
    owners: list[int]
    failures: list[ConversionFailure]


class Converter:
    """Converts rows by one Glue table as one deserializer does.

    A table with a type that the deserializer does not support is accepted: as on AWS, every record then fails.

    Raises, when it is made:
        ValueError: a table without columns or with the same column twice, or a time format that Joda does not have.
    """

    def __init__(self, table_input: Mapping[str, Any], reader: OpenXSettings | HiveJsonSettings = _OPENX) -> None:
        serde, form = _serde(reader)
        self._reader: _Usable | _Unusable
        try:
            found = columns(table_input)
            refused = [path for name, kind in found.items() for path in _refused(kind, serde, name)]
        except hive.HiveTypeError as error:
            found, refused = {}, [str(error)]
        self._reader = _Unusable(serde, refused) if refused else _Usable(found, serde, form)
        self.schema: pa.Schema = self._reader.schema

    def convert(self, records: Sequence[bytes]) -> Converted:
        r"""Returns the rows of these records, and the records that failed.

        [b'{"id":"x"}\n', b"oops"] -> a batch of one row, owners [0],
            failures [ConversionFailure(1, "DataFormatConversion.ParseError", "Encountered malformed JSON.")]
        """
        return self._reader.convert(records)


def _serde(settings: OpenXSettings | HiveJsonSettings) -> tuple[SerDe, ExactForm]:
    if isinstance(settings, HiveJsonSettings):
        return HiveJson(settings), ExactForm.hive_json(own_formats=bool(settings.timestamp_formats))
    openx = OpenX(settings)
    return openx, ExactForm.openx(openx.json_key, folds=settings.case_insensitive)


def _refused(kind: hive.HiveType, serde: SerDe, path: str) -> list[str]:
    """Returns the paths of the types that the SerDe does not support."""
    match kind:
        case hive.Array(element):
            return _refused(element, serde, f"{path}[]")
        case hive.Map(key, value):
            return [*_refused(key, serde, f"{path}[*]"), *_refused(value, serde, f"{path}[*]")]
        case hive.Struct(fields):
            return [found for name, field in fields for found in _refused(field, serde, f"{path}.{name}")]
        case _:
            return [f"{path}: {kind}"] if serde.refused(kind) else []


class _Unusable:
    """Fails every record, because the SerDe does not support a type of the table."""

    def __init__(self, serde: SerDe, refused: Sequence[str]) -> None:
        self.schema = pa.schema([])
        self._message = f"{SCHEMA} {serde.name} [{', '.join(refused)}]"

    def convert(self, records: Sequence[bytes]) -> Converted:
        """Fails every record."""
        failures = [ConversionFailure(place, INVALID_SCHEMA, self._message) for place in range(len(records))]
        return Converted(pa.RecordBatch.from_pylist([], schema=self.schema), [], failures)


class _Usable:
    """Converts by a table that the SerDe supports."""

    def __init__(self, found: Mapping[str, hive.HiveType], serde: SerDe, form: ExactForm) -> None:
        self._type = RowType(found, form)
        self._read = reader(self._type.root, serde, self._type.structs)
        self.schema = self._type.schema

    def convert(self, records: Sequence[bytes]) -> Converted:
        """Converts all rows at once if every row is exact."""
        try:
            rows = list(map(self._type.decode, records))
            return Converted(self._type.build(rows), list(range(len(rows))), [])
        except (*NOT_EXACT, NotExactError):
            return self._by_record(records)

    def _by_record(self, records: Sequence[bytes]) -> Converted:
        rows: list[_Rows] = [self._exact(record) for record in records]
        for place in self._inexact([place for place, each in enumerate(rows) if each], rows):
            rows[place] = None
        failures: list[ConversionFailure] = []
        for place, each in enumerate(rows):
            if each is None:
                rows[place] = self._slowly(place, records[place], failures)
        owners = [place for place, each in enumerate(rows) for _ in each or ()]
        return Converted(self._type.build([row for each in rows for row in each or ()]), owners, failures)

    def _inexact(self, places: Sequence[int], rows: Sequence[_Rows]) -> Sequence[int]:
        """Returns the places of small groups of rows in which a time, decimal or map key is not in its exact form."""
        try:
            self._type.build([row for place in places for row in rows[place] or ()])
        except NotExactError:
            if len(places) <= _LEAST_BATCH:
                return places
            middle = len(places) // 2
            return [*self._inexact(places[:middle], rows), *self._inexact(places[middle:], rows)]
        return ()

    def _exact(self, record: bytes) -> _Rows:
        """Decodes a row; returns None if it is not exactly typed."""
        try:
            return [self._type.decode(record)]
        except NOT_EXACT:
            return None

    def _slowly(self, place: int, record: bytes, failures: list[ConversionFailure]) -> list[Any]:
        """Reads a record as the SerDe would: 80 to 100 us for a row of a demand, 700 for an event."""
        try:
            return [self._read(document, "") for document in documents(record)]
        except RowError as error:
            failures.append(ConversionFailure(place, error.code, error.message))
        except RecursionError:
            failures.append(ConversionFailure(place, PARSE_ERROR, f"{MALFORMED_JSON} [nested too deep]"))
        return []
