"""Error documents: the original of a failed record and the reason, for people and for replay (REQ-6)."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from hashlib import sha256
from typing import Any

import msgspec

from glue.layout import partition
from transform.event_record import arrival_ms, payload_of, sequence_of
from transform.outcome import BadRecord, Failed
from transform.scrub import digest_of, kept_of, parse_original
from transform.times import iso_millis


def document(record: Mapping[str, Any], failure: Failed, stream: str, pii_names: Set[str]) -> dict[str, Any]:
    """One error document.

    {"timestamp": "2025-01-01T10:00:00.123Z", "type": "demand", "error": {"code": "invalid", "message": ...,
     "path": "date.requested"}, "stream": ..., "recordId": ..., "sequence": ..., "digest": ..., "events": ["{...}"]}

    By `digest` the document is joined with Firehose's own copy (transform/scrub.py: digest_of_original). `events` is
    empty if the original does not parse: it could be a deletion, which only Firehose's copy, under a tighter policy,
    may keep. The original of a record whose `data` is not base64 is the text of `data` itself. A document of
    `not_written` has the key of the row's `container`: S3 may have it all the same, or later.
    """
    payload = original_bytes(record)
    parsed = parse_original(payload, pii_names)
    made: dict[str, Any] = {
        "timestamp": iso_millis(arrival_ms(record)),
        "type": failure.type,
        "error": {"code": failure.reason, "message": failure.message, "path": failure.path},
        "stream": stream,
        "recordId": record["recordId"].encode("utf-8", "replace").decode(),  # UTF-8 holds no lone surrogate
        "sequence": sequence_of(record),
        "digest": digest_of(payload, parsed),
        "events": [],
    }
    if failure.container is not None:
        made["container"] = failure.container
    original = kept_of(payload, parsed)
    if original is not None:
        try:
            made["events"] = [original.decode()]
        except UnicodeDecodeError:
            made |= {"events": [base64.b64encode(original).decode()], "encoding": "base64"}
    return made


def documents(
    failures: Iterable[tuple[Mapping[str, Any], Failed]],
    stream: str,
    pii_names: Set[str],
    not_written: Callable[[Exception], None],
) -> list[dict[str, Any]]:
    """The error documents of an invocation; `not_written` is called for each that cannot be made."""
    made = []
    for record, failure in failures:
        try:
            made.append(document(record, failure, stream, pii_names))
        except Exception as error:  # noqa: BLE001 - the other records still get their documents
            not_written(error)
    return made


def objects(
    documents: Iterable[Mapping[str, Any]], record_ids: Sequence[str], stream: str, prefix: str
) -> dict[str, bytes]:
    """The objects to put for an invocation, by key: one for each day of arrival, one document per line.

    Their names hold a digest of the invocation's record ids, so that a retry writes the same (design.md,
    "Idempotence").

    {"data-pipeline/errors/records/partition_date=2025-01-01/<stream>-<digest>.jsonl": b'{"timestamp": ...}'}
    """
    by_key: dict[str, list[bytes]] = {}
    batch = batch_digest(record_ids)
    for made in documents:
        key = f"{partition(prefix, made['timestamp'][:10])}{stream}-{batch}.jsonl"
        by_key.setdefault(key, []).append(msgspec.json.encode(made) + b"\n")
    return {key: b"".join(lines) for key, lines in by_key.items()}


def batch_digest(record_ids: Iterable[str]) -> str:
    """A digest of an invocation's record ids, 32 hexadecimal digits: the same for every retry."""
    lines = "\n".join([*record_ids, ""])
    return sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def original_bytes(record: Mapping[str, Any]) -> bytes:
    """The payload, or the text of `data` itself if that is not base64."""
    try:
        return payload_of(record)
    except BadRecord:
        return str(record["data"]).encode("utf-8", "surrogatepass")
