"""Find and redact rows in Avro containers: blocks with rows of subjects are encoded anew, the others copied."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import fastavro

from firehose.lake.compact.avro_blocks import Container, read_container, write_container
from firehose.lake.erasure.redaction import Found, Redacted, redact_row, unreadable
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import Lake, StoredObject, read_whole
from firehose.lake.query.avro_container import ContainerReader, Row
from firehose.local.user_error import UserError
from glue.model import RecordType
from glue.tables import avro_literal

# A block stays one block, as large as it may be.
_ONE_BLOCK_BYTES = 2**40


class _Block(NamedTuple):
    """A block with rows that were redacted: its place in the container, and all its rows."""

    place: int
    rows: list[Row]


class AvroRows:
    """Finds and redacts rows of one record type that has a subject."""

    def __init__(self, record_type: RecordType) -> None:
        assert record_type.subject is not None  # noqa: S101 - the caller asks
        self._row = record_type.row
        self._path = tuple(name.lower() for name in record_type.subject)
        self._subject_only = ContainerReader(avro_literal(record_type), {self._path[0]})

    def find(self, lake: Lake, stored: StoredObject, subjects: Subjects) -> Found:
        """Find rows, decoding the field of subjects, and blocks that hold some."""
        body = read_whole(lake, stored)
        try:
            return self._redacted_blocks(read_container(body), subjects)[0]
        except Exception:  # noqa: BLE001 - whatever damaged bytes make fastavro, zlib or msgspec raise
            return unreadable(body, subjects)

    def redact(self, body: bytes, subjects: Subjects) -> Redacted:
        """Redact rows.

        Raises:
            UserError: the container is damaged, or of a form in which nothing can be redacted.
        """
        try:
            container = read_container(body)
            found, redacted = self._redacted_blocks(container, subjects)
            return Redacted(_written(container, redacted) if redacted else None, found)
        except Exception:  # noqa: BLE001 - as above
            raise UserError("an Avro container is damaged, or cannot be redacted") from None

    def _redacted_blocks(self, container: Container, subjects: Subjects) -> tuple[Found, list[_Block]]:
        places = list(self._blocks_of(container, subjects))
        count, values, whose, redacted = 0, 0, set[str](), []
        for place, rows in zip(places, _decoded(container, places), strict=True):
            in_block = 0
            for row in rows:
                subject = _member(row, self._path)
                if subject in subjects and subjects.covers(subject, _member(row, ("change", "atmicros"))):
                    redactions = redact_row(row, self._row)
                    in_block += redactions
                    count += bool(redactions)
                    whose |= {subject} if redactions else set()
            values += in_block
            if in_block:
                redacted.append(_Block(place, rows))
        return Found(count, values, frozenset(whose)), redacted

    def _blocks_of(self, container: Container, subjects: Subjects) -> Iterator[int]:
        """Yield the places of the blocks that hold rows of subjects."""
        pieces = self._subject_only.rows(BytesIO(container.body))
        for place, count in enumerate(container.counts):
            read, is_theirs = 0, False
            while read < count:
                rows = next(pieces)
                read += len(rows)
                is_theirs |= any(_member(row, self._path) in subjects for row in rows)
            if is_theirs:
                yield place
        if next(pieces, None):
            raise ValueError("there are more rows than the blocks say")


def _decoded(container: Container, places: list[int]) -> Iterator[list[Row]]:
    """Yield the rows of some blocks, by the container's own schema."""
    if places:
        body = write_container(container.header, container.marker, [container.blocks[place] for place in places])
        blocks: Any = fastavro.block_reader(BytesIO(body))
        for block in blocks:
            yield list(block)


def _written(container: Container, redacted: list[_Block]) -> bytes:
    reader = fastavro.reader(BytesIO(container.header + container.marker))
    blocks = list(container.blocks)
    for place, rows in redacted:
        out = BytesIO()
        fastavro.writer(
            out,
            reader.writer_schema,
            rows,
            reader.codec,
            sync_interval=_ONE_BLOCK_BYTES,
            sync_marker=container.marker,
        )
        written = read_container(out.getvalue())
        (blocks[place],) = written.blocks
        # NaN is not equal to itself, but reads the same.
        if (again := next(_decoded(written, [0]))) != rows and repr(again) != repr(rows):
            raise ValueError("a block is not what was to be written")
    return write_container(container.header, container.marker, blocks)


def _member(row: Any, path: tuple[str, ...]) -> Any:
    """Return a member by its lower-case path, None if it is not there."""
    for part in path:
        if not isinstance(row, dict):
            return None
        row = row[part] if part in row else next((value for name, value in row.items() if name.lower() == part), None)
    return row
