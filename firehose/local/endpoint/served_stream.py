"""A delivery stream of the endpoint: its definition, what it runs on, and its worker."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config import arns
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.iceberg_destination import IcebergDestination
from firehose.local.config.members import SettingError
from firehose.local.data_plane import DataPlane
from firehose.local.endpoint.api_error import ApiError, of_setting
from firehose.local.endpoint.caller import Caller
from firehose.local.endpoint.cloudwatch import CloudWatch
from firehose.local.endpoint.deployed_function import DeployedFunction
from firehose.local.endpoint.description import destination_of
from firehose.local.endpoint.endpoint import DUMMY_CREDENTIALS
from firehose.local.endpoint.failure_log import FailureLog
from firehose.local.endpoint.report_sum import sum_of_reports
from firehose.local.endpoint.services import OwnServices, ServicesOf
from firehose.local.endpoint.stream_table import stream_table
from firehose.local.endpoint.worker import StreamWorker
from firehose.local.faults import Faults, FaultyKinesis, FaultySink, faulty_function
from firehose.local.local_stream import LocalStream
from firehose.local.report import StreamReport
from firehose.local.sinks import S3Sink
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.local.sources.puts import PutSource
from firehose.local.user_error import UserError


class Surroundings(msgspec.Struct, frozen=True):
    """Resources that the streams of an endpoint share.

    `interval_seconds` shortens every buffer interval, if it is set. `on_printed` is called with the name of a stream
    and what its function printed in one invocation.
    """

    services_of: ServicesOf
    clock: Callable[[], int]
    interval_seconds: int | None = None
    behaviour: Behaviour = OBSERVED
    on_printed: Callable[[str, str], None] = lambda _stream, _text: None


class ServedStream:
    """One delivery stream at work, from its creation until `close`.

    Raises, when it is made:
        ApiError: a setting is refused, or not supported here; or its table or Kinesis stream does not exist.
    """

    def __init__(self, request: Mapping[str, Any], caller: Caller, around: Surroundings) -> None:
        self.request = dict(request)
        self.name: str = request["DeliveryStreamName"]
        self.arn = f"arn:aws:firehose:{caller.region}:{caller.account}:deliverystream/{self.name}"
        self.version = 1
        self.created_ms = around.clock()
        self.updated_ms: int | None = None
        self.tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags") or ()}
        self.encryption: dict[str, Any] = dict(request.get("DeliveryStreamEncryptionConfigurationInput") or {})
        self.faults = Faults()
        self._caller = caller
        self._around = around
        self._functions: dict[str, DeployedFunction] = {}
        self._cloudwatch = CloudWatch(self._services, around.clock)
        self._failure_log = FailureLog(self.name)
        self._ended = StreamReport(self.name)
        self._table: dict[str, Any] | None = None
        self._looked_at = 0
        self._worker = StreamWorker(self.name, around.clock, self._look)
        self._stream, self._plane = self._made(self.request, self.version)
        self._source = self._opened()
        self._worker.start(self._source, self._plane)

    @property
    def source_arn(self) -> str | None:
        """The Kinesis stream that it reads, None if records are put into it."""
        return self._stream.source_arn

    @property
    def notes(self) -> list[str]:
        """Settings that have no effect here, and warnings about settings, by the paths of their members."""
        without_effect = [f"{path} has no effect here" for path in self._stream.without_effect]
        return [*without_effect, *self._stream.warnings]

    def update(self, request: Mapping[str, Any]) -> None:
        """Change the stream to what this request would make; a request that changes nothing keeps the version.

        What it has buffered is delivered under the settings before.

        Raises:
            ApiError: as when it is made.
        """
        if request == self.request:
            return
        made = self._made(request, self.version + 1)
        self.request, self.version, self.updated_ms = dict(request), self.version + 1, self._around.clock()
        self._worker.call(lambda: self._replace(*made))

    def put(self, payloads: Sequence[bytes], wait_seconds: float) -> list[str]:
        """Put records, and return the ids of those that were taken.

        Raises:
            ApiError: the stream reads a Kinesis stream, or takes nothing any more.
        """
        if not isinstance(self._source, PutSource):
            raise ApiError(
                "InvalidArgumentException",
                f"This operation is not permitted on KinesisStreamAsSource delivery stream type: {self.name}",
            )
        if self._worker.failure:
            raise ApiError("ServiceUnavailableException", f"{self.name} takes no more: {self._worker.failure}", 503)
        ids = self._source.put(payloads, self._around.clock(), wait_seconds)
        self._worker.wake()
        return ids

    def tick(self) -> None:
        """Read what has come, and let it see the time."""
        self._worker.call(self._worker.tick)

    def flush(self) -> None:
        """Deliver everything that its source has, whatever its age. What a bucket refuses still waits."""
        self._worker.call(self._finish)

    def close(self) -> dict[str, Any]:
        """Deliver everything, and end. Return the last counts: what is `waiting` could not be delivered."""
        self.flush()
        counts = self.counts()
        self.end()
        return counts

    def end(self) -> None:
        """End at once: what is buffered is lost."""
        self._worker.stop()
        for function in self._functions.values():
            function.close()

    def counts(self) -> dict[str, Any]:
        """Return the counts of its records, and what is wrong."""
        settled = self._worker.settled  # before `read`, which grows meanwhile
        read = self._source.taken if isinstance(self._source, PutSource) else self._worker.read
        report = sum_of_reports(self._ended, self._plane.report.streams[0])
        error = self._plane.put_error
        problems = {problem.reason: problem.count for problem in report.function_problems}
        return {
            "stream": self.name,
            "arn": self.arn,
            "version": self.version,
            "read": read,
            "waiting": read - settled,
            "delivered": report.delivered,
            "dropped": report.dropped,
            "failed": dict(report.failed),
            "rows": report.rows,
            "objects": report.objects,
            "error_objects": report.error_objects,
            "function_problems": problems,
            "refused_by_bucket": str(error) if error else "",
            "reads_no_more": self._worker.failure,
            "lag_ms": self._source.lag_ms if isinstance(self._source, KinesisSource) else 0,
        }

    @property
    def _services(self) -> OwnServices:
        return self._around.services_of(self._caller)

    def _made(self, request: Mapping[str, Any], version: int) -> tuple[DeliveryStream, DataPlane]:
        local = LocalStream(
            request,
            keeps_event=True,  # the function is in another process
            captures_output=False,
            version=version,
            region=self._caller.region,
            interval_seconds=self._around.interval_seconds,
            behaviour=self._around.behaviour,
            with_logs=True,
        )
        try:
            stream = local.read()
            table = self._newest_table(stream)
        except SettingError as error:
            raise of_setting(error) from error
        self._table = table
        catalog = self._catalog if isinstance(stream.destination, IcebergDestination) else None
        local = msgspec.structs.replace(local, table_input=table, function=self._called(stream), catalog=catalog)
        return stream, DataPlane(
            [local],
            self._sink(stream.destination.bucket),
            backup_sink=self._sink(stream.backup.bucket) if stream.backup else None,
            clock=self._around.clock,
            source_of=self._source_of,
        )

    def _catalog(self) -> Any:
        """Return Glue's catalog of the endpoint, with the stream's faults."""
        # PyIceberg takes 0.5 s of processor time to load.
        from firehose.local.faulty_catalog import FaultyCatalog  # noqa: PLC0415
        from firehose.local.iceberg_catalogs import glue_catalog  # noqa: PLC0415

        files = {
            "s3.endpoint": self._services.url,
            "s3.region": self._caller.region,
            "s3.access-key-id": DUMMY_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "s3.secret-access-key": DUMMY_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        }
        return FaultyCatalog(glue_catalog(self._services.client("glue"), **files), self.faults)

    def _source_of(self, record_id: str) -> str:
        """Return the name of a record's source, by which an Iceberg table knows it from others."""
        source = self._source
        return source.source_of(record_id) if isinstance(source, KinesisSource) else f"puts.{self.created_ms}"

    def _sink(self, bucket: str) -> FaultySink:
        return FaultySink(S3Sink(bucket, self._services.client("s3")), self.faults)

    def _called(self, stream: DeliveryStream) -> Any:
        settings = stream.processing.function
        if settings is None:
            return None
        arn = settings.function_arn
        if arn not in self._functions:
            self._functions[arn] = DeployedFunction(
                arn,
                self._services,
                self._around.clock,
                count=self._cloudwatch.function_metrics.add,
                on_printed=partial(self._around.on_printed, self.name),
            )
        return faulty_function(self._functions[arn], self.faults)

    def _opened(self) -> KinesisSource | PutSource:
        arn = self._stream.source_arn
        if arn is None:
            return PutSource(self._worker.sleep)
        where = arns.kinesis_stream(arn)
        kinesis = self._around.services_of(Caller(where.account, where.region)).client("kinesis")
        try:
            return KinesisSource(
                where.resource.rpartition("/")[2],
                state=None,
                start_ms=now_ms(),  # by the clock of Kinesis, which nobody moves
                client=FaultyKinesis(kinesis, self.faults),
                clock=self._around.clock,
                sleep=self._worker.sleep,
            )
        except UserError as error:
            raise ApiError("InvalidArgumentException", f"{arn}: {error}") from error

    def _newest_table(self, stream: DeliveryStream) -> dict[str, Any] | None:
        conversion = stream.destination.conversion
        if conversion is None:
            return None
        where = Caller(self._caller.account, conversion.table.region)
        return stream_table(self._around.services_of(where), conversion.table)

    def _replace(self, stream: DeliveryStream, plane: DataPlane) -> None:
        self._worker.replace(plane)
        self._ended = sum_of_reports(self._ended, self._plane.report.streams[0])
        self._stream, self._plane = stream, plane

    def _finish(self) -> None:
        try:
            self._worker.finish()
        except Exception:  # noqa: BLE001 - the bucket's; it is in the counts, and tried again
            self._worker.tick()
        self._look()

    def _look(self) -> None:
        """Tell CloudWatch what has happened, and take over a new version of the table. In the worker's thread."""
        report = self._plane.report.streams[0]
        if isinstance(self._source, KinesisSource):
            report.metrics.add("KinesisMillisBehindLatest", self._source.lag_ms)
        self._cloudwatch.publish(self._stream, report)
        self._failure_log.look(report, self._stream.destination.bucket)
        total = sum_of_reports(self._ended, report)
        _, config = destination_of(self.request)
        self._cloudwatch.log_errors(self._stream, config, total, self._plane.put_error)
        if self._worker.read != self._looked_at:
            self._looked_at = self._worker.read
            self._take_new_table()

    def _take_new_table(self) -> None:
        before = self._table
        try:
            table = self._newest_table(self._stream)
        except SettingError:  # deleted, or of no use: the one before holds
            return
        if table != before:
            self._replace(*self._made(self.request, self.version))
