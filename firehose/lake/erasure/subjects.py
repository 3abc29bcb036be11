"""The people whose personal data are erased, by the ids that rows and records have of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from firehose.lake.erasure.mentioned import mentioned, separators_in
from firehose.local.os_errors import file_named
from firehose.local.user_error import UserError

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Subjects:
    """The ids of subjects, each with the time of its erasure in epoch microseconds. Later changes are a new consent."""

    def __init__(self, until_micros: Mapping[str, int]) -> None:
        self.until_micros = dict(until_micros)
        self._separators = frozenset(map(separators_in, until_micros))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids."""
        return iter(self.until_micros)

    def __contains__(self, subject: object) -> bool:
        """Return True if an id is one of these."""
        return subject in self.until_micros

    def among(self, _: Callable[[], Iterable[str]]) -> list[str]:
        """Return the subjects that may be among some ids, which need not be read: all of them."""
        return list(self.until_micros)

    def covers(self, subject: str, changed_micros: int | None) -> bool:
        """Return True if a change of a subject is not later than the erasure. One without a time is not."""
        return changed_micros is None or changed_micros <= self.until_micros[subject]

    def in_text(self, text: str) -> set[str]:
        """Return the subjects whose id is in a text, as a whole or between characters that no id has.

        'a fan f1, as {"fanId":"f2"}' -> {"f1", "f2"}; "e1_s1_f1", "f1-a" -> none
        """
        return self.until_micros.keys() & mentioned(text, self._separators)

    def in_strings(self, value: object) -> set[str]:
        """Return the subjects whose id is in any string of a JSON value, at any depth, names included."""
        return self.in_text("\n".join(_strings(value)))

    def in_unparsed(self, text: str) -> set[str]:
        r"""Return the subjects whose id is in what is not JSON, as it is or unescaped: "\u0066\u0031"."""
        # Two escapes may be the halves of one character.
        unescaped = _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return self.in_text(text) | self.in_text(unescaped)


def read_subjects(file: Path) -> list[str]:
    """Return the ids in a file, one a line. Blanks around an id, and empty lines, do not count.

    Raises:
        UserError: the file cannot be read, is not UTF-8, or holds no id.
    """
    try:
        with file_named(file):
            text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8: an id a line") from None
    ids = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not ids:
        raise UserError(f"{file} holds no id: it should have one a line")
    return ids


def _strings(value: object) -> Iterable[str]:
    # A list of what is still to be looked at: JSON may be nested deeper than Python's calls.
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | tuple):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.keys()
            waiting += one.values()


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _CONTROLS.get(found[2], found[2])
