"""Finish a killed replay by its journal entry.

Today's code makes the objects of the intent once more. If their keys are those of the intent, they are put again, which
changes nothing where they already lie. If not, the code has changed since: records whose objects all lie in the lake
are delivered, and the others are replayed as if the killed replay had never been.
"""

from collections.abc import Mapping

from firehose.lake.errors.replay_journal import JournalEntry
from firehose.lake.errors.rerun import RerunResult
from firehose.lake.jobs.replaced_keys import ReplacedKeys
from firehose.lake.objects import Lake
from firehose.lake.replay.prepare import PreparedObject, RowPreparer, plan_objects
from firehose.local.user_error import UserError
from transform.outcome import Delivered


def remake_objects(
    entry: JournalEntry, results: Mapping[int, RerunResult], preparer: RowPreparer
) -> dict[str, PreparedObject] | None:
    """Return the objects of an intent, by key; None if today's code would give them other keys.

    `preparer` makes rows in the format of the entry.
    """
    if not all(isinstance(one.outcome, Delivered) for one in results.values()):
        return None
    rows = preparer.prepare(results)
    if rows.refused or plan_objects(results, list(rows.objects), entry.file_format) != entry.intent:
        return None
    return rows.objects


def places_already_put(entry: JournalEntry, lake: Lake) -> list[int]:
    """Return the places of the intent whose rows lie in the lake, in the objects named there or what replaced them.

    Raises:
        UserError: some objects of a partition are there and some are not; only the code that made them can finish it.
    """
    places: list[int] = []
    replaced = ReplacedKeys(lake)
    for planned in entry.intent:
        keys = {stored.key for stored in lake.objects(planned.prefix)} | replaced.of(planned.prefix)
        there = keys.intersection(planned.keys)
        if len(there) == len(planned.keys):
            places += planned.places
        elif there:
            raise UserError(
                f"a replay into {planned.prefix} by another version of dmd was interrupted: finish it with that version"
            )
    return places
