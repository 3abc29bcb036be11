"""The function's reply is an object for Lambda's runtime; or, if REPLY says so, JSON that the runtime passes on."""

import json
from typing import Any

import pytest

from bench.function import Context
from tests.given import Bucket, change, environment, event
from transform.function import as_lambda_calls_it, build

RECORDS = [change(), change(fanId={"N": "1"}), change("sale"), change(fanId={"S": "\u00e9\u4e16\U0001f600"})]


def replies(mode: str, **variables: str) -> tuple[Any, Any]:
    """Return the reply of the function as it is built, and as Lambda calls it."""
    settings = environment("demand", claims=True) | {"FORMAT": mode} | variables
    handler = build(settings, Bucket())
    return handler(event(*RECORDS), Context()), as_lambda_calls_it(handler, settings)(event(*RECORDS), Context())


@pytest.mark.parametrize("mode", ["parquet", "avro"])
@pytest.mark.parametrize("variables", [{}, {"REPLY": "object"}])
def test_the_reply_is_an_object_by_default(mode: str, variables: dict[str, str]) -> None:
    built, called = replies(mode, **variables)

    assert type(called) is dict
    assert json.dumps(called) == json.dumps(built)


@pytest.mark.parametrize("mode", ["parquet", "avro"])
def test_the_reply_is_the_same_object_as_json_in_bytes_if_reply_is_json(mode: str) -> None:
    built, called = replies(mode, REPLY="json")

    assert type(called) is bytes
    assert json.loads(called) == built


def test_ready_json_is_no_longer_than_what_the_runtime_would_make() -> None:
    built, called = replies("parquet", REPLY="json")

    assert len(called) <= len(json.dumps(built))
