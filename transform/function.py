"""The function that Firehose calls, made from an environment and a store for its objects."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from glue.model import pii_names
from glue.schema import SCHEMAS, load
from transform import errors, settings
from transform.drift import SAMPLE_EVERY, unmapped_attributes
from transform.mode import Invocation, Mode
from transform.object_store import NDJSON, ObjectStore, put_all
from transform.outcome import Delivered
from transform.record import Transformer
from transform.shared_types import TypesOfRecords, sharing
from transform.tally import Tally
from transform.telemetry import Telemetry

Event: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Event, Any], dict[str, Any]]
LambdaHandler: TypeAlias = Callable[[Event, Any], dict[str, Any] | bytes]

# The part of Lambda's time that is kept for metrics and the reply.
REPLY_SECONDS = 1.0


def build(
    environment: Mapping[str, str],
    store: ObjectStore,
    schemas: Path = SCHEMAS,
    error_store: ObjectStore | None = None,
    types_of_records: TypesOfRecords | None = None,
) -> Handler:
    """A Firehose data transformation function.

    build({"RECORD_TYPES": "demand", ...}, store)({"invocationId": ..., "records": [...]}, context)
      -> {"records": [{"recordId": ..., "result": "Ok", "data": ..., "metadata": {"partitionKeys": {...}}}]}

    `environment` is described in transform/settings.py. `store` takes what the mode itself writes, such as Avro
    containers, and error documents unless `error_store` is given. Functions that are called with the same events, one
    after the other, may share `types_of_records`, an empty dictionary: the outcomes are the same, in less time.

    Raises:
        ConfigurationError: a variable is missing or wrong.
        SchemaError: a schema is invalid.
    """
    types = load(schemas)
    mine = settings.read(environment, types)
    served = {name: types[name] for name in mine.record_types}
    telemetry = Telemetry(f"transform-{'-'.join(mine.record_types)}")
    mode = mode_of(mine, store)
    transformer = Transformer(types, served, claims=mine.claims_unreadable, on_bug=telemetry.bug, mode=mode)
    transform = transformer if types_of_records is None else sharing(types_of_records, transformer)
    personal = pii_names(types)
    documents_store = error_store or store

    def handler(event: Event, context: Any) -> dict[str, Any]:
        records = event["records"]
        invocation = Invocation(
            event["deliveryStreamArn"].rpartition("/")[2],
            [record["recordId"] for record in records],
            lambda: _seconds_left(context),
        )
        telemetry.begin(invocation.stream, event["invocationId"], getattr(context, "aws_request_id", None))
        outcomes = transform(records)
        delivery = mode.deliver(invocation, outcomes)
        tally = Tally.of(records, outcomes, delivery)
        if tally.failures:
            keep(errors.documents(tally.failures, invocation.stream, personal, telemetry.not_written), invocation)
        sample = zip(records[::SAMPLE_EVERY], outcomes[::SAMPLE_EVERY], strict=True)
        tally.sample(
            unmapped_attributes(record, types[outcome.type]) for record, outcome in sample if type(outcome) is Delivered
        )
        telemetry.report(tally)
        return {"records": list(map(mode.result, invocation.record_ids, outcomes))}

    def keep(documents: list[dict[str, Any]], invocation: Invocation) -> None:
        objects = errors.objects(documents, invocation.record_ids, invocation.stream, mine.error_prefix)
        left = invocation.seconds_left()
        for error in put_all(documents_store, objects.items(), NDJSON, left and left - REPLY_SECONDS).values():
            telemetry.not_written(error)

    return handler


def as_lambda_calls_it(handler: Handler, environment: Mapping[str, str]) -> LambdaHandler:
    """The handler itself; or one whose reply is JSON in bytes, if REPLY is `json` (transform/settings.py)."""
    if environment.get("REPLY") != "json":
        return handler
    return lambda event, context: msgspec.json.encode(handler(event, context))


def mode_of(mine: settings.Settings, store: ObjectStore) -> Mode:
    """The mode of a function: made by `mode` of transform/<format>_mode.py, the only such module that is imported.

    The others stay unloaded: fastavro, which Avro mode needs, is a third of a cold start.
    """
    made: Mode = import_module(f"transform.{mine.format}_mode").mode(mine, store)
    return made


def _seconds_left(context: Any) -> float | None:
    """Seconds until Lambda stops the function; None where the context does not say, as in tests."""
    millis = getattr(context, "get_remaining_time_in_millis", None)
    return millis() / 1000 if millis else None
