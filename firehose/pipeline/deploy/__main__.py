"""`make plan`, `make deploy` and `make rollback`: python -m firehose.pipeline.deploy deploy dev1."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import partial

from firehose.local.endpoint.endpoint import Account
from firehose.local.user_error import UserError
from firehose.pipeline.deploy.environments import find_environment
from firehose.pipeline.deploy.release import deploy, open_terraform, plan
from firehose.pipeline.deploy.rollback import rollback
from firehose.pipeline.package import PROJECT

STOPPED = 130


def main(arguments: Sequence[str]) -> int:
    """Run one step; return the exit code: 0 if it succeeded, 2 with a message if not."""
    parser = ArgumentParser("deploy", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["plan", "deploy", "rollback"])
    parser.add_argument("environment", help="dev1, qa1, preprod1 or prod1")
    parser.add_argument(
        "version", nargs="?", default="", help="for rollback: the number of the version, or the hash of its code"
    )
    options = parser.parse_args(arguments)
    try:
        environment = find_environment(options.environment, PROJECT)
        if options.step == "rollback":
            rollback(environment, options.version, Account(), say=_say)
        elif options.step == "plan":
            plan(environment, open_terraform(environment))
        else:
            deploy(environment, open_terraform(environment), Account(), say=_say)
    except UserError as error:
        print(f"deploy: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return STOPPED
    return 0


_say = partial(print, flush=True)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
