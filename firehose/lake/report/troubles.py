"""Reads what went wrong in a lake: schema drift, from the error documents, and replays."""

import re
from collections import Counter

import msgspec

from firehose.lake.errors.error_documents import documents
from firehose.lake.errors.replay_journal import JournalEntry, ReplayJournal
from firehose.lake.object_names import day_of
from firehose.lake.objects import Lake
from transform.outcome import Reason

ELSEWHERE = "elsewhere"  # stands for the day of error objects that were replayed from outside the lake
_INDEX = re.compile(r"\[\d+\]")


class Drift(msgspec.Struct, frozen=True):
    """Values of one field that did not fit its schema: what was expected, their number, the first and the last day."""

    type: str
    path: str
    message: str
    documents: int
    first_day: str
    last_day: str


class ReplayDay(msgspec.Struct, frozen=True):
    """The replayed error objects of one day, and the number of their records by outcome."""

    day: str
    error_objects: int
    done: int
    other_streams: int
    failed_again: int
    unfinished: int


def find_drift(lake: Lake) -> list[Drift]:
    """Return where records did not fit their schema, from the function's error documents, the most frequent first.

    Positions in lists are left out: venues[3].name -> venues[].name. The documents are read one object at a time.
    They include records that were replayed since.
    """
    days: dict[tuple[str, str, str], Counter[str]] = {}
    for day, _, one in documents(lake, []):
        if one.error.code == Reason.INVALID:
            path = _without_index(one.error.path or "")
            where = (one.type or "", path, _without_index(one.error.message).removeprefix(f"{path}: "))
            days.setdefault(where, Counter())[day] += 1
    found = [Drift(*where, counts.total(), min(counts), max(counts)) for where, counts in days.items()]
    return sorted(found, key=lambda one: (-one.documents, one.type, one.path, one.message))


def _without_index(text: str) -> str:
    return _INDEX.sub("[]", text)


def find_replays(lake: Lake) -> list[ReplayDay]:
    """Return what `dmd replay` did, by the day of the error objects, from its journal.

    Raises:
        UserError: an entry of the journal cannot be read.
    """
    entries: dict[str, list[JournalEntry]] = {}
    for entry in ReplayJournal(lake).entries():
        entries.setdefault(day_of(entry.error_object) or ELSEWHERE, []).append(entry)
    return [_replay_day(day, found) for day, found in sorted(entries.items())]


def _replay_day(day: str, entries: list[JournalEntry]) -> ReplayDay:
    return ReplayDay(
        day,
        len(entries),
        done=sum(len(entry.done) for entry in entries),
        other_streams=sum(len(entry.other) for entry in entries),
        failed_again=sum(len(entry.failed) for entry in entries),
        unfinished=sum(1 for entry in entries if entry.intent),
    )
