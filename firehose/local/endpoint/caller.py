"""The account and region that a signed request is for."""

import os
import re
from typing import Any, NamedTuple

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")
_NOBODY = "AKIAEXAMPLE"


class Caller(NamedTuple):
    """An account and region."""

    account: str
    region: str


def caller_of(environ: dict[str, Any]) -> Caller:
    """Return the caller of a request, by moto's own rules: its variable, its header, then the access key.

    A request without a signature is for moto's default account, in us-east-1.
    """
    from moto.iam.models import get_account_id_from  # noqa: PLC0415 - moto is an extra, and takes a second to load

    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    named = os.environ.get("MOTO_ACCOUNT_ID") or environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    key, region = found.groups() if found else (_NOBODY, "us-east-1")
    return Caller(named or get_account_id_from(key), region)
