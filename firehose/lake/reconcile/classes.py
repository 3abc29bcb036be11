"""The classes of a reconciliation. Every item, of the table or of the lake, is in exactly one."""

from enum import StrEnum


class Class(StrEnum):
    """The result of comparing an item with its newest row, as of a time."""

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


# A change was lost, or is in the wrong order.
UNEXPLAINED = (Class.MISSING, Class.STALE, Class.DELETED_HERE, Class.EXTRA)

# The item is in the table, and the lake has rows of it.
IN_BOTH = (Class.SAME, Class.PRESENT_NOT_NEWEST, Class.STALE, Class.DELETED_HERE, Class.ERASED, Class.SCHEMA_DRIFT)

EXPLANATIONS = {
    Class.SAME: "the newest row equals the item",
    Class.PRESENT_NOT_NEWEST: "an older row equals the item: its changes are in the wrong order, or a clock was wrong",
    Class.IN_FLIGHT: "changed within --grace of that time: compare again later",
    Class.MISSING: "in the table, but not in the lake: a change was lost",
    Class.FAILED: "its change failed: see dmd errors",
    Class.OTHER_TYPE: "of a type that is not archived",
    Class.BEFORE_PIPELINE: "not changed since the pipeline began: run dmd backfill",
    Class.OUTSIDE_DATES: "its date is outside its table's range (glue/schemas)",
    Class.STALE: "no row equals the item: its newest change was lost",
    Class.DELETED_HERE: "in the table, but the newest row is a deletion: a later change was lost",
    Class.EXTRA: "not in the table, but the newest row is not a deletion: the deletion was lost",
    Class.ERASED: "equal except for personal data that was erased",
    Class.REDACTED_DELETION: "deleted in the table and in the lake; the contents are not compared",
    Class.SCHEMA_DRIFT: "equal except for fields that are newer than the file of its row",
}
