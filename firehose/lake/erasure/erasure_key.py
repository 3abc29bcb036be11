"""The key of a list of erased subjects: with it an id is found in the list; without it the list says nothing of ids.

    dmd-jobs/erased/check.json   {"check": "9f0c..."}    the HMAC of a fixed text, by which a wrong key is refused
    dmd-jobs/erased/key          the key itself, if no other was named at the first erasure: the weakest place for it
    dmd-jobs/erased/key.kms      the key, encrypted under a key of AWS KMS

A key is named by `--erasure-key` or DMD_ERASURE_KEY: a file, or the ARN of a KMS key.
"""

import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec

from firehose.local.aws_errors import as_user_errors
from firehose.local.sink import ConditionalStore, MovedError
from firehose.local.user_error import UserError
from glue.layout import ERASED

CHECK = f"{ERASED}check.json"
BESIDE = f"{ERASED}key"
WRAPPED = f"{ERASED}key.kms"

ENVIRONMENT = "DMD_ERASURE_KEY"

_ARN = "arn:"
_FIXED_TEXT = "dmd: the list of erased subjects"
_LEAST_BYTES = 16
_HOW = f"name it with --erasure-key FILE, or {ENVIRONMENT}"

# Returns the body of an object, None if it does not exist.
Read: TypeAlias = Callable[[str], bytes | None]


class ErasureKey(NamedTuple):
    """A key. It is `beside` the list if whoever can read the list can read the key, too."""

    secret: bytes
    beside: bool = False

    def digest(self, text: str) -> str:
        """Return the HMAC-SHA-256 of a text, 64 hexadecimal digits."""
        return hmac.digest(self.secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()


class _Check(msgspec.Struct):
    check: str


def find_key(read: Read, where: str, named: str) -> ErasureKey:
    """Return the key of the list in a lake; `read` returns an object of the lake.

    Raises:
        UserError: no key is named and none lies beside the list, or it is not the list's key, or cannot be read.
    """
    key = _named_key(named, read) if named else _beside(read)
    if key is None:
        raise UserError(f"{where} has a list of erased subjects, and its key is not there: {_HOW}")
    try:
        expected = msgspec.json.decode(read(CHECK) or b"", type=_Check).check
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UserError(f"no erasure key can be checked: {CHECK} in {where} is gone or damaged, restore it") from None
    if not hmac.compare_digest(key.digest(_FIXED_TEXT).encode(), expected.encode("utf-8", "surrogatepass")):
        raise UserError(f"the list of erased subjects in {where} was made with another key: {_HOW}")
    return key


def make_key(store: ConditionalStore, where: str, named: str) -> ErasureKey:
    """Return the key of a lake's list, made here if this is the lake's first erasure. Of two at once, both get one key.

    Raises:
        UserError: as `find_key`.
    """

    def read(key: str) -> bytes | None:
        there = store.read(key)
        return there.body if there else None

    if read(CHECK) is None:
        if not named:
            _put_once(store, BESIDE, f"{secrets.token_hex(32)}\n".encode(), "text/plain")
        elif named.startswith(_ARN) and read(WRAPPED) is None:
            _put_once(store, WRAPPED, _new_wrapped(named), "application/octet-stream")
        key = _named_key(named, read) if named else _beside(read)
        if key is not None:
            check = _Check(key.digest(_FIXED_TEXT))
            _put_once(store, CHECK, msgspec.json.encode(check) + b"\n", "application/json")
    return find_key(read, where, named)


def _named_key(named: str, read: Callable[[str], bytes | None]) -> ErasureKey | None:
    """Return the key of this name; None if it is to be decrypted and is not there."""
    if named.startswith(_ARN):
        wrapped = read(WRAPPED)
        return None if wrapped is None else ErasureKey(_unwrapped(named, wrapped))
    try:
        secret = Path(named).read_bytes()
    except OSError as error:
        raise UserError(f"the erasure key {named} cannot be read: {error.strerror}") from None
    return ErasureKey(_long_enough(secret, named))


def _beside(read: Callable[[str], bytes | None]) -> ErasureKey | None:
    secret = read(BESIDE)
    return None if secret is None else ErasureKey(_long_enough(secret, BESIDE), beside=True)


def _long_enough(secret: bytes, where: str) -> bytes:
    secret = secret.rstrip(b"\r\n")
    if len(secret) < _LEAST_BYTES:
        raise UserError(
            f"the erasure key {where} has {len(secret)} bytes; it needs {_LEAST_BYTES} or more, as from "
            "openssl rand -hex 32"
        )
    return secret


def _put_once(store: ConditionalStore, key: str, body: bytes, content_type: str) -> None:
    """Put an object unless it exists."""
    with suppress(MovedError):
        store.put_if(key, body, content_type, None)


def _new_wrapped(arn: str) -> bytes:
    with as_user_errors(arn, "used"):
        wrapped: bytes = _kms(arn).generate_data_key(KeyId=arn, KeySpec="AES_256")["CiphertextBlob"]
    return wrapped


def _unwrapped(arn: str, wrapped: bytes) -> bytes:
    with as_user_errors(arn, "used"):
        secret: bytes = _kms(arn).decrypt(KeyId=arn, CiphertextBlob=wrapped)["Plaintext"]
    return secret


def _kms(arn: str) -> Any:
    import boto3  # noqa: PLC0415 - 0.3 s that a key in a file need not pay

    parts = arn.split(":")
    return boto3.client("kms", region_name=parts[3] if len(parts) > 3 else None)
