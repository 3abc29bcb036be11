"""SQL over an environment: Athena, in the CI role's workgroup."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from firehose.local.aws_errors import as_user_errors
from glue.layout import ROOT

# SQL -> rows, all values as text, null as None.
Sql: TypeAlias = Callable[[str], list[dict[str, str | None]]]

# The name of a service -> a boto3 client of it.
Client: TypeAlias = Callable[[str], Any]

# All that the CI role may delete.
TEST = f"{ROOT}/test/"

_LOOK_SECONDS = 1

# Errors whose text is about the SQL alone. Others may quote a value of a row.
_ABOUT_THE_SQL = ("SYNTAX_ERROR", "COLUMN_NOT_FOUND", "TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "TYPE_MISMATCH")


class QueryError(Exception):
    """Athena did not answer a query."""


class Athena:
    """Answers SQL over one database, and deletes the results that its own queries have left.

    Athena(session.client, "prd3292-dev1-dmnd-ci", "prd3292_dev1_dmnd_pipeline_parquet", bucket)("SELECT 1 AS n")
        -> [{"n": "1"}]

    Raises, when it is called:
        QueryError: the query failed, was cancelled, or took more than `query_seconds`.
    """

    def __init__(
        self,
        client: Client,
        workgroup: str,
        database: str,
        bucket: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        query_seconds: int = 120,
    ) -> None:
        self._athena = client("athena")
        self._s3 = client("s3")
        self._workgroup = workgroup
        self._database = database
        self._bucket = bucket
        self._sleep = sleep
        self._query_seconds = query_seconds
        self._results: list[str] = []

    def __call__(self, sql: str) -> list[dict[str, str | None]]:
        """The rows of an answer."""
        with as_user_errors(f"Athena's workgroup {self._workgroup}", "asked"):
            query = self._athena.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": self._database},
                WorkGroup=self._workgroup,
                # The workgroup's own setting, which counts; said here for endpoints that do not know it.
                ResultConfiguration={"OutputLocation": f"s3://{self._bucket}/{TEST}athena/results/"},
            )["QueryExecutionId"]
            self._wait(query)
            return list(self._rows(query))

    def clear(self) -> int:
        """Deletes the results of its queries; how many objects that were."""
        cleared = 0
        while self._results:
            self._s3.delete_object(Bucket=self._bucket, Key=self._results[-1])
            self._results.pop()
            cleared += 1
        return cleared

    def _wait(self, query: str) -> None:
        ended = False
        try:
            for _ in range(self._query_seconds):
                found = self._athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
                self._note_results(found)
                ended = found["Status"]["State"] not in {"QUEUED", "RUNNING"}
                if ended:
                    break
                self._sleep(_LOOK_SECONDS)
        finally:
            if not ended:
                with suppress(BotoCoreError, ClientError):
                    self._athena.stop_query_execution(QueryExecutionId=query)
        if not ended:
            raise QueryError(f"Athena gave no answer in {self._query_seconds} s (query {query})")
        if found["Status"]["State"] != "SUCCEEDED":
            raise QueryError(f"Athena: {_reason(found['Status'])} (query {query})")

    def _note_results(self, found: dict[str, Any]) -> None:
        location = found["ResultConfiguration"].get("OutputLocation", "")
        key = location.removeprefix(f"s3://{self._bucket}/")
        # Where the workgroup says another place, its results expire by the bucket's own rule.
        if key.startswith(TEST) and key not in self._results:
            self._results += [key, f"{key}.metadata"]

    def _rows(self, query: str) -> Iterator[dict[str, str | None]]:
        names: list[str] = []
        for page in self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=query):
            for row in page["ResultSet"]["Rows"]:
                values = [value.get("VarCharValue") for value in row["Data"]]
                if names:
                    yield dict(zip(names, values, strict=True))
                names = names or [str(value) for value in values]  # the first row of all is the head


def _reason(status: dict[str, Any]) -> str:
    """Why a query did not succeed, without what may be a value of a row."""
    reason: str = status.get("StateChangeReason", "") or status["State"]
    return reason if reason.startswith(_ABOUT_THE_SQL) else reason.partition(":")[0]
