"""The names that `dmd console` defines: configuration, schemas, functions and lake of a pipeline."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.deployed import (
    catalog_table,
    delivery_streams,
    function_arn,
    function_configuration,
    stream_request,
)
from firehose.local.endpoint.endpoint import Services
from firehose.local.processors.printed import captured_output
from firehose.local.user_error import UserError
from firehose.pipeline.change_records import number_changes
from firehose.pipeline.names import Names
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import StreamConfiguration, local_streams
from glue.layout import Format
from glue.model import pii_names
from glue.schema import SCHEMAS, load
from transform.function import Handler, build

# This many sample changes contain dozens of each type.
_SAMPLE_CHANGES = 1_000


class PutObjects(dict[str, bytes]):
    """A sink that keeps the objects that functions put, by key. A console writes nothing anywhere else."""

    def put(self, key: str, body: bytes, content_type: str) -> None:  # noqa: ARG002 - as S3 is called
        """Keep one object."""
        self[key] = body


@dataclass(frozen=True)
class ConsoleSession:
    """The delivery streams of an environment or of this laptop, and the lake that they fill.

    ConsoleSession(local_configuration(Format.PARQUET), ".local/lake").process(change) -> {"sale": {...}}
    """

    configuration: Mapping[str, StreamConfiguration]  # by type or mode: sale, avro
    lake: str
    schemas: Path = SCHEMAS

    @cached_property
    def names(self) -> dict[str, Any]:
        """The variables of the console."""
        return {
            "configuration": self.configuration,
            "types": load(self.schemas),
            "functions": self.functions,
            "process": self.process,
            "objects": self.objects,
            "sample": sample,
            "sql": self.sql,
            "lake": self.lake,
        }

    @cached_property
    def objects(self) -> PutObjects:
        """The objects that functions have put since the console was opened: error documents, Avro containers."""
        return PutObjects()

    @cached_property
    def functions(self) -> dict[str, Handler]:
        """The functions, by this checkout's code and the configuration's variables.

        Raises:
            ConfigurationError: this code does not accept the deployed variables.
        """
        return {name: build(one.variables, self.objects, self.schemas) for name, one in self.configuration.items()}

    def process(self, change: bytes | str | Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the answer of each function to a change record, except those that drop it.

        {"eventName": "INSERT", "dynamodb": {...}, ...}
            -> {"sale": {"result": "Ok", "partitionKeys": {...}, "row": {...}, "objects": []}}
        """
        answers = {name: self._answer(name, _payload(change)) for name in self.functions}
        return {name: one for name, one in answers.items() if one["result"] != "Dropped" or one["objects"]}

    def _answer(self, served: str, payload: bytes) -> dict[str, Any]:
        stream = self.configuration[served].request["DeliveryStreamName"]
        event = {
            "invocationId": "console",
            "deliveryStreamArn": f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{stream}",
            "records": list(number_changes([payload], pii_names(load(self.schemas)))),
        }
        before = set(self.objects)
        with captured_output():  # its log and metrics
            (result,) = self.functions[served](event, None)["records"]
        put = [key for key in self.objects if key not in before]
        row = base64.b64decode(result["data"])
        return {
            "result": result["result"],
            **result.get("metadata", {}),
            **({"row": json.loads(row)} if row else {}),
            **self._error(served, put),
            "objects": put,
        }

    def _error(self, served: str, keys: list[str]) -> dict[str, Any]:
        """Return the reason that the record failed, from its error document."""
        prefix = self.configuration[served].variables["ERROR_PREFIX"]
        documents = [json.loads(self.objects[key]) for key in keys if key.startswith(prefix)]
        return {"error": documents[0]["error"]} if documents else {}

    def sql(self, query: str, lake: str = "", file_format: str = "") -> list[dict[str, Any]]:
        """Return the rows of a query over a lake, by default the console's.

        "SELECT count(*) AS n FROM demand" -> [{"n": 991}]
        """
        from firehose.lake.query.sql import query as run_query  # noqa: PLC0415 - duckdb and Arrow cost 0.4 s

        answer = run_query(
            query, lake or self.lake, file_format=Format(file_format) if file_format else None, schemas=self.schemas
        )
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def sample(record_type: str = "demand", seed: int = 1) -> dict[str, Any]:
    """Return the first change record of a type that `dmd sample` makes.

    sample("sale") -> {"eventName": "INSERT", "dynamodb": {"NewImage": {"type": {"S": "sale"}, ...}, ...}, ...}

    Raises:
        UserError: `dmd sample` makes no records of that type.
    """
    for payload in changes(_SAMPLE_CHANGES, seed):
        # Some are broken on purpose.
        with suppress(ValueError):
            change: dict[str, Any] = json.loads(payload)
            if change["dynamodb"].get("NewImage", {}).get("type") == {"S": record_type}:
                return change
    raise UserError(f"dmd sample makes no {record_type}")


def _payload(change: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(change, bytes):
        return change
    return change.encode() if isinstance(change, str) else json.dumps(change, separators=(",", ":")).encode()


def local_configuration(file_format: Format, schemas: Path = SCHEMAS) -> dict[str, StreamConfiguration]:
    """Return the configuration of `dmd run`."""
    return _by_served(local_streams(load(schemas), file_format), Names("local"))


def deployed_configuration(services: Services, names: Names) -> dict[str, StreamConfiguration]:
    """Return the configuration of an environment, as Firehose, Glue and Lambda describe it.

    Raises:
        UserError: nothing is deployed, or you may not read it.
    """
    requests = [stream_request(one) for one in delivery_streams(services, f"{names.prefix}-")]
    if not requests:
        raise UserError(f"{services.url} has no delivery stream {names.prefix}-...")
    found = []
    for request in requests:
        arn = function_arn(request)
        with as_user_errors(f"the function {arn}", "read"):
            function = function_configuration(services, arn)
        found.append(StreamConfiguration(request, catalog_table(services, request), function.variables))
    return _by_served(found, names)


def _by_served(streams: list[StreamConfiguration], names: Names) -> dict[str, StreamConfiguration]:
    """Return the configurations by type or mode: prd3292-dev1-dmnd-sale -> sale."""
    return {one.request["DeliveryStreamName"].removeprefix(f"{names.prefix}-"): one for one in streams}
