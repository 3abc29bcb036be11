"""The classes of a reconciliation: every item of the table, and of the lake, is in exactly one."""

from enum import StrEnum


class Class(StrEnum):
    """How an item and its newest row compare, as of a time."""

    SAME = "same"
    PRESENT_NOT_NEWEST = "present_not_newest"
    IN_FLIGHT = "in_flight"
    MISSING = "missing"
    FAILED = "failed"
    OTHER_TYPE = "other_type"
    BEFORE_PIPELINE = "before_pipeline"
    OUTSIDE_DATES = "outside_dates"
    STALE = "stale"
    DELETED_HERE = "deleted_here"
    EXTRA = "extra"
    ERASED = "erased"
    REDACTED_DELETION = "redacted_deletion"
    SCHEMA_DRIFT = "schema_drift"


# A change was lost, or its order.
UNEXPLAINED = (Class.MISSING, Class.STALE, Class.DELETED_HERE, Class.EXTRA)

EXPLANATIONS = {
    Class.SAME: "the newest row is the item",
    Class.PRESENT_NOT_NEWEST: "an older row is the item: the order of its changes, or a clock",
    Class.IN_FLIGHT: "changed within the grace: look again later",
    Class.MISSING: "in the table, without a row: a change was lost",
    Class.FAILED: "its change failed: see dmd errors",
    Class.OTHER_TYPE: "of a type that nobody archives",
    Class.BEFORE_PIPELINE: "not changed since the pipeline began: dmd backfill",
    Class.OUTSIDE_DATES: "its date is outside its table's range (glue/schemas)",
    Class.STALE: "no row is the item as it is: its newest change was lost",
    Class.DELETED_HERE: "in the table, but the newest row is a deletion: a later change was lost",
    Class.EXTRA: "not in the table, but the newest row is no deletion: its deletion was lost",
    Class.ERASED: "equal but for personal data that was erased",
    Class.REDACTED_DELETION: "deleted here and there; deletions are not compared by content",
    Class.SCHEMA_DRIFT: "equal but for fields that the file of its row is too old to have",
}
