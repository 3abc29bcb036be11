"""Makes the page of a report: one HTML document that loads and runs nothing, for light and dark, desktop and phone."""

from html import escape
from importlib.resources import files

from firehose.lake.report.figures import Figures
from firehose.lake.report.markup import Tile, count_text, size_text, tiles
from firehose.lake.report.page_changes import age_section, changes_section, coverage_section, deletions_section
from firehose.lake.report.page_files import files_section
from firehose.lake.report.page_troubles import drift_section, failures_section, replays_section

# What a browser may do with the page: apply its own styles.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_CONTENTS = {
    "rows": "Rows",
    "coverage": "Dates",
    "age": "Age",
    "failures": "Failures",
    "files": "Files",
    "deletions": "Deletions",
    "drift": "Drift",
    "replays": "Replays",
}


def page(figures: Figures) -> str:
    """Return the page of a lake's figures as HTML. It shows counts, names and paths, never a value of a record."""
    title = f"Lake {escape(figures.lake)}"
    contents = "".join(f'<a href="#{anchor}">{name}</a>' for anchor, name in _CONTENTS.items())
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{title}</title><style>{_style()}</style></head><body>",
            f"<header><h1>{title}</h1><p>{_made(figures)}</p>{tiles(_headline(figures))}</header>",
            f'<nav aria-label="Contents">{contents}</nav><main>',
            _findings(figures),
            changes_section(figures),
            coverage_section(figures),
            age_section(figures),
            failures_section(figures),
            files_section(figures),
            deletions_section(figures),
            drift_section(figures),
            replays_section(figures),
            "</main></body></html>\n",
        ]
    )


def _style() -> str:
    return files(__package__).joinpath("page.css").read_text("utf-8")


def _made(figures: Figures) -> str:
    return f"Made by dmd report on {figures.made_at} UTC. Rows are those of the {figures.file_format} files."


def _headline(figures: Figures) -> list[Tile]:
    """Return the totals of the lake."""
    rows = sum(one.rows for one in figures.rows)
    days = sorted({one.day for one in figures.rows if one.day})
    own = figures.files.partitions
    deleted = sum(one.rows for one in figures.rows if one.deleted)
    held, waiting = _held(figures), _waiting(figures)
    by_type = {name: sum(one.rows for one in figures.rows if one.type == name) for name in figures.types}
    return [
        Tile(f"{rows:,}", "rows", ", ".join(f"{name} {count:,}" for name, count in by_type.items())),
        Tile(f"{len(days):,}", "days with changes", f"{days[0]} to {days[-1]}" if days else ""),
        Tile(
            size_text(sum(one.size_bytes for one in own)),
            "in files",
            f"{count_text(sum(one.files for one in own), 'file')} in {count_text(len(own), 'partition')}",
        ),
        Tile(f"{waiting:,}", "failed records waiting", "not replayed", "bad" if waiting else "good"),
        Tile(f"{deleted:,}", "rows of deletions", "the archive keeps them"),
        Tile(f"{held:,}", "personal values in deletions", "found by the saved query", "bad" if held else "good"),
    ]


def _held(figures: Figures) -> int:
    return sum(one.not_redacted for one in figures.redactions)


def _waiting(figures: Figures) -> int:
    return sum(one.count for one in figures.failures.failures)


def _findings(figures: Figures) -> str:
    """Return what to look at first, each with a link to its section."""
    found = "".join(f'<li><a href="#{anchor}">{escape(text)}</a></li>' for anchor, text in _problems(figures).items())
    return f'<section id="first"><h2>Look at first</h2>{f"<ul>{found}</ul>" if found else "<p>Nothing.</p>"}</section>'


def _problems(figures: Figures) -> dict[str, str]:
    """Return a sentence for each section that shows a problem, the most serious first."""
    held, waiting = _held(figures), _waiting(figures)
    crowded = sum(one.is_crowded for one in figures.files.partitions)
    unfinished = sum(one.unfinished for one in figures.replays)
    unreadable = len(figures.failures.unreadable)
    silent = [one.type for one in figures.changes_covered() if one.gaps]
    sentences = {
        "deletions": held and f"{count_text(held, 'value')} of personal data in rows of deletions",
        "failures": waiting and f"{count_text(waiting, 'failed record')} not replayed: dmd errors says why",
        "replays": unfinished
        and f"{count_text(unfinished, 'error object')} of a replay that was killed: run dmd replay",
        "drift": unreadable
        and f"{count_text(unreadable, 'place')} in the error output cannot be read: dmd errors lists them",
        "coverage": silent and f"Days without any change of {', '.join(silent)}",
        "files": crowded and f"{count_text(crowded, 'partition')} with many small files",
    }
    return {anchor: text for anchor, text in sentences.items() if text}
