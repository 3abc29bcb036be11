"""Merge Avro containers of one schema and codec: their blocks are copied as they are.

Containers of an older schema become a container of that schema: no row is decoded and encoded, and none can be changed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest
from typing import Any, TypeVar

import fastavro

from firehose.lake.compact.avro_blocks import Container, read_container, write_container
from firehose.lake.compact.duplicates import Row, duplicate_places
from firehose.lake.compact.merger import Merged, Part, ids_digest
from firehose.lake.query.avro_container import ContainerReader
from firehose.local.user_error import UserError

_T = TypeVar("_T")


class AvroMerger:
    """Merges the containers of one record type, given the `avro.schema.literal` of its table."""

    def __init__(self, literal: str) -> None:
        self._ids_only = ContainerReader(literal, {"change"})

    def part(self, where: str, body: bytes) -> Part:
        """Read a container.

        Raises:
            UserError: it is not one, or it is damaged.
        """
        container = _undamaged(where, lambda: read_container(body))
        # Its schema and codec: not the header as a whole, which has the entries in any order.
        kind = _undamaged(where, lambda: tuple(sorted(_metadata(container).items())))
        return Part(kind, container)

    def merge(self, parts: Sequence[Part], *, drop_duplicates: bool) -> Merged:
        """Merge containers of one schema and codec.

        Raises:
            UserError: one is damaged.
        """
        containers: list[Container] = [part.content for part in parts]
        ids = [one for container in containers for one in self._ids(container.body)]
        if len(ids) != sum(container.rows for container in containers):
            raise UserError("the rows that were read are not as many as the containers say")
        dropped = duplicate_places(ids, lambda places: _rows_at(containers, places)) if drop_duplicates else set()
        if dropped:
            return self._without(containers, ids, dropped)
        first = containers[0]
        blocks = [block for container in containers for block in container.blocks]
        body = write_container(first.header, _marker(containers), blocks)

        def is_right(read: bytes) -> bool:
            target: Container = self.part("the target", read).content
            return ids_digest(self._ids(read)) == ids_digest(ids) and target.blocks == blocks

        return Merged(body, len(ids), 0, is_right)

    def _without(self, containers: Sequence[Container], ids: Sequence[str | None], dropped: set[int]) -> Merged:
        """Encode the rows that stay."""

        def kept() -> Iterator[Row]:
            return (row for place, row in enumerate(_rows(containers)) if place not in dropped)

        metadata = _metadata(containers[0])
        out = BytesIO()
        codec = metadata.get("avro.codec", "null")
        schema = json.loads(metadata["avro.schema"])
        _undamaged("a container", lambda: fastavro.writer(out, schema, kept(), codec, sync_marker=_marker(containers)))
        digest = ids_digest([one for place, one in enumerate(ids) if place not in dropped])

        def is_right(read: bytes) -> bool:
            target: Container = self.part("the target", read).content
            return ids_digest(self._ids(read)) == digest and all(
                one == other for one, other in zip_longest(_rows([target]), kept())
            )

        return Merged(out.getvalue(), len(ids) - len(dropped), len(dropped), is_right)

    def _ids(self, body: bytes) -> list[str | None]:
        return _undamaged(
            "a container",
            lambda: [(row["change"] or {}).get("id") for block in self._ids_only.rows(BytesIO(body)) for row in block],
        )


def _undamaged(where: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except Exception:  # noqa: BLE001  whatever damaged bytes make fastavro, zlib or msgspec raise; it may quote a value
        raise UserError(f"{where} is not an Avro container, or it is damaged") from None


def _metadata(container: Container) -> dict[str, str]:
    metadata: dict[str, Any] = fastavro.reader(BytesIO(container.header + container.marker)).metadata
    return {name: str(one) for name, one in metadata.items()}


def _rows(containers: Sequence[Container]) -> Iterator[Any]:
    for container in containers:
        yield from fastavro.reader(BytesIO(container.body))


def _rows_at(containers: Sequence[Container], places: Sequence[int]) -> Iterator[Any]:
    wanted = set(places)
    return (row for place, row in enumerate(_rows(containers)) if place in wanted)


def _marker(containers: Sequence[Container]) -> bytes:
    """Return the marker between the blocks of a target: as unlikely in their bytes as those that it derives from."""
    return sha256(b"".join(container.marker for container in containers)).digest()[:16]
