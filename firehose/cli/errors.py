"""`dmd errors`: lists what failed in a lake, and why."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from firehose.cli.options import LakeToRead
from firehose.cli.output import list_counts, print_line, say_places
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.record_text import record_lines, rule
from firehose.cli.schemas import Schemas, schema_errors
from firehose.cli.text_table import print_table, text_table
from firehose.lake.errors.failure_groups import Example
from firehose.lake.errors.report import Basis, ErrorReport, report
from firehose.local.user_error import UserError
from glue.schema import SCHEMAS

NO_TYPE = "(none)"

_BASIS = {
    Basis.DOCUMENTS: "there are no error objects of Firehose",
    Basis.DENIED: "you may not read Firehose's error objects",
}

app = plain_app()


@app.command(epilog=to_paste("dmd errors --lake .local/lake --show 3"))
def errors(
    lake: LakeToRead,
    *,
    show: Annotated[
        int, typer.Option("--show", help="Print N failed records with their reasons.", min=0, metavar="N")
    ] = 0,
    with_personal: Annotated[
        bool,
        typer.Option("--with-personal-data", help="Redact only those of deleted items. For --show."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with up to three examples a group.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """List what failed in a lake, and why.

    Totals by reason and record type come first, then totals by day of arrival, then each kind of failure with the
    place of its first record. A failure is a record in Firehose's error output. Its reason is in the function's error
    document; without one, today's code is run on the record. Without --show no value of a record is printed.

    --show redacts personal data, and leaves out the values of attributes that no schema names. A record that does not
    parse is not shown.

    Exits with 1 if something could not be read.
    """
    if with_personal and not show:
        raise UserError("--with-personal-data has no effect without --show N: leave it out, or add --show N")
    with schema_errors():
        found = report(lake, schemas, show=show, with_personal=with_personal)
    if as_json:
        print_line(msgspec.json.encode(found).decode())
    else:
        _print(found)
        _explain(found, lake)
    say_places("not an error record", found.unreadable)
    raise typer.Exit(1 if found.unreadable else 0)


def _print(found: ErrorReport) -> None:
    if not found.failures:
        print_line("nothing failed")
    else:
        _print_totals(found)
    if found.firehose:
        print_line()
        kinds = [(kind, f"{count:,}") for kind, count in found.firehose.items()]
        print_table(text_table(["Firehose's error records", "records"], kinds, right=[1]))
    for number, one in enumerate(found.records, 1):
        print_line()
        names = ["reason", "type", "day", "why", "where", "record"]
        record = "not shown: it is not a JSON object" if one.record is None else one.record
        values = [one.reason, one.type or NO_TYPE, one.day, _why(one.path, one.message), one.where, record]
        print_line("\n".join(record_lines(f"record {number}", names, values)))


def _print_totals(found: ErrorReport) -> None:
    totals = [(one.reason, one.type or NO_TYPE, f"{one.count:,}", one.first_day, one.last_day) for one in found.totals]
    print_table(text_table(["reason", "type", "failures", "first day", "last day"], totals, right=[2]))
    print_line()
    days: dict[str, Counter[str]] = {}
    for group in found.failures:
        days.setdefault(group.day, Counter())[group.reason] += group.count
    rows = [(day, f"{days[day].total():,}", list_counts(dict(days[day].most_common()))) for day in sorted(days)]
    print_table(text_table(["day", "failures", "of them"], rows, right=[1]))
    for one in found.totals:
        print_line()
        print_line("\n".join([rule(f"{one.reason}, {one.type or NO_TYPE}"), *_example_lines(one.examples)]))


def _example_lines(examples: list[Example]) -> Iterator[str]:
    """Yield two lines for each example: its count and reason, and the place of its first record."""
    width = len(f"{examples[0].count:,}")
    for one in examples:
        yield f"{one.count:>{width},}   {_why(one.path, one.message)}"
        yield f"{' ' * width}   {one.where}"


def _explain(found: ErrorReport, lake: str) -> None:
    """Say on standard error where the failures come from, and which records are not counted."""
    if found.basis in _BASIS and found.failures:
        typer.echo(
            f"{_BASIS[found.basis]}, so these are the function's error documents. They include records that "
            "a retry or a replay delivered later, and lack records that no function saw",
            err=True,
        )
    not_counted = {
        "already replayed": found.replayed,
        "reported by other streams, or of a type that no stream archives": found.other_streams,
        "in the lake after all: the function did not learn that its put had succeeded": found.written,
        "documents without a record of Firehose's: the retry succeeded, or Firehose has not written it yet": (
            found.unmatched_documents
        ),
    }
    for why, count in not_counted.items():
        if count:
            typer.echo(f"not counted: {count:,} {why}", err=True)
    if found.failures and found.basis is Basis.FIREHOSE:
        typer.echo(f"to see what today's code would deliver: dmd replay --lake {lake} --dry-run", err=True)


def _why(path: str | None, message: str) -> str:
    """Return the message, preceded by the path unless it begins with it."""
    return message if path is None or message.startswith(path) else f"{path}: {message}"
