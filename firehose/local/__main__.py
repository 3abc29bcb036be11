"""A local AWS endpoint in which Firehose works: python -m firehose.local [--port N]."""

import argparse
import sys

from firehose.local.endpoint.serve import serve
from firehose.local.user_error import UserError


def main() -> int:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m firehose.local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the port; a free one by default")
    parser.add_argument(
        "--interval",
        type=int,
        metavar="SECONDS",
        help="the most seconds until a record is delivered; the buffer intervals of the streams by default",
    )
    arguments = parser.parse_args()
    try:
        serve(arguments.port, arguments.interval)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
