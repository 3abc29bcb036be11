"""The Python baselines for the function: (a) the floor and (b) the idiom.

Both leave out much of the function's work: change and reference, redaction, partition keys, the reply, metrics.
"""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

import fastavro
import orjson
import pybase64
from boto3.dynamodb.types import TypeDeserializer

from bench.image_schema import image_schema
from glue.schema import load


def floor(encoded: Iterable[str]) -> int:
    """Do (a) the least work of any Python function: base64, orjson decode, orjson encode of the image, base64.

    Return the number of records that are not JSON or have no image.
    """
    failed = 0
    for data in encoded:
        try:
            base64.b64encode(orjson.dumps(_image(orjson.loads(base64.b64decode(data))))).decode()
        except (KeyError, TypeError, ValueError):
            failed += 1
    return failed


def pybase64_floor(encoded: Iterable[str]) -> int:
    """Do the same with pybase64, as the function does: the least work for who knows it."""
    failed = 0
    for data in encoded:
        try:
            image = _image(orjson.loads(pybase64.b64decode(data, None, True)))  # noqa: FBT003 - as the function does
            pybase64.b64encode_as_string(orjson.dumps(image))
        except (KeyError, TypeError, ValueError):
            failed += 1
    return failed


def idiom() -> Callable[[Iterable[str]], int]:
    """Return (b) the obvious function: boto3's TypeDeserializer, fastavro.validate, json.dumps.

    It returns the number of records that it refuses: invalid ones too.
    """
    schemas = {name: fastavro.parse_schema(image_schema(kind)) for name, kind in load().items()}
    deserialize = _Deserializer().deserialize

    def run(encoded: Iterable[str]) -> int:
        failed = 0
        for data in encoded:
            try:
                image = _image(json.loads(base64.b64decode(data)))
                row = {name: deserialize(attribute) for name, attribute in image.items()}
                fastavro.validate(row, schemas[row["type"]])
                base64.b64encode(json.dumps(row).encode()).decode()
            except (KeyError, TypeError, ValueError, fastavro.validation.ValidationError):
                failed += 1
        return failed

    return run


class _Deserializer(TypeDeserializer):  # type: ignore[misc] # boto3 has no types
    """boto3's TypeDeserializer, but with numbers and sets that json.dumps can write; also faster than Decimal."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)

    def _deserialize_ss(self, value: list[str]) -> list[str]:
        return value


def _image(change: dict[str, Any]) -> dict[str, Any]:
    image: dict[str, Any] = change["dynamodb"]["OldImage" if change["eventName"] == "REMOVE" else "NewImage"]
    return image
