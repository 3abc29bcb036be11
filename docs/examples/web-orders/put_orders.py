"""Puts a hundred orders of three shops, and a record that is not an order."""

import json
from typing import Any

import boto3

SHOPS = ("berlin", "oslo", "rome")


def order(number: int) -> dict[str, Any]:
    """Return an order."""
    return {
        "id": str(number),
        "shop": SHOPS[number % 3],
        "placed": f"2026-01-0{1 + number % 2} 10:00:00",
        "items": [{"sku": "mug", "quantity": 1 + number % 4, "price": "9.90"}],
    }


def put_orders() -> None:
    """Put them; a record that was not taken would have to be put again."""
    payloads = [*(json.dumps(order(number)) for number in range(100)), "not an order"]
    records = [{"Data": payload.encode()} for payload in payloads]
    answer = boto3.client("firehose").put_record_batch(DeliveryStreamName="web-orders", Records=records)
    print(f"put {len(records)} records, {answer['FailedPutCount']} were not taken")


if __name__ == "__main__":
    put_orders()
