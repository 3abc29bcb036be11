"""A list of erased subjects as redaction asks for them: by an id, or by a text that may mention one."""

from collections.abc import Callable, Iterable

from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.mentioned import mentioned
from firehose.lake.erasure.subjects import Subjects


class ListedSubjects(Subjects):
    """The subjects of a list, whose ids are not known: whatever may be an id is looked up."""

    def __init__(self, erased: ErasedSubjects) -> None:
        super().__init__({})
        self._erased = erased

    def __contains__(self, subject: object) -> bool:
        """Return True if an id is listed."""
        return isinstance(subject, str) and self._erased.erased_at(subject) is not None

    def among(self, ids: Callable[[], Iterable[str]]) -> list[str]:
        """Return the subjects among some ids."""
        return [one for one in ids() if one in self]

    def covers(self, subject: str, changed_micros: int | None) -> bool:
        """Return True if a change of a subject is not later than the erasure. One without a time is not."""
        until_micros = self._erased.erased_at(subject)
        return until_micros is not None and (changed_micros is None or changed_micros <= until_micros)

    def in_text(self, text: str) -> set[str]:
        """Return the subjects whose id is in a text, as a whole or between characters that no id has."""
        return {one for one in mentioned(text, self._erased.separators) if one in self}
