"""The environment that is tested: what it is called, which modes it is in, and who may test it."""

import json
import os
import re
from typing import Any

from firehose.lake.query.sql import query
from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.endpoint import named_endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.names import REGION, Names
from firehose.pipeline.package import PROJECT
from glue.layout import ROOT, Format
from tests.e2e.athena import Athena, Client, Sql

# A local endpoint, such as that of `dmd up`: no account, no role, no Athena.
LOCAL = "test"


def known_environments() -> dict[str, str]:
    """The environments that have a root of their own, and its values: {"dev1": "environment = ...", ...}."""
    return {path.parent.name: path.read_text() for path in PROJECT.glob("terraform/tm-*/*/terraform.tfvars")}


def modes_of(environment: str) -> list[Format]:
    """The modes that an environment is in, by the one place that says it: its terraform.tfvars.

    Raises:
        UserError: the environment does not exist.
    """
    known = known_environments()
    if environment == LOCAL:
        return [Format.PARQUET]
    if environment not in known:
        raise UserError(f"`{environment}` is no environment: say one of {', '.join(sorted([*known, LOCAL]))}")
    modes = re.search(r"^modes *= *(\[.*\])", known[environment], re.MULTILINE)
    assert modes is not None, "terraform asks for it"
    return [Format(mode) for mode in json.loads(modes[1])]


def open_environment(names: Names, run: str, role: str = "") -> Client:
    """Clients of an environment's services, under the CI role.

    Raises:
        UserError: credentials are missing, or they may not take the role; no local endpoint is named.
    """
    if names.environment == LOCAL:
        url = os.environ.get("AWS_ENDPOINT_URL", "")
        if not url:
            raise UserError("no local endpoint: start `dmd up`, and export what it says (AWS_ENDPOINT_URL=...)")
        return named_endpoint(url).client
    return _under_role(names, run, role)


def _under_role(names: Names, run: str, role: str) -> Client:
    import boto3  # noqa: PLC0415 - a second, which a mistyped environment need not wait for

    try:
        with as_user_errors(f"the role {role or names.ci_role}", "taken"):
            own = boto3.Session(region_name=REGION)
            sts = own.client("sts")
            caller = sts.get_caller_identity()
            if f":assumed-role/{names.ci_role}/" in caller["Arn"]:
                return client_of(own)
            arn = role or f"arn:aws:iam::{caller['Account']}:role/{names.ci_role}"
            taken = sts.assume_role(RoleArn=arn, RoleSessionName=run)["Credentials"]
    except UserError as mistake:
        raise UserError(
            f"{mistake}. It needs credentials of a principal that `ci_principals` of {names.environment} names; in "
            "another account also E2E_ROLE, which is Terraform's output `ci_role`"
        ) from None
    return client_of(
        boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=REGION)
    )


def client_of(session: Any) -> Client:
    """Clients of a boto3 session."""
    client: Client = session.client
    return client


def sql_over(names: Names, mode: Format, client: Client) -> Sql:
    """SQL over the lake of one mode: Athena's, or our own where the endpoint is a local one."""
    if names.environment == LOCAL:
        return local_sql(client, names.bucket, mode)
    return Athena(client, names.ci_workgroup, names.database(mode), names.bucket)


def local_sql(client: Client, bucket: str, mode: Format) -> Sql:
    """What `dmd query` answers, as text like Athena's. A lake that nothing has come to yet is empty."""

    def rows(sql: str) -> list[dict[str, str | None]]:
        if not client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{ROOT}/", MaxKeys=1)["KeyCount"]:
            return []
        answer = query(sql, f"s3://{bucket}", file_format=mode)
        texts = ([None if value is None else str(value) for value in row] for row in answer.rows)
        return [dict(zip(answer.columns, row, strict=True)) for row in texts]

    return rows
