"""Sorts the reply of a function: ok, dropped or failed, record by record.

Source: Firehose guide, "Transform source data"; others measured the rest on real streams, and do not always agree: see
firehose/local/behaviour.py.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from firehose.local.behaviour import OBSERVED, Behaviour, DuplicateIds, NoRecords, OkWithoutData, UnreadableReply
from firehose.local.event_record import EventRecord
from firehose.local.processors.invocation import LAMBDA_PAYLOAD_BYTES, LambdaCode, Problem
from firehose.local.processors.lambda_json import UNSERIALISABLE, lambda_json
from firehose.local.processors.stage import Processed, ProcessorFailure


def sort_reply(
    records: Sequence[EventRecord],
    reply: Any,
    processed: Processed,
    behaviour: Behaviour = OBSERVED,
    routing_member: str = "partitionKeys",
) -> Problem | None:
    """Fill `processed` from a reply; or leave it empty and return why the reply fails the whole batch.

    `routing_member` is the member of an answer's metadata by which the destination routes.

    {"records": [{"recordId": "...", "result": "Dropped", "data": ""}]} -> None, and 0 is in processed.dropped
    """
    expected = [record["recordId"] for record in records]
    try:
        answers: Any = reply.get("records") if isinstance(reply, dict) else None
        plain = isinstance(answers, list) and _in_order(answers, expected) and _is_plain(reply, answers, routing_member)
        if not plain:
            answers = _answers(_as_lambda_sends_it(reply, behaviour), behaviour)
            if not _in_order(answers, expected):
                answers = _matched(expected, answers, processed.failed, behaviour)
        _sort_answers(answers, processed, behaviour, routing_member)
    except _BadReplyError as error:
        processed.ok.clear()
        processed.dropped.clear()
        processed.failed.clear()
        return error.problem
    return None


class _BadReplyError(Exception):
    """A reply that fails the whole batch; the message quotes nothing of the reply."""

    def __init__(self, reason: str, code: LambdaCode = LambdaCode.FUNCTION_ERROR) -> None:
        super().__init__(reason)
        self.problem = Problem(code, reason)


def _answers(reply: Any, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return the answers of a reply as it comes out of Lambda; an empty list if it has no records."""
    answers = reply.get("records") if isinstance(reply, dict) else reply
    if answers is None and (reply is None or isinstance(reply, dict)):
        if behaviour.no_records is NoRecords.FUNCTION_ERROR:
            raise _BadReplyError("the reply has no records")
        return []
    if not (isinstance(reply, dict) and isinstance(answers, list) and all(isinstance(one, dict) for one in answers)):
        code = _unreadable(behaviour.unreadable_reply)
        raise _BadReplyError("the reply does not have the form {records: [{recordId, result, data}]}", code)
    return answers


def _in_order(answers: Any, expected: list[str]) -> bool:
    try:
        return [answer["recordId"] for answer in answers] == expected
    except (TypeError, KeyError, IndexError):
        return False


def _is_plain(reply: dict[str, Any], answers: Sequence[Any], routing_member: str) -> bool:
    """Return whether the reply has only the contract's members, all of text, and cannot pass 6 MB.

    Serialisation would not change such a reply, so it is skipped: it takes 3 ms a MiB, this check 0.3 us an answer.
    """
    try:
        texts = [answer["data"] for answer in answers]
        metadata = [answer["metadata"] for answer in answers if len(answer) == 4]
        keys = [each[routing_member] for each in metadata]
        values = [text for each in keys for pair in each.items() for text in pair]
    except (TypeError, KeyError, IndexError, AttributeError):
        return False
    if set(map(type, chain(answers, metadata, keys))) - {dict} or set(map(type, chain(texts, values))) - {str}:
        return False
    if len(reply) > 1 or set(map(len, answers)) - {3, 4} or set(map(len, metadata)) - {1}:
        return False
    # An answer is about 280 bytes beside its data and keys, whose characters take up to six.
    at_most_bytes = 400 * len(texts) + sum(map(len, texts)) + 6 * sum(map(len, values))
    return at_most_bytes < LAMBDA_PAYLOAD_BYTES and all(map(str.isascii, texts))


def _as_lambda_sends_it(reply: Any, behaviour: Behaviour) -> Any:
    """Return the reply as it comes out of Lambda, by JSON."""
    try:
        text = lambda_json(reply)
    except (TypeError, ValueError, RecursionError):
        raise _BadReplyError(UNSERIALISABLE) from None
    if len(text.encode(errors="surrogatepass")) > LAMBDA_PAYLOAD_BYTES:
        raise _BadReplyError("the reply exceeds Lambda's 6 MB limit")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        code = _unreadable(behaviour.nan_in_reply)
        raise _BadReplyError("the reply has NaN or an infinity, which are not JSON", code) from None


def _refuse_constant(_: str) -> None:
    raise ValueError


def _unreadable(choice: UnreadableReply) -> LambdaCode:
    by_json = choice is UnreadableReply.JSON_PROCESSING_EXCEPTION
    return LambdaCode.JSON_PROCESSING if by_json else LambdaCode.FUNCTION_ERROR


def _matched(
    expected: list[str], answers: Iterable[dict[str, Any]], failed: list[ProcessorFailure], behaviour: Behaviour
) -> list[Any]:
    """Return the answer of each expected id, None if there is not exactly one; other ids are ignored."""
    by_id: dict[str, list[Any]] = {record_id: [] for record_id in expected}
    for answer in answers:
        record_id = answer.get("recordId")
        if isinstance(record_id, str) and record_id in by_id:
            by_id[record_id].append(answer)
    paired: list[Any] = []
    for index, record_id in enumerate(expected):
        found = by_id[record_id]
        paired.append(found[0] if len(found) == 1 else None)
        if not found:
            failed.append(_failure(index, LambdaCode.MISSING_RECORD_ID))
        elif len(found) > 1:
            if behaviour.duplicate_ids is DuplicateIds.BATCH:
                raise _BadReplyError("the reply has several records of one id", LambdaCode.DUPLICATED_RECORD_ID)
            failed.append(_failure(index, LambdaCode.DUPLICATED_RECORD_ID))
    return paired


def _sort_answers(answers: Iterable[Any], processed: Processed, behaviour: Behaviour, routing_member: str) -> None:
    # Runs once for each record and stream; most answers of most streams are Dropped.
    dropped = processed.dropped
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        result = answer.get("result")
        if result == "Dropped":
            dropped.append(index)
            if answer.get("data"):
                _decoded(answer["data"])
        elif result == "Ok":
            _sort_ok(index, answer, processed, behaviour, routing_member)
        elif result == "ProcessingFailed":
            _decoded(answer.get("data") or "")
            processed.failed.append(_failure(index, LambdaCode.PROCESSING_FAILED))
        else:
            raise _BadReplyError("the reply has a result that is not Ok, Dropped or ProcessingFailed")


def _sort_ok(
    index: int, answer: dict[str, Any], processed: Processed, behaviour: Behaviour, routing_member: str
) -> None:
    encoded = answer.get("data")
    if encoded is None:
        if behaviour.ok_without_data is OkWithoutData.BATCH:
            raise _BadReplyError("the reply has a record with the result Ok and no data")
        processed.failed.append(_failure(index, LambdaCode.INVALID_RETURN_FORMAT))
        return
    metadata = answer.get("metadata")
    keys = metadata.get(routing_member) if isinstance(metadata, dict) else None
    processed.ok.append((index, _decoded(encoded), keys))


def _failure(index: int, code: LambdaCode) -> ProcessorFailure:
    return ProcessorFailure(index, code, code.message)


def _decoded(encoded: Any) -> bytes:
    # Base64 is checked whatever the result: it is better that a batch fails here than in AWS.
    try:
        return msgspec.convert(encoded, bytes)
    except msgspec.ValidationError:
        raise _BadReplyError("the reply has data that is not base64") from None
