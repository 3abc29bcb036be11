"""`dmd up`: runs the whole pipeline on a local AWS endpoint."""

import os
import sys
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from firehose.cli import STOPPED
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.text_table import print_table
from firehose.cli.up_table import counts_table, live_counts, live_table
from firehose.local.sources.kinesis import now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.run_summary import FunctionMetrics
from firehose.pipeline.up.counts import StreamCounts, stream_counts
from firehose.pipeline.up.prepare import prepare
from firehose.pipeline.up.resources import BUCKET, STREAM, TABLE
from glue.layout import FILE_FORMATS, Format

QUERY = 'dmd query "SELECT count(*) FROM demand"'

# Seconds between two looks at the counts.
_LOOK_SECONDS = 0.2

app = plain_app()


BOTH = "both"  # of the modes that write files: Iceberg's stream would be the sixth reader of a shard
MODES = [*Format, BOTH]


@app.command(epilog=to_paste("dmd up --interval 5"))
def up(
    *,
    port: Annotated[
        int,
        typer.Option("--port", metavar="PORT", help="The endpoint's port; a free one by default.", min=0, max=65535),
    ] = 0,
    mode: Annotated[
        str,
        typer.Option("--mode", help="The modes whose delivery streams to deploy.", metavar=f"[{'|'.join(MODES)}]"),
    ] = Format.PARQUET,
    interval: Annotated[
        int | None,
        typer.Option(
            "--interval",
            metavar="SECONDS",
            help="Seconds until a change is queryable; the buffer intervals as deployed by default.",
            min=1,
            max=900,
        ),
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option("--package", metavar="FILE", help="The function's zip; this checkout's code by default."),
    ] = None,
    state: Annotated[Path, typer.Option("--state", help="The folder for Terraform's state.", metavar="FOLDER")] = Path(
        ".local", "up"
    ),
) -> None:
    """Run the whole pipeline on a local AWS endpoint, until Ctrl-C.

    The endpoint is that of `dmd firehose serve`. Terraform deploys the pipeline to it; then changes of the DynamoDB
    table flow to the lake. Ctrl-C delivers what was read. Everything the endpoint holds is in memory.
    """
    modes = _modes(mode)
    from firehose.local.endpoint.serve import stop_signals, without_account  # noqa: PLC0415 - boto3 and moto cost a second
    from firehose.local.endpoint.server import endpoint_server  # noqa: PLC0415

    metrics: defaultdict[str, FunctionMetrics] = defaultdict(FunctionMetrics)
    with ExitStack() as running:
        # Only the user may read Terraform's state, packages and the code of functions.
        running.callback(os.umask, os.umask(0o077))
        running.enter_context(without_account())
        _private(state)
        # Of no use once the endpoint has ended, even that of a killed run.
        _forget(state)
        running.callback(_forget, state)
        served = running.enter_context(
            endpoint_server(
                port,
                interval_seconds=interval,
                on_printed=lambda stream, printed: metrics[stream].add(stream, printed),
            )
        )
        endpoint = served.services().endpoint
        prepare(endpoint, modes, package, state, _say)
        with stop_signals() as stop:
            _say_what_runs(endpoint.variables, served.counts())
            with live_counts(lambda: _live_table(served.counts(), metrics), now_ms) as show:
                while not stop.wait(_LOOK_SECONDS):
                    show()
            last = served.application.close()
        _show(last, metrics, both=len(modes) > 1)
    raise typer.Exit(STOPPED)


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # it may have been there


def _forget(state: Path) -> None:
    """Remove everything except the provider that terraform installed, which takes a minute to download."""
    for left in (*state.glob("terraform/terraform/test/*.tfstate*"), *state.glob("function.zip")):
        left.unlink()


def _modes(mode: str) -> list[Format]:
    if mode not in MODES:
        raise UserError(f"unknown mode '{mode}' (choose from {', '.join(MODES)})")
    return list(FILE_FORMATS) if mode == BOTH else [Format(mode)]


def _live_table(counts: list[dict[str, Any]], metrics: dict[str, FunctionMetrics]) -> Any:
    lag_ms = max((one["lag_ms"] for one in counts), default=0)
    return live_table(stream_counts(counts, metrics), lag_ms)


def _show(counts: list[dict[str, Any]], metrics: dict[str, FunctionMetrics], *, both: bool) -> None:
    """Show the last counts, and what went wrong."""
    found: list[StreamCounts] = stream_counts(counts, metrics)
    print_table(counts_table(found))
    for one in counts:
        for reason, times in one["function_problems"].items():
            _say(f"{one['stream']}: {reason} ({times} invocations)")
    if both and any(one.failed for one in found):
        _say("Parquet and Avro streams each archive every change, so a record that fails is counted and kept in both")
    _say("the endpoint has ended, and everything it held is gone")


def _say_what_runs(variables: dict[str, str], counts: list[dict[str, Any]]) -> None:
    """Say what runs, and what to type in another terminal."""
    _say(f"running {', '.join(sorted(one['stream'] for one in counts))} until Ctrl-C")
    _say(f"changes of the table {TABLE} flow to the stream")
    _say("in another terminal:\n")
    _say(f"  export {' '.join(f'{name}={value}' for name, value in variables.items())}")
    _say(f"  dmd sample 5000 --to kinesis://{STREAM}")
    _say(f"  {QUERY} --lake s3://{BUCKET}\n")


def _say(line: str) -> None:
    typer.echo(line, err=True)
    sys.stderr.flush()
