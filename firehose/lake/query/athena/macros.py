"""Trino's functions that DuckDB has to be taught: macros, of which a statement gets those that it uses.

A macro is `athena_<name>(parameters) AS body`. What Trino ends with an error, a failing cast ends here: DuckDB's own
error() may not stand in TRY. `ERRORS` are the sentences that are shown, for no value of a record is in them.
"""

import re
from functools import cache
from pathlib import Path

_USED = re.compile(r"athena_\w+(?=\()")
_DEFINITION = re.compile(r"^(athena_\w+)(\(.*?\)) AS\n((?:    .*\n)+)", re.M)

# Whitespace as Java has it: Trino's trim and casts take these off, DuckDB's trim takes spaces alone.
_BLANKS = (*range(9, 14), *range(28, 33), 0x1680, *range(0x2000, 0x2007), 0x2008, 0x2009, 0x200A, 0x2028, 0x2029)
_BLANKS += (0x205F, 0x3000)

_TEXT = (Path(__file__).parent / "macros.sql").read_text()

# Said by a macro when Trino, too, ends the query: the sentences in athena_raise.
ERRORS = tuple(sorted(one.replace("''", "'") for one in set(re.findall(r"athena_raise\('((?:[^']|'')+)'\)", _TEXT))))

_LEAVE_TRY_ALONE = "SET disabled_optimizers = 'common_subexpressions,expression_rewriter,statistics_propagation'"


@cache
def _definitions() -> dict[str, re.Match[str]]:
    bodies = _TEXT.replace("{BLANKS}", " || ".join(f"chr({one})" for one in _BLANKS))
    return {match[1]: match for match in _DEFINITION.finditer(bodies)}


def definitions(sql: str) -> list[str]:
    """Return CREATE MACRO statements for what a statement uses, those first that others are made of.

    Where TRY is used, also the setting by which DuckDB leaves alone what stands in it: three of its optimizers take
    parts of an expression out of TRY, where a failure ends the query.
    """
    found: dict[str, str] = {}

    def add(text: str) -> None:
        for name in _USED.findall(text):
            definition = _definitions().get(name)
            if definition and name not in found:
                add(definition[3])
                found[name] = f"CREATE OR REPLACE MACRO {name}{definition[2]} AS {definition[3]}"

    add(sql)
    return [*([_LEAVE_TRY_ALONE] if "TRY(" in sql else []), *found.values()]
