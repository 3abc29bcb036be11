"""What a killed replay had begun: carried out again as it was, or, by other code, taken from what lies in the lake."""

from collections.abc import Mapping

from firehose.lake.errors.replay_journal import Note
from firehose.lake.errors.rerun import Judged
from firehose.lake.replay.delivery import Object, groups_of, rows_of
from firehose.lake.storage import Lake
from firehose.local.user_error import UserError
from transform.outcome import Delivered


def begun_again(note: Note, judged: Mapping[int, Judged]) -> dict[str, Object] | None:
    """The objects that were being put, by key; None where today's code would give them other keys."""
    if not all(isinstance(one.outcome, Delivered) for one in judged.values()):
        return None
    rows = rows_of(judged, note.file_format)
    if rows.refused or groups_of(judged, list(rows.objects), note.file_format) != note.begun:
        return None
    return rows.objects


def already_put(note: Note, lake: Lake) -> list[int]:
    """The places whose rows the killed replay had put; the others are to be tried as if it had never been.

    Raises:
        UserError: a partition of which some objects are there and some not; only the code that made them can end it.
    """
    places: list[int] = []
    for group in note.begun:
        there = {stored.key for stored in lake.objects(group.prefix)}.intersection(group.keys)
        if len(there) == len(group.keys):
            places += group.places
        elif there:
            by = "by another version of dmd: finish it with that one"
            raise UserError(f"a replay into {group.prefix} was cut off, {by}")
    return places
