"""Every failed record has an error document, in an object that a retry writes again."""

import pytest

from tests.fates import FATES
from tests.given import Bucket, Function, change, event, results
from transform.errors import batch_digest


@pytest.mark.parametrize("name", ["with a time that is none", "with a wrong attribute", "out of its table's range"])
def test_the_error_document_of_a_record_names_its_type(name: str) -> None:
    assert Function().failure(FATES[name])["type"] == "demand"


def test_error_documents_that_cannot_be_written_cost_nothing_but_a_log_line() -> None:
    class Refusing(Bucket):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            raise OSError("no +15550100 here")

    function = Function(bucket=Refusing())

    answered = function(change(), b"nope")

    assert results(answered) == ["Ok", "ProcessingFailed"]
    assert any(line["message"] == "error documents not written" for line in function.logs())
    assert "+15550100" not in function.printed


def test_documents_of_other_records_and_days_are_written_though_one_cannot_be() -> None:
    class RefusingTheFirst(Bucket):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            if "2025-01-01" in key:
                raise OSError
            super().put(key, body, content_type)

    function = Function(bucket=RefusingTheFirst())
    invocation = event(b"nope", b"nope", b"nope")
    invocation["records"][1]["approximateArrivalTimestamp"] += 86_400_000
    invocation["records"][2]["approximateArrivalTimestamp"] = None

    answered = function.reply(invocation)

    assert results(answered) == ["ProcessingFailed"] * 3
    assert len(function.bucket.documents()) == 1
    assert sum(line.get("times", 0) for line in function.logs()) == 2


def test_the_digest_of_a_batch_depends_on_where_each_record_id_ends() -> None:
    assert batch_digest(["a", "bc"]) != batch_digest(["ab", "c"])


def test_objects_of_other_records_have_other_names() -> None:
    names: list[str] = []
    for bad in (b"one", b"two"):
        function = Function()
        invocation = event(bad, change(), change("sale"))
        invocation["records"][1]["recordId"] += bad.decode()
        function.reply(invocation)
        names.append(*function.bucket.objects)
    swapped = Function()
    invocation = event(b"one", change(), change("sale"))
    invocation["records"][1]["recordId"] += "one"
    invocation["records"][1:] = invocation["records"][:0:-1]
    swapped.reply(invocation)

    assert len({*names, *swapped.bucket.objects}) == 3
