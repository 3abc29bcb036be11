"""The sections of the page about rows: how many a day, on which days, how late they came, and deletions."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from firehose.lake.report.changes import AGES, CHANGES, UNKNOWN_AGE, RowCount
from firehose.lake.report.charts import Bars, colours, strips, svg
from firehose.lake.report.coverage import Coverage
from firehose.lake.report.figures import Figures
from firehose.lake.report.markup import Cell, count_text, paragraph, section, table
from firehose.lake.report.periods import Period, period_for

SHOWN_GAPS = 8  # of each table, the longest

DELETED, EXPIRED = "deleted by the application", "expired (time to live)"

Key = TypeVar("Key", bound=Hashable)


def changes_section(figures: Figures) -> str:
    """Return the rows a day by type and change."""
    rows = figures.rows
    if not rows:
        return section("rows", "Rows by day", paragraph("The lake has no rows yet."))
    names = [*CHANGES, *sorted({one.change for one in rows} - set(CHANGES))]
    period = _period(rows)
    by_change = count_by(rows, lambda one: (one.type, one.change))
    by_period = count_by(_dated(rows), lambda one: (period.of(one.day or ""), one.type, one.change))
    title = f"rows a {period}"
    chart = Bars(
        f"Rows by {period}, type and change",
        "rows",
        title,
        period,
        colours("change", names, "change"),
        "type",
        height=90,
    )
    values = [
        {"at": period.first_day(at), "type": name, "change": change, "rows": count}
        for (at, name, change), count in by_period.items()
    ]
    undated = sum(one.rows for one in rows if not one.day)
    return section(
        "rows",
        f"Rows by {period}",
        paragraph(
            f"The {period} on which the change was made in the table, in UTC. Each type has a scale of its own. "
            "Delivery is at least once, so a change may have two rows."
        ),
        paragraph(f"{count_text(undated, 'row')} without a time of change: in the totals only.") if undated else "",
        svg(chart.plot(values)) if values else "",
        table("Rows by type and change", ["type", *names, "rows"], _pivot(by_change, figures.types, names)),
        table(
            f"Rows by {period}, type and change",
            [str(period), "type", *names, "rows"],
            pivot_by_period(by_period, names),
            folded=True,
        ),
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
            "Filled are the days on which changes were made. A gap is a day without any change of the type, between "
            "the first and the last day of the whole lake. Partitions are by the date of the record and not of its "
            "change: their gaps matter where a table should have every date."
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
    return svg(strips("Days with changes by type", values, (first, last), names, colours("type", names, "type")))


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
    by_age = count_by(rows, lambda one: (one.type, one.age))
    by_period = count_by(_dated(rows), lambda one: (period.of(one.day or ""), one.age))
    values = [{"at": period.first_day(at), "age": age, "rows": count} for (at, age), count in by_period.items()]
    chart = Bars(
        f"Share of the rows of each {period} by age on arrival",
        "rows",
        "share of rows",
        period,
        colours("age", names, "age"),
        share=True,
    )
    return section(
        "age",
        "Age of changes on arrival",
        paragraph(
            "The time from a change to the writing of its file in the lake: S3's LastModified, or the time of a file. "
            "It includes Firehose's buffer. What was backfilled, replayed or loaded from files came late, and a copy "
            "of a lake has the times of the copy."
        ),
        svg(chart.plot(values)) if values else "",
        table("Rows by type and age on arrival", ["type", *names, "rows"], _pivot(by_age, figures.types, names)),
        table(
            f"Rows by {period} of change and age on arrival",
            [str(period), *names, "rows"],
            _pivot(by_period, sorted({at for at, _ in by_period}), names),
            folded=True,
        ),
    )


def deletions_section(figures: Figures) -> str:
    """Return the deletions, and the proof that none of them holds personal data."""
    deleted = [one for one in figures.rows if one.deleted]
    kinds = [DELETED, EXPIRED]
    period = _period(deleted)
    by_kind = count_by(deleted, lambda one: (one.type, EXPIRED if one.expired else DELETED))
    by_period = count_by(
        _dated(deleted), lambda one: (period.of(one.day or ""), one.type, EXPIRED if one.expired else DELETED)
    )
    plotted = count_by(_dated(deleted), lambda one: (period.of(one.day or ""), EXPIRED if one.expired else DELETED))
    values = [{"at": period.first_day(at), "kind": kind, "rows": count} for (at, kind), count in plotted.items()]
    chart = Bars(f"Deletions by {period}", "rows", f"deletions a {period}", period, colours("kind", kinds, "deletion"))
    held = sum(one.not_redacted for one in figures.redactions)
    proof: list[list[Cell]] = [[one.type, one.field, one.deleted_rows, one.not_redacted] for one in figures.redactions]
    return section(
        "deletions",
        "Deletions and personal data",
        paragraph(_verdict(held, figures)),
        svg(chart.plot(values)) if values else "",
        table("Rows of deletions by type", ["type", *kinds, "rows"], _pivot(by_kind, figures.types, kinds)),
        table(
            "Proof: deleted rows that still hold personal data",
            ["type", "field", "deleted rows", "not redacted"],
            proof,
        )
        if proof
        else "",
        table(
            f"Deletions by {period} and type",
            [str(period), "type", *kinds, "rows"],
            pivot_by_period(by_period, kinds),
            folded=True,
        )
        if by_period
        else "",
    )


def _verdict(held: int, figures: Figures) -> str:
    if not figures.redactions:
        return "No record type has fields of personal data."
    if held:
        return f"{count_text(held, 'value')} of personal data in deleted rows: the table names the fields."
    return (
        "No deleted row holds personal data: the saved query glue/athena/personal-data-of-deleted.sql finds none in "
        "any of the fields below."
    )


def count_by(rows: Iterable[RowCount], key: Callable[[RowCount], Key]) -> Counter[Key]:
    """Return the number of rows by a key of their counts."""
    found: Counter[Key] = Counter()
    for one in rows:
        found[key(one)] += one.rows
    return found


def pivot_by_period(counts: Counter[tuple[str, str, str]], names: Sequence[str]) -> list[list[Cell]]:
    """Return a line for each period and type, with a column for each name and the sum."""
    lines = sorted({(at, name) for at, name, _ in counts})
    own = {line: [counts[(*line, name)] for name in names] for line in lines}
    return [[at, name, *own[at, name], sum(own[at, name])] for at, name in lines]


def _pivot(counts: Counter[tuple[str, str]], lines: Sequence[str], names: Sequence[str]) -> list[list[Cell]]:
    """Return a line for each value, with a column for each name and the sum."""
    own = {line: [counts[line, name] for name in names] for line in lines}
    return [[line, *own[line], sum(own[line])] for line in lines]


def _dated(rows: Iterable[RowCount]) -> list[RowCount]:
    return [one for one in rows if one.day]


def _period(rows: Iterable[RowCount]) -> Period:
    return period_for(one.day for one in rows if one.day)
