"""What is deployed on an endpoint: its delivery streams, their tables and functions, as the service describes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from firehose.local.processors.function_process import FunctionConfiguration, FunctionProcess
from firehose.local.running_stream import LocalStream
from firehose.local.user_error import UserError


@dataclass(frozen=True, slots=True)
class Deployed:
    """The delivery streams of an endpoint that read one Kinesis stream."""

    source: str
    bucket: str
    start_ms: int  # when the first of them was made: Firehose reads from then on
    streams: list[LocalStream] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [stream.request["DeliveryStreamName"] for stream in self.streams]

    @property
    def in_both_modes(self) -> bool:
        """Whether there are streams of Parquet mode, which convert by a table, and of Avro mode, which do not."""
        return len({stream.table_input is None for stream in self.streams}) == 2


def delivery_streams(endpoint: Services, names_begin: str = "") -> list[dict[str, Any]]:
    """The descriptions of the delivery streams there that read a Kinesis stream."""
    client = endpoint.client("firehose")
    with as_user_errors(endpoint.url, "read"):
        found = [
            client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
            for name in _stream_names(client)
            if name.startswith(names_begin)
        ]
    return [one for one in found if one["DeliveryStreamType"] == KINESIS]


def stream_request(description: Mapping[str, Any]) -> dict[str, Any]:
    """The request that would make a stream of this description.

    Raises:
        UserError: it is no stream that is carried out; the message names it.
    """
    try:
        return create_request(description)
    except SettingError as error:
        raise UserError(f"the delivery stream {description['DeliveryStreamName']}: {error}") from error


def _stream_names(client: Any) -> Iterator[str]:
    asked: dict[str, Any] = {"DeliveryStreamType": KINESIS}
    while True:
        answer = client.list_delivery_streams(**asked)
        names = answer["DeliveryStreamNames"]
        yield from names
        if not answer.get("HasMoreDeliveryStreams") or not names:
            return
        asked["ExclusiveStartDeliveryStreamName"] = names[-1]


def load_deployed(
    endpoint: Endpoint,
    packages: list[bytes],
    running: ExitStack,
    *,
    interval_seconds: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """All that the data plane needs. The functions' processes end with `running`.

    `packages` are what may have been deployed; of none of them being it, `say` is told, and the first is run instead.

    Raises:
        UserError: no delivery stream there, several sources, a missing table or function, or a function that cannot
            be loaded.
        SettingError: a setting that Firehose refuses, or that the data plane does not carry out.
    """
    described = delivery_streams(endpoint)
    if not described:
        raise UserError(f"{endpoint.url} has no delivery stream that reads a Kinesis stream")
    requests = [stream_request(one) for one in described]
    source = _only_one(endpoint, map(_source, requests), "read {} Kinesis streams")
    bucket = _only_one(endpoint, map(_bucket, requests), "write into {} buckets")
    functions = _Functions(endpoint, packages, running, say)
    streams = [
        LocalStream(
            request,
            catalog_table(endpoint, request),
            functions.load(function_arn(request)),
            keeps_event=True,  # it goes to another process
            version=int(one["VersionId"]),
            interval_seconds=interval_seconds,
        )
        for one, request in zip(described, requests, strict=True)
    ]
    functions.wait_until_loaded()
    # Rounded down: what came in the same millisecond is rather read than missed.
    start_ms = min(int(one["CreateTimestamp"].timestamp() * 1000) for one in described)
    return Deployed(source.rpartition("/")[2], bucket.rpartition(":")[2], start_ms, streams)


def _source(request: Mapping[str, Any]) -> str:
    return str(request["KinesisStreamSourceConfiguration"]["KinesisStreamARN"])


def _bucket(request: Mapping[str, Any]) -> str:
    return str(request["ExtendedS3DestinationConfiguration"]["BucketARN"])


def _only_one(endpoint: Endpoint, arns: Iterable[str], they_do: str) -> str:
    found = set(arns)
    if len(found) > 1:
        raise UserError(f"the delivery streams of {endpoint.url} {they_do.format(len(found))}: one is run here")
    return found.pop()


def catalog_table(endpoint: Services, request: dict[str, Any]) -> dict[str, Any] | None:
    """The Glue table that a stream converts by."""
    conversion = request["ExtendedS3DestinationConfiguration"].get("DataFormatConversionConfiguration", {})
    schema = conversion.get("SchemaConfiguration")
    if not schema:
        return None
    database, name = schema["DatabaseName"], schema["TableName"]
    with as_user_errors(f"the table {database}.{name}", "read"):
        found: dict[str, Any] = endpoint.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
    return found


def function_arn(request: Mapping[str, Any]) -> str:
    """The function that a stream calls.

    Raises:
        UserError: it calls none.
    """
    processors = request["ExtendedS3DestinationConfiguration"].get("ProcessingConfiguration", {}).get("Processors", [])
    for parameter in (one for processor in processors for one in processor.get("Parameters", [])):
        if parameter["ParameterName"] == "LambdaArn":
            return str(parameter["ParameterValue"])
    raise UserError(f"the delivery stream {request['DeliveryStreamName']} calls no function")


class _Functions:
    """Loads functions; each package is unpacked once."""

    def __init__(
        self, endpoint: Endpoint, packages: list[bytes], running: ExitStack, say: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._packages = packages
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
                self._say("what was deployed is not at hand: the function's code is that of this checkout")
                package = self._packages[0]
            folder = Path(self._running.enter_context(TemporaryDirectory(prefix="dmd-function-")))
            unpack(package, folder)
            self._folders[function.code_sha256] = folder
        return folder


def function_configuration(endpoint: Services, arn: str) -> FunctionConfiguration:
    """What GetFunctionConfiguration says of a function, of its alias or version where the ARN has one."""
    # The whole ARN names alias or version as well, which moto knows by their own argument only.
    name, _, qualifier = arn.partition(":function:")[2].partition(":")
    asked = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    answer = endpoint.client("lambda").get_function_configuration(**asked)
    return FunctionConfiguration(
        name=answer["FunctionName"],
        arn=arn,
        handler=answer["Handler"],
        timeout_seconds=answer["Timeout"],
        memory_mib=answer["MemorySize"],
        variables=answer.get("Environment", {}).get("Variables", {}),
        code_sha256=answer["CodeSha256"],
    )
