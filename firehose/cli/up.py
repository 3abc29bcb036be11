"""`dmd up`: runs the whole pipeline on a local AWS endpoint."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from firehose.cli import STOPPED
from firehose.cli.plain_help import plain_app, to_paste
from firehose.cli.stop_signals import stop_requests
from firehose.cli.stream_summary import problem_lines
from firehose.cli.text_table import print_table
from firehose.cli.up_table import counts_table, live_counts, live_table
from firehose.local.config.members import SettingError
from firehose.local.endpoint.deployed import Deployed, load_deployed
from firehose.local.endpoint.endpoint import Endpoint, moto_endpoint, named_endpoint
from firehose.local.sources.kinesis import now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.package import OUR_FOLDERS
from firehose.pipeline.up.prepare import prepare
from firehose.pipeline.up.session import Session
from glue.layout import FILE_FORMATS, Format

QUERY = 'dmd query "SELECT count(*) FROM demand"'

app = plain_app()


BOTH = "both"  # of the modes that write files: Iceberg's stream would be the sixth reader of a shard
MODES = [*Format, BOTH]


@app.command(epilog=to_paste("dmd up --interval 5"))
def up(
    *,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="A local AWS endpoint; moto's server by default.", metavar="URL")
    ] = "",
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="PORT", help="The port of moto's server; a free one by default.", min=0, max=65535
        ),
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
    state: Annotated[
        Path, typer.Option("--state", help="The folder for checkpoints and Terraform's state.", metavar="FOLDER")
    ] = Path(".local", "up"),
) -> None:
    """Run the whole pipeline on a local AWS endpoint, until Ctrl-C.

    Terraform deploys it; then changes of the DynamoDB table flow to the lake. The delivery streams, tables and
    functions are those that the endpoint describes. Ctrl-C delivers what was read.

    With --endpoint, where the stream outlives this command, the next run resumes after the last delivered record.
    """
    modes = _modes(mode)
    with ExitStack() as running:
        # Only the user may read Terraform's state, packages and the code of functions.
        running.callback(os.umask, os.umask(0o077))
        try:
            where, state = _endpoint(endpoint, port, state, running)
            packages = prepare(where, modes, package, state, _say)
            deployed = load_deployed(where, packages, running, own=OUR_FOLDERS, interval_seconds=interval, say=_say)
            session = Session(where, deployed, state)
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None
        except SettingError as error:
            raise UserError(str(error)) from error
        _say_what_runs(where, deployed, session)
        with (
            stop_requests(session.plane) as stop,
            live_counts(lambda: live_table(session.counts(), session.lag_ms), now_ms) as show,
        ):
            session.run(stop=stop, show=show)
        print_table(counts_table(session.counts()))
        for line in problem_lines(session.plane.report):
            _say(line)
        if session.in_both_modes and any(one.failed for one in session.counts()):
            _say(
                "Parquet and Avro streams each archive every change, so a record that fails is counted and kept in both"
            )
        if not endpoint:
            _say("moto's server has ended, and everything it held is gone")
    raise typer.Exit(STOPPED)


def _endpoint(url: str, port: int, state: Path, running: ExitStack) -> tuple[Endpoint, Path]:
    """Return the endpoint, and the folder for its state, which nobody else can read."""
    if url:
        if port:
            raise UserError("--port is only for moto's server: put the port into the URL of --endpoint")
        named = named_endpoint(url)
        return named, _private(state / urlsplit(named.url).netloc.replace(":", "-"))
    # moto keeps everything in memory, so once it has ended its state is useless, even that of a killed run.
    mine = _private(state / "moto")
    _forget(mine)
    running.callback(_forget, mine)
    return running.enter_context(moto_endpoint(port)), mine


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # it may have been there
    return folder


def _forget(state: Path) -> None:
    """Remove everything except the provider that terraform installed, which takes a minute to download."""
    for left in state.glob("terraform/terraform/test/*.tfstate*"):
        left.unlink()
    for left in (*state.glob("*.json"), *state.glob("function.zip")):
        left.unlink()


def _modes(mode: str) -> list[Format]:
    if mode not in MODES:
        raise UserError(f"unknown mode '{mode}' (choose from {', '.join(MODES)})")
    return list(FILE_FORMATS) if mode == BOTH else [Format(mode)]


def _say_what_runs(endpoint: Endpoint, deployed: Deployed, session: Session) -> None:
    """Say what runs, and what to type in another terminal."""
    variables = " ".join(f"{name}={value}" for name, value in endpoint.variables.items())
    table = next(iter(session.bridge.tables), None)
    _say(f"running {', '.join(deployed.names)} until Ctrl-C")
    if session.new_streams:
        _say(f"new since the last run: {', '.join(session.new_streams)}. They need every record, so the source is read")
        _say("from its start again; the other streams get records twice, and the latest_ views count them once")
    if table:
        _say(f"changes of the table {table} flow to the stream")
    _say("in another terminal:\n")
    _say(f"  export {variables}")
    _say(f"  dmd sample 5000 --to kinesis://{deployed.source}")
    _say(f"  {QUERY} --lake s3://{deployed.bucket}\n")


def _say(line: str) -> None:
    typer.echo(line, err=True)
    sys.stderr.flush()
