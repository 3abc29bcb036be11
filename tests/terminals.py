"""Commands at a terminal of some width."""

import fcntl
import os
import pty
import struct
import termios

from tests.commands import DMD


def at_terminal(columns: int, *arguments: str) -> list[str]:
    """The lines that `dmd` prints at a terminal of so many columns."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        os.execve(DMD[0], [*DMD, *arguments], variables)  # noqa: S606 - no shell is wanted
    printed = b""
    while chunk := _read(terminal):
        printed += chunk
    os.close(terminal)
    os.waitpid(child, 0)
    return printed.decode().split("\r\n")[:-1]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux's for a terminal whose other end is closed
        return b""
