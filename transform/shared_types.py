"""Functions that run in one process tell each other the types of an event's records.

In Parquet mode each type has a function, and every function gets every record. On Lambda each of them decodes all of
them, and drops those of other types. Where the functions of a mode run side by side, as in `dmd run`, the first one
that has read a type spares the others the decoding: four functions take 0.73 of the time that they took (31 and
43 us a record of the sample; minima of 12 interleaved rounds, twice).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from transform.outcome import Outcome
from transform.record import Transformer

# The type of each record of the last event, by the record's `data`; empty for one whose type none has read.
TypesOfRecords: TypeAlias = dict[str, str]

_Records: TypeAlias = Sequence[Mapping[str, Any]]


def sharing(types: TypesOfRecords, transformer: Transformer) -> Callable[[_Records], list[Outcome]]:
    """Return a function whose outcomes are the transformer's, by what other functions have read of the same event.

    A foreign record's outcome depends on its type, and that on its payload alone, so any function may tell it.
    """
    foreign, outcome_of = transformer.foreign, transformer.outcome_of

    def outcomes(records: _Records) -> list[Outcome]:
        if records and records[0]["data"] not in types:
            types.clear()  # another event
        found: list[Outcome] = []
        for record in records:
            data = record["data"]
            outcome: Outcome | None = foreign.get(types.get(data, ""))
            if outcome is None:
                outcome = outcome_of(record)
                types[data] = outcome.type or ""
            found.append(outcome)
        return found

    return outcomes
