"""Shows failed records: the attributes that a schema names, with personal data redacted."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from glue.model import RecordType, fields, pii_names
from transform.scrub import parse_original, scrub_original

NOT_NAMED = "[no schema names it]"
NOT_A_NAME = "[a name]"

_Members: TypeAlias = Mapping[str, "_Members | None"]

# The members of a change record in lower case: None for a plain value, else the members inside it. Images and keys hold
# attributes only.
_CHANGE: _Members = {
    **dict.fromkeys(("awsregion", "eventid", "eventname", "eventsource", "recordformat", "tablename")),
    "useridentity": dict.fromkeys(("principalid", "type")),
    "dynamodb": {
        **dict.fromkeys(("approximatecreationdatetime", "approximatecreationdatetimeprecision")),
        **dict.fromkeys(("sequencenumber", "sizebytes", "streamviewtype")),
        **{name: {} for name in ("keys", "newimage", "oldimage")},
    },
}
_TAGS = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

# DynamoDB nests attributes 32 deep, each with its type tag. Anything deeper is no change record.
_DEEPEST = 100

# The name of an attribute. Anything else may be a value: a map may have e-mail addresses as its names.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII).fullmatch


class RecordView:
    """Shows records by the schemas of the record types. Names compare without case, at any depth."""

    def __init__(self, types: Mapping[str, RecordType], *, with_personal: bool = False) -> None:
        self._personal = pii_names(types)
        self._with_personal = with_personal
        self._named = {field.name.casefold() for record_type in types.values() for field in fields(record_type.row)}

    def show(self, raw: bytes) -> dict[str, Any] | None:
        """Return what may be shown of the record, or None if it is not a JSON object in UTF-8.

        b'{"eventName":"INSERT","dynamodb":{"NewImage":{"email":{"S":"a@b.c"},"pk":{"S":"x"},"fanId":{"N":"1"}}}}'
          -> {"eventName": "INSERT", "dynamodb": {"NewImage":
              {"email": {"S": "[redacted]"}, "pk": "[no schema names it]", "fanId": {"N": "1"}}}}

        Even with personal data, that of a deletion is redacted, as in its error document.
        """
        try:
            raw.decode()  # as the function does; the redaction would accept other bytes
            redacted = self._redacted(raw)
            document = None if redacted is None else json.loads(redacted)
            return self._object(document, _CHANGE) if isinstance(document, dict) else None
        except (ValueError, RecursionError):
            return None

    def _redacted(self, raw: bytes) -> bytes | None:
        if self._with_personal:
            return scrub_original(raw, self._personal)
        original = parse_original(raw, self._personal)
        return None if original is None else original.redacted

    def _object(self, members: Mapping[str, Any], change: _Members, depth: int = 0) -> dict[str, Any]:
        """Return the members that a schema or `change` names, and the names of the others without their values."""
        if depth > _DEEPEST:
            raise RecursionError
        shown: dict[str, Any] = {}
        for name, value in members.items():
            folded = name.casefold()
            if folded in change:
                shown[name] = self._member(value, change[folded], depth + 1)
            elif folded in self._named:
                shown[name] = self._value(value, depth + 1)
            else:
                shown[name if _NAME(name) else NOT_A_NAME] = NOT_NAMED
        return shown

    def _member(self, value: Any, within: _Members | None, depth: int) -> Any:
        """Return a member of the change record, or NOT_NAMED if such a record has another kind of value there."""
        if within is not None and isinstance(value, dict):
            return self._object(value, within, depth)
        is_plain = not isinstance(value, dict | list) if within is None else value is None
        return self._value(value, depth) if is_plain else NOT_NAMED

    def _value(self, value: Any, depth: int) -> Any:
        """Return a value with or without a type tag: the error output also has rows."""
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, list):
            return [self._value(item, depth + 1) for item in value]
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()  # UTF-8 holds no lone surrogate
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and value.keys() <= _TAGS:
            ((tag, inner),) = value.items()
            shown = self._object(inner, {}, depth + 1) if isinstance(inner, dict) else self._value(inner, depth + 1)
            return {tag: shown}
        return self._object(value, {}, depth + 1)
