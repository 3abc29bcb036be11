"""The section of the page about files: how many, how large, and where the small ones are."""

from datetime import date, timedelta

from firehose.lake.compact.limits import MIB, MIN_FILES, SMALL_BYTES
from firehose.lake.report.charts import Bars, colours, lying_bars
from firehose.lake.report.counts import count_by
from firehose.lake.report.figures import Figures
from firehose.lake.report.files import SIZES, PartitionFiles
from firehose.lake.report.markup import Cell, count_text, paragraph, section, size_text, size_unit, table
from firehose.lake.report.periods import Period, is_date, period_for

CROWDED_SHOWN = 20

# Partitions far from the changes, such as those of sales dated 1900, would leave no room in a plot for the others.
PLOT_MARGIN_DAYS = 31

SMALL, LARGER = f"under {SMALL_BYTES // MIB} MiB", f"{SMALL_BYTES // MIB} MiB or more"


def files_section(figures: Figures) -> str:
    """Return the section: files and bytes by partition, and where the small files are."""
    partitions = figures.files.partitions
    if not partitions:
        return section("files", "Files", paragraph("The lake has no files yet."))
    sizes = figures.files.sizes
    by_size: list[list[Cell]] = [[name, *(sizes.get((size, name), 0) for size in SIZES)] for name in figures.types]
    return section(
        "files",
        "Files",
        paragraph(
            f"A query opens every file of the dates that it reads, so small files ({SMALL}) slow it down more than "
            f"their size suggests. A partition with {MIN_FILES} or more of them is crowded, and worth compacting."
        ),
        table(
            "Files by format and type",
            ["format", "type", "partitions", "files", "bytes", "small files", "crowded partitions", "most in one"],
            _totals(partitions),
        ),
        lying_bars("Files by size and type", "files", sizes, list(SIZES), colours(figures.types, "type")),
        table("Files by type and size", ["type", *SIZES], by_size),
        *_by_date(figures),
        _crowded(partitions),
    )


def _totals(partitions: list[PartitionFiles]) -> list[list[Cell]]:
    lines: list[list[Cell]] = []
    for line in sorted({(one.format, one.type) for one in partitions}):
        own = [one for one in partitions if (one.format, one.type) == line]
        counts = [sum(one.files for one in own), sum(one.size_bytes for one in own), sum(one.small for one in own)]
        lines.append([*line, len(own), *counts, sum(one.is_crowded for one in own), max(one.files for one in own)])
    return lines


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
    near = [one for one in own if first <= one.date <= last and is_date(one.date)]
    return near, len(own) - len(near)


def _plots(shown: list[PartitionFiles], period: Period) -> str:
    types = sorted({one.type for one in shown})
    small = count_by(shown, lambda one: (period.of(one.date), one.type, SMALL), lambda one: one.small)
    larger = count_by(shown, lambda one: (period.of(one.date), one.type, LARGER), lambda one: one.files - one.small)
    sizes = count_by(shown, lambda one: (period.of(one.date), one.type, one.type), lambda one: one.size_bytes)
    unit, unit_bytes = size_unit(max(sizes.values()))
    files = Bars(
        f"Files by {period} of partition, small ones apart", f"files a {period}", period,
        colours([SMALL, LARGER], "size"), types, height=70,
    )  # fmt: skip
    size = Bars(
        f"Size of the files by {period} of partition", f"{unit} a {period}", period,
        colours(types, "type"), types, unit=unit_bytes, height=70,
    )  # fmt: skip
    return files.draw({**small, **larger}) + size.draw(sizes)


def _crowded(partitions: list[PartitionFiles]) -> str:
    crowded = sorted((one for one in partitions if one.is_crowded), key=lambda one: (-one.small, one.type, one.date))
    if not crowded:
        return paragraph(f"No partition has {MIN_FILES} small files.")
    files, after = sum(one.files for one in crowded), sum(one.files_after for one in crowded)
    saved = paragraph(f"They have {files:,} files. dmd compact makes {after:,} of them, once all are a day old.")
    return saved + table(
        f"Partitions with {MIN_FILES} small files or more: {len(crowded):,}, the first {CROWDED_SHOWN} shown",
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
