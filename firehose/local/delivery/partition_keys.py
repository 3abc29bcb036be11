"""Partition keys of records: from the function's answer, from an inline query, or from both."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from firehose.local.behaviour import ScalarKeys
from firehose.local.config.prefix import FROM_LAMBDA, PartitionKey, PartitionKeyError, Prefix
from firehose.local.conversion.documents import kind_of
from firehose.local.processors.stage import OkRecord, Processed

# The number of valid values that are cached: checking a prefix takes hundreds of times as long as a look-up.
_CHECKED = 5000

# The values of the keys in the prefix, in its order.
Values: TypeAlias = tuple[str, ...]

# AWS's text, which others saw; the key in brackets after it is ours.
NULL_OR_EMPTY = "partitionKeys values must not be null or empty"


class QueryKeyError(PartitionKeyError):
    """A query gave no value for a key."""


class PartitionKeys:
    """Evaluates the partition keys of one stream's records."""

    def __init__(self, prefix: Prefix, name_bytes: int, scalar_keys: ScalarKeys = ScalarKeys.AS_TEXT) -> None:
        self._scalars_as_text = scalar_keys is ScalarKeys.AS_TEXT
        self._prefix = prefix
        self._name_bytes = name_bytes
        self._names = prefix.keys
        self._only_lambda = bool(prefix.takes) and all(key.namespace == FROM_LAMBDA for key in prefix.takes)
        self._checked: set[Values] = set()

    def evaluate(self, processed: Processed) -> Iterable[Values | PartitionKeyError]:
        """Returns the key values of each ok record, or the error that says what is wrong with them.

        ok=[(0, b"...", {"type": "sale", "date": "2025-01-01"})] -> ("sale", "2025-01-01")
        """
        if self._only_lambda:
            return map(self._of_lambda, processed.ok)
        if not self._prefix.takes:
            return [()] * len(processed.ok)
        return [self._of(keys, processed.query_keys.get(index)) for index, _, keys in processed.ok]

    def _of_lambda(self, ok: OkRecord) -> Values | PartitionKeyError:
        # Runs once a row; the rows of one batch have few partitions.
        try:
            values = tuple(map(ok[2].get, self._names))
            if values in self._checked:
                return values
        except (AttributeError, TypeError):
            pass
        return self._of(ok[2], None)

    def _of(self, function_keys: Any, query_keys: Mapping[str, str] | None) -> Values | PartitionKeyError:
        try:
            values = tuple(self._value(key, function_keys, query_keys) for key in self._prefix.takes)
            if values not in self._checked:
                self._prefix.check(values, self._name_bytes)
        except PartitionKeyError as error:
            return error
        if len(self._checked) > _CHECKED:
            self._checked.clear()
        self._checked.add(values)
        return values

    def _value(self, key: PartitionKey, function_keys: Any, query_keys: Mapping[str, str] | None) -> str:
        if key.namespace == FROM_LAMBDA:
            value = self._function_value(key.name, function_keys)
            if not value:
                raise PartitionKeyError(f"{NULL_OR_EMPTY} [{key.name}]")
            return value
        found = (query_keys or {}).get(key.name)
        if not found:
            raise QueryKeyError(f"{NULL_OR_EMPTY} [{key.name}]")
        return found

    def _function_value(self, name: str, keys: Any) -> str | None:
        if keys is None:
            return None
        if not isinstance(keys, Mapping):
            raise PartitionKeyError(f"metadata.partitionKeys must be an object, got {kind_of(keys)}")
        value = keys.get(name)
        if value is None or isinstance(value, str):
            return value
        if self._scalars_as_text and isinstance(value, bool | int | float):
            return json.dumps(value)
        wanted = "a string, a number or a boolean" if self._scalars_as_text else "a string"
        raise PartitionKeyError(f"metadata.partitionKeys.{name} must be {wanted}, got {kind_of(value)}")
