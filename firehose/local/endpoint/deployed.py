"""The delivery streams deployed on an endpoint, their tables and functions, as the services describe them."""

from collections.abc import Iterator, Mapping
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.config.described import create_request
from firehose.local.config.members import SettingError
from firehose.local.config.source import KINESIS
from firehose.local.endpoint.endpoint import Services
from firehose.local.processors.function_process import FunctionConfiguration
from firehose.local.user_error import UserError


def delivery_streams(endpoint: Services, name_prefix: str = "") -> list[dict[str, Any]]:
    """Return the descriptions of the delivery streams that read a Kinesis stream."""
    client = endpoint.client("firehose")
    with as_user_errors(endpoint.url, "read"):
        found = [
            client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
            for name in _stream_names(client)
            if name.startswith(name_prefix)
        ]
    return [one for one in found if one["DeliveryStreamType"] == KINESIS]


def stream_request(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that would make a stream of this description.

    Raises:
        UserError: the stream is not supported; the message names it.
    """
    try:
        return create_request(description)
    except SettingError as error:
        raise UserError(f"the delivery stream {description['DeliveryStreamName']}: {error}") from error


def _stream_names(client: Any) -> Iterator[str]:
    arguments: dict[str, Any] = {"DeliveryStreamType": KINESIS}
    while True:
        answer = client.list_delivery_streams(**arguments)
        names = answer["DeliveryStreamNames"]
        yield from names
        if not answer.get("HasMoreDeliveryStreams") or not names:
            return
        arguments["ExclusiveStartDeliveryStreamName"] = names[-1]


def catalog_table(endpoint: Services, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the Glue table of a stream's format conversion; None if it does not convert."""
    conversion = request["ExtendedS3DestinationConfiguration"].get("DataFormatConversionConfiguration", {})
    schema = conversion.get("SchemaConfiguration")
    if not schema:
        return None
    database, name = schema["DatabaseName"], schema["TableName"]
    with as_user_errors(f"the table {database}.{name}", "read"):
        found: dict[str, Any] = endpoint.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
    return found


def function_arn(request: Mapping[str, Any]) -> str:
    """Return the ARN of the function that a stream calls.

    Raises:
        UserError: it does not call a function.
    """
    processors = request["ExtendedS3DestinationConfiguration"].get("ProcessingConfiguration", {}).get("Processors", [])
    for parameter in (one for processor in processors for one in processor.get("Parameters", [])):
        if parameter["ParameterName"] == "LambdaArn":
            return str(parameter["ParameterValue"])
    raise UserError(f"the delivery stream {request['DeliveryStreamName']} does not call a function")


def function_configuration(endpoint: Services, arn: str) -> FunctionConfiguration:
    """Return the configuration of a function, of its alias or version if the ARN has one."""
    answer = endpoint.client("lambda").get_function_configuration(**function_arguments(arn))
    return read_configuration(answer, arn)


def function_arguments(arn: str) -> dict[str, str]:
    """Return the arguments with which Lambda's API is asked for a function.

    "arn:aws:lambda:us-east-1:123456789012:function:own:live" -> {"FunctionName": "own", "Qualifier": "live"}

    moto finds an alias or version by an argument of its own only, not by the whole ARN.
    """
    name, _, qualifier = arn.partition(":function:")[2].partition(":")
    return {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}


def read_configuration(answer: Mapping[str, Any], arn: str) -> FunctionConfiguration:
    """Return the configuration in an answer of GetFunctionConfiguration."""
    return FunctionConfiguration(
        name=answer["FunctionName"],
        arn=arn,
        handler=answer["Handler"],
        timeout_seconds=answer["Timeout"],
        memory_mib=answer["MemorySize"],
        variables=answer.get("Environment", {}).get("Variables", {}),
        code_sha256=answer["CodeSha256"],
    )
