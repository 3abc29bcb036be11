"""The sections of the page about keeping a lake: files, failures, schema drift, replays."""

from collections import Counter
from datetime import date, timedelta

from firehose.lake.errors.report import Basis, FailureGroup
from firehose.lake.report.charts import Bars, colours, size_bars, svg
from firehose.lake.report.figures import Figures
from firehose.lake.report.files import MANY_FILES, MIB, SIZES, SMALL_BYTES, PartitionFiles
from firehose.lake.report.markup import Cell, count_text, paragraph, section, size_text, size_unit, table
from firehose.lake.report.periods import Period, period_for
from firehose.local.sources.files import NO_TIME_MS
from transform.times import iso_millis

CROWDED_SHOWN = 20
DRIFT_SHOWN = 40

# Partitions far from the changes, such as those of sales dated 1900, would leave no room in a plot for the others.
PLOT_MARGIN_DAYS = 31

NO_TYPE = "(none)"
NO_TIME_DAY = iso_millis(NO_TIME_MS)[:10]  # the day of failures that do not say when they arrived
SMALL, LARGER = f"under {SMALL_BYTES // MIB} MiB", f"{SMALL_BYTES // MIB} MiB or more"


def files_section(figures: Figures) -> str:
    """Return the files and bytes of the partitions, and where small files are."""
    partitions = figures.files.partitions
    if not partitions:
        return section("files", "Files", paragraph("The lake has no files yet."))
    sizes = [
        {"class": size, "type": name, "files": count} for (name, size), count in sorted(figures.files.sizes.items())
    ]
    drawn = size_bars("Files by size and type", sizes, list(SIZES), colours("type", figures.types, "type"))
    return section(
        "files",
        "Files",
        paragraph(
            f"A query opens every file of the dates that it reads, so small files ({SMALL}) cost it more than their "
            f"bytes. A partition with {MANY_FILES} or more of them is crowded: worth compacting."
        ),
        table(
            "Files by format and type",
            ["format", "type", "partitions", "files", "bytes", "small files", "crowded partitions", "most in one"],
            _totals(partitions),
        ),
        svg(drawn),
        table("Files by type and size", ["type", *SIZES], _by_size(figures)),
        *_by_date(figures),
        _crowded(partitions),
    )


def _totals(partitions: list[PartitionFiles]) -> list[list[Cell]]:
    lines: list[list[Cell]] = []
    for line in sorted({(one.format, one.type) for one in partitions}):
        own = [one for one in partitions if (one.format, one.type) == line]
        counts = [sum(one.files for one in own), sum(one.size_bytes for one in own), sum(one.small for one in own)]
        lines.append([*line, len(own), *counts, sum(map(is_crowded, own)), max(one.files for one in own)])
    return lines


def is_crowded(one: PartitionFiles) -> bool:
    """Return True if a partition has so many small files that compacting it pays."""
    return one.small >= MANY_FILES


def _by_size(figures: Figures) -> list[list[Cell]]:
    return [[name, *(figures.files.sizes.get((name, size), 0) for size in SIZES)] for name in figures.types]


def _by_date(figures: Figures) -> list[str]:
    """Return plots of the files and bytes by partition date, and a table of all of them."""
    own = [one for one in figures.files.partitions if one.format == figures.file_format]
    shown, outside = _near_changes(own, figures)
    period = period_for(one.date for one in shown)
    by_period: dict[tuple[str, str], list[PartitionFiles]] = {}
    for one in own:
        by_period.setdefault((period.of(one.date), one.type), []).append(one)
    lines: list[list[Cell]] = [
        [
            *line,
            len(found),
            *(sum(count) for count in zip(*((p.files, p.small, p.size_bytes) for p in found), strict=True)),
        ]
        for line, found in sorted(by_period.items())
    ]
    return [
        _plots(shown, period) if shown else "",
        paragraph(
            f"{count_text(outside, 'partition lies', 'partitions lie')} outside the plots, more than "
            f"{PLOT_MARGIN_DAYS} days before the first change or after the last: see the table."
        )
        if outside
        else "",
        table(
            f"Files by {period} of partition and type, {figures.file_format}",
            [str(period), "type", "partitions", "files", "small files", "bytes"],
            lines,
            folded=True,
        ),
    ]


def _near_changes(own: list[PartitionFiles], figures: Figures) -> tuple[list[PartitionFiles], int]:
    """Return the partitions to plot, those near the days of changes, and the number of others."""
    changed = sorted({one.day for one in figures.rows if one.day})
    if not changed:
        return [], len(own)
    margin = timedelta(days=PLOT_MARGIN_DAYS)
    first = (date.fromisoformat(changed[0]) - margin).isoformat()
    last = (date.fromisoformat(changed[-1]) + margin).isoformat()
    near = [one for one in own if first <= one.date <= last and _is_date(one.date)]
    return near, len(own) - len(near)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _plots(shown: list[PartitionFiles], period: Period) -> str:
    files: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for one in shown:
        at = period.first_day(period.of(one.date))
        files[at, one.type, SMALL] += one.small
        files[at, one.type, LARGER] += one.files - one.small
        sizes[at, one.type] += one.size_bytes
    small = Bars(
        f"Files by {period} of partition, small ones apart", "files", f"files a {period}", period,
        colours("size", [SMALL, LARGER], "size"), "type", height=70,
    )  # fmt: skip
    names = sorted({name for _, name in sizes})
    unit, unit_bytes = size_unit(max(sizes.values()))
    size = Bars(
        f"Size of the files by {period} of partition",
        "size",
        f"{unit} a {period}",
        period,
        colours("type", names, "type"),
        "type",
        whole=False,
        height=70,
    )
    return svg(
        small.plot([{"at": at, "type": name, "size": kind, "files": n} for (at, name, kind), n in files.items() if n])
    ) + svg(size.plot([{"at": at, "type": name, "size": round(n / unit_bytes, 3)} for (at, name), n in sizes.items()]))


def _crowded(partitions: list[PartitionFiles]) -> str:
    crowded = sorted(filter(is_crowded, partitions), key=lambda one: (-one.small, one.type, one.date))
    if not crowded:
        return paragraph(f"No partition has {MANY_FILES} small files.")
    return table(
        f"Partitions with {MANY_FILES} small files or more: {len(crowded):,}, the first {CROWDED_SHOWN} shown",
        ["format", "type", "partition date", "files", "small files", "bytes", "mean size"],
        [
            [
                one.format,
                one.type,
                one.date,
                one.files,
                one.small,
                one.size_bytes,
                size_text(one.size_bytes // one.files),
            ]
            for one in crowded[:CROWDED_SHOWN]
        ],
    )


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
        return section("failures", "Failures", paragraph("No record waits: nothing failed, or all was replayed."))
    dated = [one for one in groups if _is_date(one.day) and one.day != NO_TIME_DAY]
    period = period_for(one.day for one in dated)
    names = sorted({one.reason for one in groups})
    by_period = _by_period(groups, period)
    chart = Bars(
        f"Failures by {period} and reason",
        "failures",
        f"failures a {period}",
        period,
        colours("reason", names, "reason"),
    )
    values = [
        {"at": period.first_day(at), "reason": reason, "failures": count}
        for (at, reason), count in _by_period(dated, period).items()
    ]
    return section(
        "failures",
        "Failures by reason",
        paragraph(f"{_BASIS[figures.failures.basis]} The day is that of the record's arrival."),
        svg(chart.plot(values)) if values else "",
        table("Failures by reason and type", ["reason", "type", "failures", "first day", "last day"], _reasons(groups)),
        table(
            f"Failures by {period} and reason",
            [str(period), *names, "failures"],
            [
                [at, *(by_period[at, name] for name in names), sum(by_period[at, name] for name in names)]
                for at in sorted({at for at, _ in by_period})
            ],
            folded=True,
        ),
        table("Firehose's error records by kind", ["kind", "records"], figures.failures.firehose.items())
        if figures.failures.firehose
        else "",
    )


def _by_period(groups: list[FailureGroup], period: Period) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in groups:
        found[period.of(one.day), one.reason] += one.count
    return found


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
            "Fields whose values did not fit the schema, by the function's error documents, those of records that were "
            "replayed since included. Attributes that no schema names are ignored and leave no trace in the lake: the "
            "function counts them in its metric AttributesUnmapped."
        )
    ]
    if found:
        lines: list[list[Cell]] = [
            [one.type, one.path, one.message, one.documents, one.first_day, one.last_day] for one in found
        ]
        caption = "Values that did not fit"
        if len(found) > DRIFT_SHOWN:
            caption += f", the commonest {DRIFT_SHOWN} of {len(found):,}"
        columns = ["type", "field", "what is expected", "documents", "first day", "last day"]
        parts.append(table(caption, columns, lines[:DRIFT_SHOWN]))
    else:
        parts.append(paragraph("No value failed to fit."))
    return section("drift", "Schema drift", *parts)


def replays_section(figures: Figures) -> str:
    """Return what was replayed."""
    if not figures.replays:
        return section("replays", "Replays", paragraph("Nothing was replayed."))
    return section(
        "replays",
        "Replays",
        paragraph(
            "What dmd replay did, by the day of Firehose's error objects. Done are records that were delivered or need "
            "no delivery. Left are those that another stream reports. A replay that was killed is unfinished: the next "
            "one completes it."
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
