"""The delivery streams deployed on an endpoint, their tables and functions, as the services describe them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.config.described import create_request
from firehose.local.config.members import SettingError
from firehose.local.config.source import KINESIS
from firehose.local.endpoint.endpoint import Endpoint, Services
from firehose.local.endpoint.function_package import package_of, unpack
from firehose.local.local_stream import LocalStream
from firehose.local.processors.function_process import FunctionConfiguration, FunctionProcess
from firehose.local.user_error import UserError


@dataclass(frozen=True, slots=True)
class Deployed:
    """The delivery streams of an endpoint that read one Kinesis stream."""

    source: str
    bucket: str
    start_ms: int  # the creation of the first of them: Firehose reads from then on
    streams: list[LocalStream] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the streams."""
        return [stream.request["DeliveryStreamName"] for stream in self.streams]


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


def load_deployed(
    endpoint: Endpoint,
    packages: list[bytes],
    running: ExitStack,
    *,
    own: Collection[str],
    interval_seconds: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """Return all that the data plane needs. The functions' processes end with `running`.

    `packages` are the zips from which functions may have been deployed; their folders `own` hold the functions' code,
    the rest are dependencies. A function from any other zip is replaced by the first package, and `say` is called with
    a sentence about it.

    Raises:
        UserError: no delivery stream, several sources or buckets, no such table or function, or one that does not load.
        SettingError: a setting is refused by Firehose, or not supported by the data plane.
    """
    described = delivery_streams(endpoint)
    if not described:
        raise UserError(f"{endpoint.url} has no delivery stream that reads a Kinesis stream")
    requests = [stream_request(one) for one in described]
    source = _only_one(endpoint, map(_source, requests), "read {} Kinesis streams")
    bucket = _only_one(endpoint, map(_bucket, requests), "write into {} buckets")
    functions = _Functions(endpoint, packages, own, running, say)
    streams = [
        LocalStream(
            request,
            catalog_table(endpoint, request),
            functions.load(function_arn(request)),
            keeps_event=True,  # the function is in another process
            version=int(one["VersionId"]),
            interval_seconds=interval_seconds,
        )
        for one, request in zip(described, requests, strict=True)
    ]
    functions.wait_until_loaded()
    # Rounded down, so as not to miss a record of the same millisecond.
    start_ms = min(int(one["CreateTimestamp"].timestamp() * 1000) for one in described)
    return Deployed(source.rpartition("/")[2], bucket.rpartition(":")[2], start_ms, streams)


def _source(request: Mapping[str, Any]) -> str:
    return str(request["KinesisStreamSourceConfiguration"]["KinesisStreamARN"])


def _bucket(request: Mapping[str, Any]) -> str:
    return str(request["ExtendedS3DestinationConfiguration"]["BucketARN"])


def _only_one(endpoint: Endpoint, arns: Iterable[str], they_do: str) -> str:
    found = set(arns)
    if len(found) > 1:
        raise UserError(f"the delivery streams of {endpoint.url} {they_do.format(len(found))}; only one is supported")
    return found.pop()


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


class _Functions:
    """Loads functions; each package is unpacked once."""

    def __init__(
        self,
        endpoint: Endpoint,
        packages: list[bytes],
        own: Collection[str],
        running: ExitStack,
        say: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._packages = packages
        self._own = own
        self._running = running
        self._say = say
        self._folders: dict[str, Path] = {}
        self._starting: list[FunctionProcess] = []

    def load(self, arn: str) -> FunctionProcess:
        with as_user_errors(f"the function {arn}", "read"):
            found = function_configuration(self._endpoint, arn)
        surroundings = {**self._endpoint.variables, "AWS_REGION": self._endpoint.region}
        function = FunctionProcess(found, self._code(found), surroundings)
        self._running.callback(function.close)
        function.start()
        self._starting.append(function)
        return function

    def wait_until_loaded(self) -> None:
        for function in self._starting:
            function.wait_until_loaded()

    def _code(self, function: FunctionConfiguration) -> Path:
        folder = self._folders.get(function.code_sha256)
        if folder is None:
            package = package_of(function.code_sha256, self._packages)
            if package is None:
                self._say(f"the package of the function {function.name} was not found: the local code runs instead")
                package = self._packages[0]
            folder = Path(self._running.enter_context(TemporaryDirectory(prefix="function-")))
            unpack(package, folder, self._own)
            self._folders[function.code_sha256] = folder
        return folder


def function_configuration(endpoint: Services, arn: str) -> FunctionConfiguration:
    """Return the configuration of a function, of its alias or version if the ARN has one."""
    # moto finds an alias or version by an argument of its own only, not by the whole ARN.
    name, _, qualifier = arn.partition(":function:")[2].partition(":")
    arguments = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    answer = endpoint.client("lambda").get_function_configuration(**arguments)
    return FunctionConfiguration(
        name=answer["FunctionName"],
        arn=arn,
        handler=answer["Handler"],
        timeout_seconds=answer["Timeout"],
        memory_mib=answer["MemorySize"],
        variables=answer.get("Environment", {}).get("Variables", {}),
        code_sha256=answer["CodeSha256"],
    )
