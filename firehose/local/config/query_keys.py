"""Reads the keys that a MetadataExtraction query gives from the query's text."""

import re

# A key of an object construction: a name, or a text without escapes and interpolations.
_KEY = re.compile(r'\s*(?:"([^"\\]*)"|([A-Za-z_][A-Za-z0-9_]*))\s*(?::|$)')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def constructed_keys(query: str) -> frozenset[str] | None:
    """Return the keys of a query that is one object construction; return None if its text does not show them.

    '{type: .type, "date": .at[:10], region}' -> {"type", "date", "region"}
    '.meta | {type}' -> None
    """
    parts = _members(query.strip())
    if parts is None:
        return None
    keys = [_KEY.match(part) for part in parts if part.strip()]
    if not all(keys):
        return None  # {$key}, {(.name): 1}, {"\(.a)": 1}
    return frozenset(key[1] if key[1] is not None else key[2] for key in keys if key)


def _members(query: str) -> list[str] | None:
    """Return the parts between the commas, if the query is one pair of braces."""
    if not (query.startswith("{") and query.endswith("}")):
        return None
    blank = _STRING.sub(lambda text: "_" * len(text[0]), query)
    depth, starts, parts = 0, 1, []
    for place, letter in enumerate(blank):
        depth += (letter in "{[(") - (letter in "}])")
        if depth == 0 and place < len(query) - 1:
            return None  # two constructions, such as `{a} | {b}`
        if (letter == "," and depth == 1) or depth == 0:
            parts.append(query[starts:place])
            starts = place + 1
    return parts
