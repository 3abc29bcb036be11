"""Explain differences that the comparison alone would call a loss."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from firehose.lake.reconcile.classes import UNEXPLAINED, Class
from firehose.lake.reconcile.comparison import Compared
from firehose.lake.reconcile.failed_items import FailedItem
from firehose.lake.reconcile.file_schemas import FileSchemas

_EPOCH = datetime(1970, 1, 1)


@dataclass(slots=True)
class Explanations:
    """Explains differences by other facts than rows.

    `failed_there` are the items that failed in the scratch lake, each of which explains one line; `failed_here` are
    those in the lake's own error output. `began_micros` is the time of the first change that no backfill made, or None.
    """

    failed_there: dict[str, FailedItem]
    failed_here: dict[str, FailedItem]
    began_micros: int | None
    files: FileSchemas

    def explained(self, record_type: str, line: Compared) -> Class:
        """Return the class of a line of the comparison, corrected by what explains it."""
        found = Class(line.record_class)
        if found not in UNEXPLAINED or line.item is None:
            return found
        failed = self.failed_there.pop(line.item, None) or self.failed_here.get(line.item)
        if failed:
            return failed.found
        if found is Class.MISSING and self._is_before_pipeline(line.own):
            return Class.BEFORE_PIPELINE
        if found is Class.STALE and line.path and self.files.explain(record_type, line.path, line.columns or ""):
            return Class.SCHEMA_DRIFT
        return found

    def _is_before_pipeline(self, own: datetime | None) -> bool:
        if own is None or self.began_micros is None:
            return False
        return own < _EPOCH + timedelta(microseconds=self.began_micros)
