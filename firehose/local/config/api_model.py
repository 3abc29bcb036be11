"""Checks a request against AWS's own model of the API: names, types, required members, enums, bounds, patterns.

The model is the file that botocore ships, read when the first request is checked. So no bound of the API is written a
second time here, and a newer botocore brings its own. Reading the file takes 5 ms of processor time, and 10 with the
check; loading it through botocore's classes takes 130 ms, a quarter of the start of `dmd run` (measured).
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias
from unicodedata import category

from firehose.local.config.members import RefusedSettingError

Shape: TypeAlias = Mapping[str, Any]
Violation: TypeAlias = tuple[str, str]  # the path of a member, and the constraint that it does not satisfy

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "structure": Mapping,
    "map": Mapping,
    "list": (list, tuple),
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "timestamp": (int, float, str, datetime),
}
_BITS = {"integer": 31, "long": 63}


def check_request(request: Any, operation: str = "CreateDeliveryStream") -> None:
    """Refuse a request that violates the API's model of an operation.

    One message lists all violations in AWS's words, behind the path of the first one in the API's spelling:
    "ExtendedS3DestinationConfiguration.BufferingHints.SizeInMBs: 1 validation error detected: Value at
    'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value
    less than or equal to 128". Like the real service, it quotes no values.

    Raises:
        RefusedSettingError: ValidationException; SerializationException for a value of another JSON type, which the
            service checks first. The service ignores unknown members, but the SDKs refuse them, and so do we.
    """
    violations = list(_check(f"{operation}Input", request, ""))
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        said = "; ".join(f"Value at '{_wire(path)}' failed to satisfy constraint: {rule}" for path, rule in violations)
        reason = f"{len(violations)} validation {noun} detected: {said}"
        raise RefusedSettingError(violations[0][0], reason, "ValidationException")


@cache
def _shapes() -> Mapping[str, Shape]:
    package = find_spec("botocore")
    (place,) = package.submodule_search_locations or [] if package else []
    # A folder for each version of the API, by its date.
    newest = max(Path(place, "data", "firehose").glob("*/service-2.json.gz"))
    shapes: Mapping[str, Shape] = json.loads(gzip.decompress(newest.read_bytes()))["shapes"]
    return shapes


def _check(name: str, value: Any, path: str) -> Iterator[Violation]:
    shape = _shapes()[name]
    kind = shape["type"]
    if not _is_of(kind, value):
        raise RefusedSettingError(path or "request", f"must be of the type {kind}", "SerializationException")
    return _CHECKS.get(kind, _check_number)(shape, value, path)


def _is_of(kind: str, value: Any) -> bool:
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    return kind not in _BITS or -(2 ** _BITS[kind]) <= value < 2 ** _BITS[kind]


def _check_structure(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    present = {name: one for name, one in value.items() if one is not None}
    for name in present:
        if name not in shape["members"]:
            raise RefusedSettingError(
                _below(path, name) or "request", "is not a member of the API", "ValidationException"
            )
    for name, member in shape["members"].items():
        if name in present:
            yield from _check(member["shape"], present[name], _below(path, name))
        elif name in shape.get("required", ()):
            yield _below(path, name), "Member must not be null"


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _check_list(shape: Shape, value: list[Any], path: str) -> Iterator[Violation]:
    yield from ((path, rule) for rule in _length(shape, len(value)))
    element = shape["member"]["shape"]
    for place, one in enumerate(value):
        if one is None:
            yield f"{path}[{place}]", "Member must not be null"
        elif _shapes()[element]["type"] == "structure":
            yield from _check(element, one, f"{path}[{place}]")
    scalars = [one for one in value if one is not None] if _shapes()[element]["type"] != "structure" else []
    if any(list(_check(element, one, path)) for one in scalars):
        yield path, f"Member must satisfy constraint: {_rules(element)}"


def _check_map(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    for part, name, listed in (("keys", "key", value), ("value", "value", value.values())):
        element = shape[name]["shape"]
        # AWS lists all rules once, however many entries break any of them.
        if any(list(_check(element, one, path)) for one in listed):
            yield path, f"Map {part} must satisfy constraint: {_rules(element)}"


def _rules(name: str) -> str:
    shape = _shapes()[name]
    rules = [_MOST_LONG.format(shape["max"])] if "max" in shape else []
    rules += [_LEAST_LONG.format(shape["min"])] if "min" in shape else []
    rules += [_PATTERN.format(shape["pattern"])] if "pattern" in shape else []
    return f"[{', '.join(rules)}]"


_MOST_LONG = "Member must have length less than or equal to {}"
_LEAST_LONG = "Member must have length greater than or equal to {}"
_PATTERN = "Member must satisfy regular expression pattern: {}"


def _check_text(shape: Shape, value: str, path: str) -> Iterator[Violation]:
    if "enum" in shape and value not in shape["enum"]:
        yield path, f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"
    # Java counts UTF-16 units.
    for rule in _length(shape, len(value.encode("utf-16-le", "surrogatepass")) // 2):
        yield path, rule
    if "pattern" in shape and not _matches(shape["pattern"], value):
        yield path, _PATTERN.format(shape["pattern"])


def _length(shape: Shape, length: int) -> Iterator[str]:
    if length > shape.get("max", length):
        yield _MOST_LONG.format(shape["max"])
    if length < shape.get("min", length):
        yield _LEAST_LONG.format(shape["min"])


def _check_number(shape: Shape, value: float, path: str) -> Iterator[Violation]:
    # NaN is neither, and breaks both bounds, as in AWS.
    if "max" in shape and not value <= shape["max"]:
        yield path, f"Member must have value less than or equal to {shape['max']}"
    if "min" in shape and not value >= shape["min"]:
        yield path, f"Member must have value greater than or equal to {shape['min']}"


_CHECKS: Mapping[str, Callable[[Shape, Any, str], Iterator[Violation]]] = {
    "structure": _check_structure,
    "list": _check_list,
    "map": _check_map,
    "string": _check_text,
    "boolean": lambda _shape, _value, _path: iter(()),
    "timestamp": lambda _shape, _value, _path: iter(()),
}


def _wire(path: str) -> str:
    """Return a path as AWS's messages spell it: `Tags[0].Key` -> `tags.1.member.key`."""
    numbered = re.sub(r"\[(\d+)\]", lambda place: f".{int(place[1]) + 1}.member", path)
    return ".".join(name[:1].lower() + name[1:] for name in numbered.split("."))


# Java's patterns differ from Python's: `.` matches none of five line terminators, and \p{L}, \p{N}, \p{Z} are
# categories of Unicode. For those, each character beyond ASCII is replaced by `a`, `0` or a space before the match; \s
# and \S know only ASCII's spaces, so a key with a no-break space is accepted (measured).
_JAVA = re.compile(r"\\p\{([LNZ])\}|\\.|\[\^?\]?|\]|\.", re.DOTALL)
_CATEGORIES = {"L": "a-zA-Z", "N": "0-9", "Z": " "}
_STAND_INS = {"L": "a", "N": "0", "Z": " "}


@cache
def _java_pattern(pattern: str) -> re.Pattern[str]:
    inside = False

    def translated(found: re.Match[str]) -> str:
        nonlocal inside
        part = found[0]
        if found[1]:
            return _CATEGORIES[found[1]]
        if part[0] in "[]":
            inside = part[0] == "["
        return "[^\n\r\u0085\u2028\u2029]" if part == "." and not inside else part

    return re.compile(_JAVA.sub(translated, pattern), re.ASCII)


def _matches(pattern: str, text: str) -> bool:
    read = _by_category(text) if r"\p{" in pattern and not text.isascii() else text
    return _java_pattern(pattern).fullmatch(read) is not None


def _by_category(text: str) -> str:
    return "".join(one if one.isascii() else _STAND_INS.get(category(one)[0], one) for one in text)
