"""The function that Firehose calls, made from an environment and a place to put objects."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from glue.model import pii_names
from glue.schema import SCHEMAS, load
from transform import errors, reply, settings
from transform.archive import Store
from transform.drift import SAMPLE_EVERY, unmapped_attributes
from transform.outcome import Delivered
from transform.record import transformer
from transform.tally import Tally
from transform.telemetry import Telemetry

Event: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Event, Any], dict[str, Any]]


def build(environment: Mapping[str, str], store: Store, schemas: Path = SCHEMAS) -> Handler:
    """A Firehose data transformation function (firehose-facts 1).

    build({"RECORD_TYPES": "demand", ...}, store)({"invocationId": ..., "records": [...]}, context)
      -> {"records": [{"recordId": ..., "result": "Ok", "data": ..., "metadata": {"partitionKeys": {...}}}]}

    `environment` is described in transform/settings.py. `store` takes the error documents.

    Raises:
        ConfigurationError: a variable is missing or wrong.
        SchemaError: a schema is.
    """
    types = load(schemas)
    mine = settings.read(environment, types)
    served = {name: types[name] for name in mine.record_types}
    telemetry = Telemetry(f"transform-{'-'.join(mine.record_types)}")
    transform = transformer(types, served, claims=mine.claims_unreadable, on_bug=telemetry.bug)
    personal = pii_names(types)

    def handler(event: Event, context: Any) -> dict[str, Any]:
        records, stream = event["records"], event["deliveryStreamArn"].rpartition("/")[2]
        telemetry.begin(stream, event["invocationId"], getattr(context, "aws_request_id", None))
        record_ids = [record["recordId"] for record in records]
        outcomes = list(map(transform, records))
        reply.keep_within_limit(record_ids, outcomes)
        tally = Tally.of(records, outcomes)
        if tally.failures:
            documents = errors.documents(tally.failures, stream, personal, telemetry.not_written)
            for key, body in errors.objects(documents, record_ids, stream, mine.error_prefix).items():
                put(key, body)
        sample = zip(records[::SAMPLE_EVERY], outcomes[::SAMPLE_EVERY], strict=True)
        tally.sample(
            unmapped_attributes(record, types[outcome.type]) for record, outcome in sample if type(outcome) is Delivered
        )
        telemetry.report(tally)
        return {"records": list(map(reply.result, record_ids, outcomes))}

    def put(key: str, body: bytes) -> None:
        try:
            store.put(key, body, "application/x-ndjson")
        except Exception as error:  # noqa: BLE001 - whatever it was, Firehose has the originals
            telemetry.not_written(error)

    return handler
