"""Record format conversion: the function's JSON rows to Arrow rows by the Glue table.

Exactly typed rows, which is what our function emits, go through `columns`; a row that is not goes alone through
`openx`, and one that fails there becomes a failure while the others convert.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from firehose.conversion.columns import NotExactError, RowType
from firehose.conversion.openx import MALFORMED_DATA, RowError, read_rows
from glue.arrow import columns

# What decoding raises for a row that is not exactly typed.
_NOT_EXACT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class ConversionFailure:
    """One record that did not convert: its place among those given, Firehose's code, a message without values."""

    index: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Converted:
    """`owners[n]` is the place of the record that row n came from; a record may hold several rows."""

    rows: pa.RecordBatch
    owners: list[int]
    failures: list[ConversionFailure]


class Converter:
    """Converts rows by one Glue table.

    Raises, when it is made:
        ValueError: a table without columns, a type that is not Hive's or that OpenXJsonSerDe refuses.
    """

    def __init__(self, table_input: Mapping[str, Any]) -> None:
        self._type = RowType(columns(table_input))
        self.schema: pa.Schema = self._type.schema

    def convert(self, records: Sequence[bytes]) -> Converted:
        r"""The rows of these records.

        [b'{"id":"x"}\n', b"oops"] -> a batch of one row, owners [0],
            failures [ConversionFailure(1, "DataFormatConversion.ParseError", "the record is not JSON")]
        """
        try:
            rows = list(map(self._type.decode, records))
            return Converted(self._type.build(rows), list(range(len(rows))), [])
        except (*_NOT_EXACT, NotExactError):
            return self._one_by_one(records)

    def _one_by_one(self, records: Sequence[bytes], *, trust_exact: bool = True) -> Converted:
        rows: list[Any] = []
        owners: list[int] = []
        failures: list[ConversionFailure] = []
        for index, record in enumerate(records):
            exact = self._exact(record) if trust_exact else None
            if exact is None:
                self._slowly(index, record, rows, failures)
            else:
                rows.append(exact)
            owners.extend([index] * (len(rows) - len(owners)))
        try:
            return Converted(self._type.build(rows), owners, failures)
        except NotExactError:
            # Some time, decimal or map key is not in its exact form, and only OpenX's reading tells in which row: 80 to
            # 100 us a row of a demand, 700 of an event. Our function emits none such.
            if not trust_exact:
                raise
            return self._one_by_one(records, trust_exact=False)

    def _exact(self, record: bytes) -> Any:
        """The decoded row; None where it is not exactly typed."""
        try:
            return self._type.decode(record)
        except _NOT_EXACT:
            return None

    def _slowly(self, index: int, record: bytes, rows: list[Any], failures: list[ConversionFailure]) -> None:
        try:
            exact = [_ENCODE(document) for document in read_rows(record, self._type.columns)]
        except RowError as error:
            failures.append(ConversionFailure(index, error.code, error.message))
        except RecursionError:
            failures.append(ConversionFailure(index, MALFORMED_DATA, "the record is nested too deep"))
        else:
            rows.extend(map(self._type.decode, exact))
