"""Answers each order with the day on which it was placed; raises at an order without items."""

import base64
import json
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    print(f"{len(event['records'])} records for {context.function_name}")
    return {"records": [answer(record) for record in event["records"]]}


def answer(record: dict[str, Any]) -> dict[str, Any]:
    order = json.loads(base64.b64decode(record["data"]))
    order["qty"] = sum(item["qty"] for item in order["items"])
    return {
        "recordId": record["recordId"],
        "result": "Ok",
        "data": base64.b64encode(json.dumps(order).encode()).decode(),
        "metadata": {"partitionKeys": {"day": order["placed"][:10]}},
    }
