"""The sections of the page about rows: their number by day, the days covered, their age on arrival, deletions."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from firehose.lake.report.changes import AGES, CHANGES, UNKNOWN_AGE, RowCount
from firehose.lake.report.charts import Bars, colours, strips
from firehose.lake.report.counts import Counts, count_by, pivot
from firehose.lake.report.coverage import Coverage
from firehose.lake.report.figures import Figures
from firehose.lake.report.markup import Cell, count_text, paragraph, section, table
from firehose.lake.report.periods import Period, period_for

SHOWN_GAPS = 8  # of each table, the longest

DELETED, EXPIRED = "deleted by the application", "expired (time to live)"


def changes_section(figures: Figures) -> str:
    """Return the rows a day by type and change."""
    rows = figures.rows
    if not rows:
        return section("rows", "Rows by day", paragraph("The lake has no rows yet."))
    names = [*CHANGES, *sorted({one.change for one in rows} - set(CHANGES))]
    period = _period(rows)
    counts = _by_period(rows, period, lambda one: (one.type, one.change))
    name = f"Rows by {period}, type and change"
    bars = Bars(name, f"rows a {period}", period, colours(names, "change"), figures.types, height=90)
    undated = sum(one.rows for one in rows if not one.day)
    return section(
        "rows",
        f"Rows by {period}",
        paragraph(
            f"A row counts on the {period} of its change, in UTC. Each type has a scale of its own. "
            "Delivery is at least once, so a change may have two rows."
        ),
        paragraph(f"{count_text(undated, 'row')} without a time of change: counted in the totals only.")
        if undated
        else "",
        bars.draw(counts),
        table("Rows by type and change", ["type", *names, "rows"], _by_type(figures, lambda one: one.change, names)),
        table(name, [str(period), "type", *names, "rows"], pivot(counts, names), folded=True),
    )


def coverage_section(figures: Figures) -> str:
    """Return the days that each table has, and the gaps."""
    changes, partitions = figures.changes_covered(), figures.partitions_covered()
    if not changes and not partitions:
        return section("coverage", "Dates covered", paragraph("There are no dates yet."))
    columns = ["type", "dates of", "first", "last", "days with rows", "days without", "longest gap (days)"]
    kinds = [("changes", changes), ("partitions", partitions)]
    totals = [_covered(one, kind) for kind, found in kinds for one in found]
    longest: list[list[Cell]] = [
        [one.type, kind, gap.first, gap.last, gap.count]
        for kind, found in kinds
        for one in found
        for gap in one.gaps[:SHOWN_GAPS]
    ]
    return section(
        "coverage",
        "Dates covered",
        paragraph(
            "Coloured days have changes. A gap is a day without any change of the type, between the first and the last "
            "day of the whole lake. Partitions are by the date of the record, not of its change: their gaps matter if "
            "a table should have every date."
        ),
        _strips(changes) if changes else "",
        table("Days covered by type", columns, totals),
        table(
            f"The longest gaps, up to {SHOWN_GAPS} of each table",
            ["type", "dates of", "first day", "last day", "days"],
            longest,
            folded=True,
        )
        if longest
        else "",
    )


def _strips(changes: Sequence[Coverage]) -> str:
    names = [one.type for one in changes]
    values = [
        {"type": one.type, "first": run.first, "last": _day_after(run.last)} for one in changes for run in one.runs
    ]
    first, last = min(one["first"] for one in values), max(one["last"] for one in values)
    return strips("Days with changes by type", values, (first, last), names, colours(names, "type"))


def _covered(one: Coverage, kind: str) -> list[Cell]:
    longest = one.gaps[0].count if one.gaps else 0
    return [one.type, kind, one.runs[0].first, one.runs[-1].last, one.days, one.missing, longest]


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def age_section(figures: Figures) -> str:
    """Return how old changes were when their files were written."""
    rows = figures.rows
    if not rows:
        return section("age", "Age of changes on arrival", paragraph("The lake has no rows yet."))
    names = [*AGES, *([UNKNOWN_AGE] if any(one.age == UNKNOWN_AGE for one in rows) else [])]
    period = _period(rows)
    counts = _by_period(rows, period, lambda one: (one.age,))
    name = f"Share of the rows of each {period} by age on arrival"
    return section(
        "age",
        "Age of changes on arrival",
        paragraph(
            "The time from a change until its file was written (S3's LastModified, or the file's time). It includes "
            "Firehose's buffer. Rows that were backfilled, replayed or loaded from files look old, and in a copy of a "
            "lake all do: its files have the time of the copy."
        ),
        Bars(name, "share of rows", period, colours(names, "age"), share=True).draw(counts),
        table(
            "Rows by type and age on arrival",
            ["type", *names, "rows"],
            _by_type(figures, lambda one: one.age, names),
        ),
        table(
            f"Rows by {period} of change and age on arrival",
            [str(period), *names, "rows"],
            pivot(counts, names),
            folded=True,
        ),
    )


def deletions_section(figures: Figures) -> str:
    """Return the deletions, and the proof that none of them holds personal data."""
    deleted = [one for one in figures.rows if one.deleted]
    kinds = [DELETED, EXPIRED]
    period = _period(deleted)
    bars = Bars(f"Deletions by {period}", f"deletions a {period}", period, colours(kinds, "deletion"))
    counts = _by_period(deleted, period, lambda one: (one.type, _kind(one)))
    proof: list[list[Cell]] = [[one.type, one.field, one.deleted_rows, one.not_redacted] for one in figures.redactions]
    columns = ["type", "field", "deleted rows", "not redacted"]
    name = f"Deletions by {period} and type"
    totals = count_by(deleted, lambda one: (one.type, _kind(one)), _rows)
    return section(
        "deletions",
        "Deletions and personal data",
        paragraph(_verdict(figures)),
        bars.draw(_by_period(deleted, period, lambda one: (_kind(one),))),
        table(
            "Rows of deletions by type",
            ["type", *kinds, "rows"],
            pivot(totals, kinds, _lines(figures)),
        ),
        table("Proof: deleted rows that still hold personal data", columns, proof) if proof else "",
        table(name, [str(period), "type", *kinds, "rows"], pivot(counts, kinds), folded=True) if counts else "",
    )


def _verdict(figures: Figures) -> str:
    held = sum(one.not_redacted for one in figures.redactions)
    if not figures.redactions:
        return "No record type has fields of personal data."
    if held:
        return f"{count_text(held, 'value')} of personal data in deleted rows: the table names the fields."
    return (
        "No deleted row holds personal data: the saved query glue/athena/personal-data-of-deleted.sql finds none in "
        "any of the fields below."
    )


def _kind(deletion: RowCount) -> str:
    return EXPIRED if deletion.expired else DELETED


def _rows(one: RowCount) -> int:
    return one.rows


def _lines(figures: Figures) -> list[tuple[str, ...]]:
    return [(name,) for name in figures.types]


def _by_type(figures: Figures, column: Callable[[RowCount], str], names: Sequence[str]) -> list[list[Cell]]:
    """Return the lines of a table of all types, including those without rows."""
    return pivot(count_by(figures.rows, lambda one: (one.type, column(one)), _rows), names, _lines(figures))


def _by_period(rows: Sequence[RowCount], period: Period, key: Callable[[RowCount], tuple[str, ...]]) -> Counts:
    """Return the rows by period and a further key, without those whose day is unknown."""
    dated = ((one.day, one) for one in rows if one.day)
    return count_by(dated, lambda pair: (period.of(pair[0]), *key(pair[1])), lambda pair: pair[1].rows)


def _period(rows: Sequence[RowCount]) -> Period:
    return period_for(one.day for one in rows if one.day)
