"""The members of a request's structures, each taken once, so that none can be overlooked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class UnsupportedSettingError(ValueError):
    """A setting that the local data plane does not carry out, or that Firehose itself would refuse."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class Members:
    """The members of one structure; each is taken once, and `end` refuses those that nobody took."""

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, Mapping):
            raise UnsupportedSettingError(path or "request", "must be a structure")
        self._values = dict(values)
        self._path = path

    def path(self, name: str) -> str:
        """The path of a member: `BufferingHints.SizeInMBs`."""
        return f"{self._path}.{name}" if self._path else name

    def refuse(self, name: str, reason: str) -> UnsupportedSettingError:
        """The error that refuses a member."""
        return UnsupportedSettingError(self.path(name), reason)

    def end(self) -> None:
        """Refuses the members that nobody took."""
        for name in self._values:
            raise self.refuse(name, "is not carried out by the local data plane")

    def has(self, name: str) -> bool:
        """Whether a member is there and was not taken yet."""
        return name in self._values

    def no_effect(self, name: str) -> None:
        """Takes a member that changes nothing here; the caller says why."""
        self._values.pop(name, None)

    def members(self, name: str) -> "Members":
        """Takes a structure that must be there."""
        if name not in self._values:
            raise self.refuse(name, "is required by the local data plane")
        return Members(self._values.pop(name), self.path(name))

    def optional(self, name: str) -> "Members":
        """Takes a structure, empty where it is absent."""
        return Members(self._values.pop(name, {}), self.path(name))

    def entries(self, name: str) -> list["Members"]:
        """Takes a list of structures."""
        values = self._values.pop(name, [])
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise self.refuse(name, "must be a list")
        return [Members(value, f"{self.path(name)}[{place}]") for place, value in enumerate(values)]

    def text(self, name: str, default: str | None = None) -> str:
        """Takes a text, required unless it has a default."""
        value = self._values.pop(name, default)
        if value is None:
            raise self.refuse(name, "is required")
        if not isinstance(value, str) or (value == "" and default is None):
            raise self.refuse(name, "must be a text that is not empty" if default is None else "must be a text")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """Takes a whole number within bounds."""
        value = self._values.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.refuse(name, f"must be a whole number from {least} to {most}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Takes true or false."""
        value = self._values.pop(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, "must be true or false")
        return value

    def only(self, name: str, *carried_out: Any, default: Any = None) -> Any:
        """Takes a member of which only some values are carried out, the first by default."""
        value = self._values.pop(name, carried_out[0] if default is None else default)
        if value not in carried_out or isinstance(value, bool) is not isinstance(carried_out[0], bool):
            raise self.refuse(name, f"{value!r} is not carried out; {' or '.join(map(repr, carried_out))} is")
        return value

    def parsed(self, name: str, parse: Callable[[str], T], default: str | None = None) -> T:
        """Takes a text that `parse` reads; a ValueError of its refuses the member."""
        text = self.text(name, default)
        try:
            return parse(text)
        except ValueError as error:
            raise self.refuse(name, str(error)) from None
