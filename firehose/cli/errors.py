"""`dmd errors`: lists what failed in a lake, and why."""

from typing import Annotated

import msgspec
import typer

from firehose.cli.options import Lake
from firehose.cli.output import print_line, say_places
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.schemas import Schemas, schema_errors
from firehose.cli.text_table import print_table, text_table
from firehose.lake.errors.report import Basis, ErrorReport, Example, report
from glue.schema import SCHEMAS

NO_TYPE = "(none)"

_BASIS = {
    Basis.DOCUMENTS: "there are no error objects of Firehose",
    Basis.DENIED: "you may not read Firehose's error objects",
}

app = plain_app()


@app.command(epilog=to_paste("dmd errors --lake .local/lake"))
def errors(
    lake: Lake,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with up to three examples a group.")] = False,
    schemas: Schemas = SCHEMAS,
) -> None:
    """List what failed in a lake, and why.

    Failures are grouped by reason, record type and day of arrival, each with an example and where it lies. A failure is
    a record in Firehose's error output. Its reason is in the function's error document; without one, today's code is
    run on the record. Examples are paths and messages: no value of a record is printed.

    Exits with 1 if something could not be read.
    """
    with schema_errors():
        found = report(lake, schemas)
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
        rows = [
            (one.reason, one.type or NO_TYPE, one.day, f"{one.count:,}", _why(one.examples[0]), one.examples[0].where)
            for one in found.failures
        ]
        print_table(text_table(["reason", "type", "day", "failures", "example", "where"], rows, right=[3]))
    if found.firehose:
        print_line()
        kinds = [(kind, f"{count:,}") for kind, count in found.firehose.items()]
        print_table(text_table(["Firehose's error records", "records"], kinds, right=[1]))


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
        "reported by other streams, or of a type that nobody archives": found.other_streams,
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


def _why(example: Example) -> str:
    """Return the message, preceded by the path unless it begins with it."""
    if example.path is None or example.message.startswith(example.path):
        return example.message
    return f"{example.path}: {example.message}"
