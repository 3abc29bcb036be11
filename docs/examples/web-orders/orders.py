"""The Lambda function of the delivery stream: adds the total of an order, and says by what it is partitioned."""

import base64
import json
from decimal import Decimal
from typing import Any


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer a batch of records."""
    return {"records": [answer(record) for record in event["records"]]}


def answer(record: dict[str, Any]) -> dict[str, Any]:
    """Answer one record; one that is not an order fails alone."""
    try:
        order = json.loads(base64.b64decode(record["data"]))
        total = sum(Decimal(item["price"]) * item["quantity"] for item in order["items"])
        keys = {"day": order["placed"][:10], "shop": order["shop"]}
    except (ValueError, KeyError, TypeError) as error:
        print(f"not an order: {type(error).__name__}")
        return {"recordId": record["recordId"], "result": "ProcessingFailed"}
    row = {"id": order["id"], "placed": order["placed"], "total": str(total), "items": order["items"]}
    data = base64.b64encode(json.dumps(row).encode()).decode()
    return {"recordId": record["recordId"], "result": "Ok", "data": data, "metadata": {"partitionKeys": keys}}
