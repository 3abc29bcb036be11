"""The stream and its function under test: in this process, and on an endpoint made by the script that makes it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from make_stream import make_stream
from orders import handler
from put_orders import order, put_orders

HERE = Path(__file__).parent
STREAM = json.loads((HERE / "stream.json").read_text())
TABLE = json.loads((HERE / "table.json").read_text())


def test_an_order_lands_below_its_day_and_shop(firehose: Any) -> None:
    orders = firehose.create(STREAM, table=TABLE, handler=handler)

    orders.put(order(7))
    firehose.advance(seconds=180)

    (row,) = orders.rows("orders/day=2026-01-02/shop=oslo/")
    assert (row["id"], row["total"]) == ("7", Decimal("39.60"))


def test_a_record_that_is_no_order_is_kept_with_its_reason(firehose: Any) -> None:
    orders = firehose.create(STREAM, table=TABLE, handler=handler)

    orders.put("not an order")
    firehose.advance(seconds=180)

    (error,) = orders.errors("errors/processing-failed/")
    assert error["errorCode"] == "Lambda.ProcessingFailedStatus"


def test_no_order_is_lost_while_the_bucket_refuses_objects(firehose: Any) -> None:
    orders = firehose.create(STREAM, table=TABLE, handler=handler)
    orders.inject("s3-denied", times=3)

    orders.put(order(7))
    firehose.advance(seconds=600)

    assert len(orders.rows("orders/")) == 1


def test_what_the_scripts_make_and_put_is_in_the_bucket(firehose_endpoint: Any) -> None:
    make_stream()

    put_orders()
    firehose_endpoint.advance(180)

    assert len(firehose_endpoint.rows("orders/", bucket="web-orders")) == 100
    assert len(firehose_endpoint.errors("errors/", bucket="web-orders")) == 1
    assert firehose_endpoint.counts("web-orders")["waiting"] == 0
