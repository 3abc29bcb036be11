"""`make e2e ENV=dev1`: items of every type into the table of an environment, and found by SQL."""

import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from firehose.cli import STOPPED
from firehose.local.aws_errors import as_user_errors
from firehose.local.user_error import UserError
from firehose.pipeline.names import Names
from glue.layout import Format
from tests.e2e.athena import QueryError
from tests.e2e.environment import modes_of, open_environment, sql_over
from tests.e2e.items import DAY, LIVING, Items, Life, new_run
from tests.e2e.run import REAL, Clocks, Search, Stopped, run
from tests.e2e.where_it_stopped import where_it_stopped
from transform.object_store import error_name

FAILED, MISTAKEN = 1, 2

# REQ-1 and REQ-7 together are six minutes; Firehose's buffer and the function's are two more.
SECONDS = 600


def main(arguments: Sequence[str], clocks: Clocks = REAL) -> int:
    """The exit code: 0 where all is found, 1 where it is not, 2 where it could not be tried."""
    asked = _asked(arguments)
    try:
        _test(asked, clocks)
    except (Stopped, QueryError) as stopped:
        _say(f"FAILED  {stopped}")
        return FAILED
    except UserError as mistake:
        _say(f"e2e: {mistake}")
        return MISTAKEN
    except (BotoCoreError, ClientError) as error:
        _say(f"e2e: AWS refuses: {error_name(error)}")
        return FAILED
    except KeyboardInterrupt:
        return STOPPED
    return 0


def _test(asked: Namespace, clocks: Clocks) -> None:
    names = Names(asked.environment)
    modes = asked.mode or modes_of(asked.environment)
    began = datetime.now(UTC).replace(microsecond=0)
    run_id = new_run(began)
    client = open_environment(names, run_id, os.environ.get("E2E_ROLE", ""))
    _say(f"run     {run_id} in {names.environment}, {' and '.join(modes)}, up to {asked.seconds} s")
    with as_user_errors(f"the table {names.table}", "read"):
        items = Items(client("dynamodb"), names.table)

    def explain(search: Search) -> str:
        try:
            return where_it_stopped(client, names, search.mode, search.life.name, search.life.date, began)
        except (BotoCoreError, ClientError) as error:
            return f"where they are cannot be seen: {error_name(error)}"

    run(
        items,
        [Life(name, run_id, f"{DAY}T09:09:09Z") for name in LIVING],
        {mode: sql_over(names, mode, client) for mode in modes},
        seconds=asked.seconds,
        where_it_stopped=explain,
        say=_say,
        clocks=clocks,
    )


def _asked(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser("make e2e", description=__doc__, epilog="make e2e ENV=dev1 LIMIT=900")
    parser.add_argument("environment", help="dev1, qa1, ...; test is a local endpoint, such as `dmd up`'s")
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, help="how long a change may take (default: %(default)s)"
    )
    parser.add_argument(
        "--mode", type=Format, action="append", choices=list(Format), help="default: those of its terraform.tfvars"
    )
    return parser.parse_args(arguments)


_say = partial(print, flush=True)

if __name__ == "__main__":
    # What cancels a build sends this; what was made is taken away all the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
