"""Partition keys of records: from the function's answer, from the record by an inline query, or from both."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from firehose.local.config.inline_keys import InlineKeys
from firehose.local.config.prefix import FROM_LAMBDA, PartitionKey, PartitionKeyError, Prefix
from firehose.local.metrics import Metrics

# Distinct values known to be good are kept, so many: checking a prefix takes hundreds of times as long as a look-up.
_CHECKED = 5000

# The values of the keys in the prefix, in its order.
Values: TypeAlias = tuple[str, ...]

# A record that the function answered Ok: its place in the batch, its data, its partition keys as answered.
OkRecord: TypeAlias = tuple[int, bytes, Any]


class PartitionKeys:
    """Evaluates the partition keys of one stream's records.

    Raises, when it is made:
        QueryError: a query that jq does not compile.
    """

    def __init__(
        self,
        prefix: Prefix,
        query: str,
        name_bytes: int,
        metrics: Metrics,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._prefix = prefix
        self._inline = InlineKeys(query) if query else None
        self._name_bytes = name_bytes
        self._metrics = metrics
        self._seconds = seconds
        self._names = prefix.keys
        self._only_lambda = bool(prefix.takes) and all(key.namespace == FROM_LAMBDA for key in prefix.takes)
        self._checked: set[Values] = set()

    def evaluate(self, oks: Iterable[OkRecord]) -> Iterable[Values | PartitionKeyError]:
        """Returns the values of each record, or what is wrong with them.

        (0, b"...", {"type": "sale", "date": "2025-01-01"}) -> ("sale", "2025-01-01")
        """
        if self._only_lambda:
            return map(self._of_lambda, oks)
        if not self._prefix.takes:
            return [()] * len(list(oks))
        began = self._seconds()
        values = [self._of(data, keys) for _, data, keys in oks]
        self._metrics.add("JQProcessing.Duration", 1000 * (self._seconds() - began))
        return values

    def _of_lambda(self, ok: OkRecord) -> Values | PartitionKeyError:
        # Runs once a row; the rows of one batch have few partitions.
        try:
            values = tuple(map(ok[2].get, self._names))
            if values in self._checked:
                return values
        except (AttributeError, TypeError):
            pass
        return self._of(ok[1], ok[2])

    def _of(self, data: bytes, answered: Any) -> Values | PartitionKeyError:
        try:
            queried = self._inline.of(data) if self._inline else {}
            values = tuple(
                self._value(key, answered if key.namespace == FROM_LAMBDA else queried) for key in self._prefix.takes
            )
            if values not in self._checked:
                self._prefix.check(values, self._name_bytes)
        except PartitionKeyError as error:
            return error
        if len(self._checked) > _CHECKED:
            self._checked.clear()
        self._checked.add(values)
        return values

    def _value(self, key: PartitionKey, keys: Any) -> str:
        value = keys.get(key.name) if isinstance(keys, Mapping) else None
        if not isinstance(value, str) or not value:
            raise PartitionKeyError(f"partition key values must not be null or empty: {key.name}")
        return value
