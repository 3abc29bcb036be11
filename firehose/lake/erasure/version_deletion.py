"""Delete noncurrent versions that hold personal data of subjects, or cannot be read."""

from collections.abc import Callable, Sequence

from firehose.lake.erasure.redaction import Found, Redactor
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.erasure.versions import ObjectVersion, Versions
from firehose.lake.erasure.work import ErasedObject, WorkResult
from firehose.lake.jobs.job import Tick
from firehose.local.user_error import UserError


class VersionDeletion:
    """Looks into versions, unless all are to go, and deletes them."""

    def __init__(
        self, versions: Versions, redactor: Callable[[str], Redactor | None], subjects: Subjects, *, is_of_all: bool
    ) -> None:
        self._versions = versions
        self._redactor = redactor
        self._subjects = subjects
        self._is_of_all = is_of_all

    def find(self, versions: Sequence[ObjectVersion], result: WorkResult, tick: Tick) -> list[ErasedObject]:
        """Return those that are to be deleted."""
        doomed = []
        for version in versions:
            tick(1)
            try:
                found = Found() if self._is_of_all else self._look(version)
            except (UserError, OSError) as error:
                result.fail(version.key, error)
                continue
            result.emptied |= found.emptied
            if self._is_of_all or found.subjects or found.unreadable:
                of = (found.rows, found.values, found.subjects)
                doomed.append(ErasedObject(version.key, "", *of, deleted_version=version.version))
        return doomed

    def delete(self, doomed: Sequence[ErasedObject], result: WorkResult) -> None:
        """Delete them for good."""
        for one in doomed:
            try:
                self._versions.delete(one.key, one.deleted_version or "")
            except (UserError, OSError) as error:
                result.fail(one.key, error, one.subjects)
            else:
                result.objects.append(one)

    def _look(self, version: ObjectVersion) -> Found:
        redactor = self._redactor(version.key)
        body = self._versions.read(version) if redactor else None
        if redactor is None or body is None:
            return Found()
        try:
            return redactor.redact(body, self._subjects).found
        except UserError:
            return Found(unreadable=1)
