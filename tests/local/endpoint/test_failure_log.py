"""The endpoint's own log: where things lie, and why records failed."""

import pytest

from tests.endpoints import LocalAws, partitioned


def test_it_says_once_where_objects_lie_and_why_the_first_of_each_kind_failed(
    aws: LocalAws, capfd: pytest.CaptureFixture[str]
) -> None:
    aws.create(partitioned(aws.function()))

    aws.put({"day": "mon"}, {"day": "tue", "result": "ProcessingFailed"}, {"day": "tue", "result": "ProcessingFailed"})
    aws.control("flush", {})
    aws.put({"day": "mon"}, {"day": "secret", "result": "ProcessingFailed"})
    aws.control("flush", {})

    said = capfd.readouterr().err
    assert said.count("orders: delivered to s3://lake/orders/day=mon/") == 1
    assert said.count("orders: Lambda.ProcessingFailedStatus: ") == 1
    kept = said.partition("; kept in s3://lake/")[2].splitlines()[0]
    assert kept in aws.objects("errors/processing-failed/")
    assert "secret" not in said
