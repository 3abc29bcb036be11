"""Finds docs that were copied from another record type's schema: they become comments of the wrong table's columns."""

import re
from collections.abc import Iterator, Mapping

from glue.model import ArrayType, MapType, Record, RecordType, Type


def copied_docs(types: Mapping[str, RecordType]) -> list[str]:
    """Describe each doc that speaks of another record type, and that this type's schema has at the same place.

    gift.avsc made of sale.avsc -> ["gift.id: the doc is that of sale.id: the sale", ...]
    """
    docs = {name: dict(_docs(record_type)) for name, record_type in types.items()}
    return [
        f"{name}{path}: the doc is that of {other}{path}: {doc}"
        for name, own in docs.items()
        for path, doc in own.items()
        for other in types
        if other != name and docs[other].get(path) == doc and _names(doc, other) and not _names(doc, name)
    ]


def _docs(record_type: RecordType) -> Iterator[tuple[str, str]]:
    """Yield the docs of the record itself and of its fields, by their path behind its name: "", ".date.sent"."""
    yield "", record_type.doc
    yield from _fields(record_type.row, "")


def _fields(kind: Type, above: str) -> Iterator[tuple[str, str]]:
    match kind:
        case Record(fields=fields):
            for field in fields:
                yield f"{above}.{field.name}", field.doc
                yield from _fields(field.type, f"{above}.{field.name}")
        case ArrayType(items=inner):
            yield from _fields(inner, f"{above}[]")
        case MapType(values=inner):
            yield from _fields(inner, f"{above}[*]")
        case _:
            pass


def _names(doc: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}s?\b", doc, re.IGNORECASE) is not None
