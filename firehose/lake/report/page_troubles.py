"""The sections of the page about what went wrong: failures, schema drift, replays."""

from firehose.lake.errors.failure_groups import FailureGroup
from firehose.lake.errors.report import Basis
from firehose.lake.report.charts import Bars, colours
from firehose.lake.report.counts import Counts, count_by, pivot
from firehose.lake.report.figures import Figures
from firehose.lake.report.markup import Cell, paragraph, section, table
from firehose.lake.report.periods import Period, is_date, period_for
from firehose.local.sources.files import NO_TIME_MS
from transform.times import iso_millis

DRIFT_SHOWN = 40

NO_TYPE = "(none)"
NO_TIME_DAY = iso_millis(NO_TIME_MS)[:10]  # the day of failures whose arrival is unknown

_BASIS = {
    Basis.FIREHOSE: "Records in Firehose's error output that were not replayed, as dmd errors counts them.",
    Basis.DOCUMENTS: "The lake has no error output of Firehose, so these are the function's error documents. They "
    "include records that a retry or a replay delivered later.",
    Basis.DENIED: "Firehose's error output may not be read, so these are the function's error documents. They include "
    "records that a retry or a replay delivered later.",
}


def failures_section(figures: Figures) -> str:
    """Return the failures by reason over time."""
    groups = figures.failures.failures
    if not groups:
        return section("failures", "Failures", paragraph("Nothing failed, or every failure was replayed."))
    dated = [one for one in groups if is_date(one.day) and one.day != NO_TIME_DAY]
    period = period_for(one.day for one in dated)
    names = sorted({one.reason for one in groups})
    name = f"Failures by {period} and reason"
    bars = Bars(name, f"failures a {period}", period, colours(names, "reason"))
    kinds = figures.failures.firehose.items()
    return section(
        "failures",
        "Failures by reason",
        paragraph(f"{_BASIS[figures.failures.basis]} A failure counts on the day when its record arrived."),
        bars.draw(_by_period(dated, period)),
        table("Failures by reason and type", ["reason", "type", "failures", "first day", "last day"], _reasons(groups)),
        table(name, [str(period), *names, "failures"], pivot(_by_period(groups, period), names), folded=True),
        table("Firehose's error records by kind", ["kind", "records"], kinds) if kinds else "",
    )


def _by_period(groups: list[FailureGroup], period: Period) -> Counts:
    return count_by(groups, lambda one: (period.of(one.day), one.reason), lambda one: one.count)


def _reasons(groups: list[FailureGroup]) -> list[list[Cell]]:
    lines: dict[tuple[str, str], list[FailureGroup]] = {}
    for one in groups:
        lines.setdefault((one.reason, one.type or NO_TYPE), []).append(one)
    found: list[list[Cell]] = [
        [*line, sum(one.count for one in own), min(one.day for one in own), max(one.day for one in own)]
        for line, own in lines.items()
    ]
    return sorted(found, key=lambda line: (-int(line[2] or 0), str(line[0]), str(line[1])))


def drift_section(figures: Figures) -> str:
    """Return where records did not fit their schema."""
    found = figures.drift
    parts = [
        paragraph(
            "Fields whose values did not fit the schema, from the function's error documents. Records that were "
            "replayed since are included. Attributes that no schema names are ignored and leave no trace in the lake: "
            "the function counts them in its metric AttributesUnmapped."
        )
    ]
    if found:
        lines: list[list[Cell]] = [
            [one.type, one.path, one.message, one.documents, one.first_day, one.last_day] for one in found
        ]
        caption = "Values that did not fit"
        if len(found) > DRIFT_SHOWN:
            caption += f", the most frequent {DRIFT_SHOWN} of {len(found):,}"
        columns = ["type", "field", "why", "documents", "first day", "last day"]
        parts.append(table(caption, columns, lines[:DRIFT_SHOWN]))
    else:
        parts.append(paragraph("Every value fitted its schema."))
    return section("drift", "Schema drift", *parts)


def replays_section(figures: Figures) -> str:
    """Return what was replayed."""
    if not figures.replays:
        return section("replays", "Replays", paragraph("Nothing was replayed."))
    return section(
        "replays",
        "Replays",
        paragraph(
            "What dmd replay did, by the day of Firehose's error objects. Records are done if they were delivered, or "
            "need no delivery, and left if another stream reports them. The next replay completes the objects that a "
            "killed one left unfinished."
        ),
        table(
            "Replayed records by day of the error object",
            ["day", "error objects", "done", "left to other streams", "failed again", "unfinished objects"],
            [
                [one.day, one.error_objects, one.done, one.other_streams, one.failed_again, one.unfinished]
                for one in figures.replays
            ],
        ),
    )
