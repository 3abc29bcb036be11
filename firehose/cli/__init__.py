"""`dmd`: runs a command and turns what goes wrong into a sentence and an exit code.

A file a command. Data goes to stdout, the story to stderr, the verdict is the exit code.
"""

import os
import sys

from firehose.local.user_error import UserError

STOPPED = 130  # the exit code that a shell gives a program that Ctrl-C ended


def main() -> None:
    """Run `dmd`: a user's mistake is one sentence on standard error and exit code 2, never a traceback."""
    try:
        from firehose.cli.app import app  # noqa: PLC0415 - half a second of imports, in which Ctrl-C is no traceback either

        app()
    except UserError as mistake:
        _leave(str(mistake), 2)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except BrokenPipeError:
        # The reader has what it wanted (dmd sample 1000 | head). Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _leave(error.strerror or type(error).__name__, 1)


def _leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"dmd: {sentence}\n")
    sys.exit(code)
