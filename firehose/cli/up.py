"""`dmd up`: the whole pipeline on a local AWS endpoint."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from firehose.cli import STOPPED
from firehose.cli.shown import print_rich
from firehose.cli.stopping import stopping
from firehose.cli.up_table import counts_table, live_counts, live_table
from firehose.local.config.members import SettingError
from firehose.local.endpoint.deployed import Deployed, load_deployed
from firehose.local.endpoint.endpoint import Endpoint, moto_endpoint, named_endpoint
from firehose.local.sources.kinesis import now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.package import OUR_FOLDERS
from firehose.pipeline.up.prepare import prepare
from firehose.pipeline.up.session import Session
from glue.layout import Format

EXAMPLE = "dmd up --interval 5"
QUERY = 'dmd query "SELECT count(*) FROM demand"'


BOTH = "both"
MODES = [*Format, BOTH]


def up(
    *,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="A local AWS endpoint; moto's server by default.", metavar="URL")
    ] = "",
    port: Annotated[
        int, typer.Option("--port", help="Of moto's server; any free one by default.", min=0, max=65535)
    ] = 0,
    mode: Annotated[
        str,
        typer.Option("--mode", help="Which delivery streams are deployed.", metavar=f"[{'|'.join(MODES)}]"),
    ] = Format.PARQUET,
    interval: Annotated[
        int | None,
        typer.Option(
            "--interval", help="A change is queryable after so many seconds, not as deployed.", min=1, max=900
        ),
    ] = None,
    package: Annotated[
        Path | None, typer.Option("--package", help="The function's zip; this checkout's code by default.")
    ] = None,
    state: Annotated[
        Path, typer.Option("--state", help="Checkpoints, and what terraform knows.", metavar="FOLDER")
    ] = Path(".local", "up"),
) -> None:
    """Deploys the pipeline to a local AWS endpoint and runs it: changes of the table flow to the lake, until Ctrl-C.

    The delivery streams, tables and functions that run are those that the endpoint describes. Ctrl-C delivers what was
    read. With --endpoint, where the stream outlives this command, it goes on behind what was delivered.
    """
    modes = _modes(mode)
    with ExitStack() as running:
        try:
            where, state = _endpoint(endpoint, port, state, running)
            packages = prepare(where, modes, package, state, _say)
            deployed = load_deployed(where, packages, running, own=OUR_FOLDERS, interval_seconds=interval, say=_say)
            session = Session(where, deployed, state)
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None
        except SettingError as error:
            raise UserError(str(error)) from error
        _tell(where, deployed, session)
        with (
            stopping(session.plane) as stop,
            live_counts(lambda: live_table(session.counts(), session.lag_ms), now_ms) as show,
        ):
            session.run(stop=stop, show=show)
        print_rich(counts_table(session.counts()))
        if session.in_both_modes and any(one.failed for one in session.counts()):
            _say(
                "Parquet and Avro streams each archive every change: one that fails is failed, and kept, in both modes"
            )
        if not endpoint:
            _say("moto's server has ended, and with it what it held")
    raise typer.Exit(STOPPED)


def _endpoint(url: str, port: int, state: Path, running: ExitStack) -> tuple[Endpoint, Path]:
    """The endpoint, and the folder for what is remembered of it."""
    if url:
        if port:
            raise UserError("--port is of moto's server: say it in --endpoint")
        named = named_endpoint(url)
        return named, state / urlsplit(named.url).netloc.replace(":", "-")
    # moto keeps everything in memory: what was known of one that has ended is of no use.
    for left in (*state.glob("*.json"), *state.glob("terraform/terraform/test/*.tfstate*")):
        left.unlink()
    return running.enter_context(moto_endpoint(port)), state


def _modes(mode: str) -> list[Format]:
    if mode not in MODES:
        raise UserError(f"unknown mode `{mode}`: choose from {', '.join(MODES)}")
    return list(Format) if mode == BOTH else [Format(mode)]


def _tell(endpoint: Endpoint, deployed: Deployed, session: Session) -> None:
    """What runs, and what to type next in another terminal."""
    variables = " ".join(f"{name}={value}" for name, value in endpoint.variables.items())
    table = next(iter(session.bridge.tables), None)
    _say(f"running {', '.join(deployed.names)} until Ctrl-C")
    if session.new_streams:
        _say(f"new since the last run: {', '.join(session.new_streams)}. Nothing may be missing there, so everything")
        _say("is read from the start again; the others get it twice, and the latest_ views count it once")
    if table:
        _say(f"changes of the table {table} are carried to the stream")
    _say("in another terminal:\n")
    _say(f"  export {variables}")
    _say(f"  dmd sample 5000 --to kinesis://{deployed.source}")
    _say(f"  {QUERY} --lake s3://{deployed.bucket}\n")


def _say(line: str) -> None:
    typer.echo(line, err=True)
    sys.stderr.flush()
