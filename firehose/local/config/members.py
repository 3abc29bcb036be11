"""Reads the members of a request, so that none is overlooked, and defines the errors that refuse one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class SettingError(ValueError):
    """A setting of a delivery stream that is refused or unsupported; the text begins with the path of its member.

    `code` is AWS's error code if AWS refuses the setting, else `Unsupported`; `reason` is the text without the path.
    """

    def __init__(self, path: str, reason: str, code: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.code = code


class RefusedSettingError(SettingError):
    """A setting that Firehose itself refuses, by its API model (ValidationException) or by a rule beyond it."""

    def __init__(self, path: str, reason: str, code: str = "InvalidArgumentException") -> None:
        super().__init__(path, reason, code)


class UnsupportedSettingError(SettingError):
    """A setting that Firehose accepts and the local Firehose does not support."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason, "Unsupported")


class Notes(msgspec.Struct):
    """Paths of members that change nothing here, and warnings about settings that AWS takes and that harm."""

    without_effect: list[str] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)


class Members:
    """The members of one structure of a request. The request has passed the API model, so their types are right.

    Each is taken once; `reject_unknown` refuses those that nobody took, such as a member of a newer API. A null is an
    absent member, as in AWS's JSON. `notes` are those of all structures of the request.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "", notes: Notes | None = None) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._path = path
        self.notes = notes or Notes()

    def path(self, name: str) -> str:
        """Return the path of a member: `BufferingHints.SizeInMBs`."""
        return f"{self._path}.{name}" if self._path else name

    def refused(self, name: str, reason: str, code: str = "InvalidArgumentException") -> RefusedSettingError:
        """Return the error for a member that Firehose refuses."""
        return RefusedSettingError(self.path(name), reason, code)

    def unsupported(self, name: str, change: str, subject: str = "this") -> SettingError:
        """Return the error for a member that Firehose accepts and the local Firehose does not support.

        `change` says what to write instead, `subject` what is not supported.
        """
        reason = f"AWS takes {subject}, and the local Firehose does not support it: {change}"
        return UnsupportedSettingError(self.path(name), reason)

    def reject_unknown(self) -> None:
        """Refuse the members that have not been taken."""
        for name in self._values:
            raise self.unsupported(name, "leave it out")

    def has(self, name: str) -> bool:
        """Return whether a member is present and not taken yet."""
        return name in self._values

    def take(self, name: str, default: Any = None) -> Any:
        """Take a member."""
        return self._values.pop(name, default)

    def report_ignored(self, name: str) -> None:
        """Report a member that has no effect here, although a user may expect one."""
        self.notes.without_effect.append(self.path(name))

    def warn(self, name: str, reason: str) -> None:
        """Note a setting that AWS takes, though it does harm."""
        self.notes.warnings.append(f"{self.path(name)}: {reason}")

    def members(self, name: str) -> "Members":
        """Take a structure, empty if it is absent."""
        return Members(self._values.pop(name, {}), self.path(name), self.notes)

    def entries(self, name: str) -> list["Members"]:
        """Take a list of structures."""
        listed = enumerate(self._values.pop(name, ()))
        return [Members(value, f"{self.path(name)}[{place}]", self.notes) for place, value in listed]

    def parsed(self, name: str, parse: Callable[[str], T], default: str = "") -> T:
        """Take a text and parse it; a ValueError of `parse` is refused as by Firehose."""
        try:
            return parse(self.take(name, default))
        except ValueError as error:
            raise self.refused(name, str(error)) from None
