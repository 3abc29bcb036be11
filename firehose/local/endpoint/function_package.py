"""The code of a deployed function: the package with the hash that Lambda reports, unpacked to be run."""

import base64
import io
import zipfile
from collections.abc import Collection, Iterable
from hashlib import sha256
from pathlib import Path

from firehose.local.user_error import UserError


def code_sha256(package: bytes) -> str:
    """Return a package's hash as Lambda reports it: base64 of the SHA-256."""
    return base64.b64encode(sha256(package).digest()).decode()


def package_of(deployed_sha256: str, packages: Iterable[bytes]) -> bytes | None:
    """Return the package that was deployed, if it is among these."""
    return next((package for package in packages if code_sha256(package) == deployed_sha256), None)


def unpack(package: bytes, folder: Path, own: Collection[str]) -> None:
    """Unpack the folders `own` of a package, the function's own code.

    The package's dependencies are built for Lambda's processor; this Python uses those that are installed for it.

    Raises:
        UserError: it is not a zip, or holds none of these folders.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            names = [name for name in archive.namelist() if name.partition("/")[0] in own]
            archive.extractall(folder, names)
    except zipfile.BadZipFile:
        raise UserError("the function's package is not a zip") from None
    if not names:
        raise UserError(f"the function's package has no code in {' or '.join(own)}")
