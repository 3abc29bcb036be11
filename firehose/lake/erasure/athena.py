"""The statements by which Athena finds the objects of subjects, for lakes that take long to read."""

from collections.abc import Iterator, Mapping, Sequence

from glue.model import RecordType

# Athena takes a query of 262,144 bytes.
_MOST_BYTES = 250_000


def find_sql(types: Mapping[str, RecordType], subjects: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the record type and the text of each statement; many subjects take several."""
    for name, record_type in types.items():
        if record_type.subject is not None:
            field = ".".join(part.lower() for part in record_type.subject)
            for ids in _pieces(subjects):
                yield name, f'SELECT DISTINCT "$path" FROM "{name.lower()}"\nWHERE {field} IN ({ids})'  # noqa: S608


def _pieces(subjects: Sequence[str]) -> Iterator[str]:
    piece: list[str] = []
    size_bytes = 0
    for subject in subjects:
        text = "'" + subject.replace("'", "''") + "'"
        if piece and size_bytes + len(text.encode()) > _MOST_BYTES:
            yield ", ".join(piece)
            piece, size_bytes = [], 0
        piece.append(text)
        size_bytes += len(text.encode()) + 2
    if piece:
        yield ", ".join(piece)
