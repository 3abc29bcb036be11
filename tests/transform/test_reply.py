"""The reply holds as much as Lambda can answer, to the byte, and no record id stops it."""

import json
from typing import Any

import pytest

from tests.given import LIMIT_BYTES, Function, change, change_of, event, image, results, s

LARGE = 1_080_000  # four rows of it are a reply of 5.8 MB


def nearly_full(record_id: str) -> dict[str, Any]:
    """An invocation of four large rows, whose last record has this id and is dropped."""
    invocation = event(*[change("sale", name=s("x" * LARGE))] * 4, change_of(image("venue")))
    invocation["records"][-1]["recordId"] = record_id
    return invocation


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"'], ids=["ASCII", "two bytes", "astral", "escaped"])
def test_a_reply_that_fits_to_its_last_byte_is_whole(letter: str) -> None:
    empty = len(json.dumps(Function().reply(nearly_full(""))))
    written = len(json.dumps(letter)) - 2
    letters, rest = divmod(LIMIT_BYTES - empty, written)

    fits = Function().reply(nearly_full(letter * letters + "x" * rest))
    passes = Function().reply(nearly_full(letter * letters + "x" * (rest + 1)))

    assert len(json.dumps(fits)) == LIMIT_BYTES
    assert results(fits) == ["Ok"] * 4 + ["Dropped"]
    assert results(passes) == ["Ok"] * 3 + ["ProcessingFailed", "Dropped"]


def test_the_rows_that_are_left_may_fill_the_reply_to_its_last_byte() -> None:
    """One row more than fits costs that row alone."""
    too_many = Function().reply(nearly_full("x" * LARGE))
    padding = LIMIT_BYTES - len(json.dumps(too_many))

    filled = Function().reply(nearly_full("x" * (LARGE + padding)))

    assert results(too_many) == results(filled) == ["Ok"] * 3 + ["ProcessingFailed", "Dropped"]
    assert len(json.dumps(filled)) == LIMIT_BYTES


def test_a_record_id_that_is_not_unicode_costs_no_other_record() -> None:
    """Neither where its record fails, and has an error document, nor where it is delivered."""
    for mode in ("parquet", "avro"):
        function = Function(format=mode)
        invocation = event(change("sale"), b"nope", b"nope", change("sale"))
        invocation["records"][1]["recordId"] = "\ud800"
        invocation["records"][3]["recordId"] = "id \udfff"

        answered = results(function.reply(invocation))

        assert answered[1:3] == ["ProcessingFailed"] * 2
        assert answered[0] == answered[3] == {"parquet": "Ok", "avro": "Dropped"}[mode]
        documents = [
            json.loads(line)
            for key, body in function.bucket.objects.items()
            if key.endswith(".jsonl")
            for line in body.splitlines()
        ]
        assert [document["recordId"] for document in documents] == ["?", invocation["records"][2]["recordId"]]
