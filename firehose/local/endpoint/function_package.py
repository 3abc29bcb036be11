"""The code of a deployed function: the package whose hash Lambda tells, unpacked as far as it is ours."""

import base64
import io
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from firehose.local.user_error import UserError

PROJECT = Path(__file__).parents[3]
BUILT = PROJECT / "build" / "function.zip"  # where `make package` puts it

_OURS = ("glue", "transform")

# The oldest time that a zip can say: the same source gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def checkout_package() -> bytes:
    """A zip of the function's own code as it stands in this checkout, without what it depends on.

    Enough where it is run in this Python, which has the dependencies; for Lambda there is `make package`.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for folder in _OURS for path in (PROJECT / folder).rglob("*")):
            if path.suffix in {".py", ".avsc", ".json"}:
                entry = zipfile.ZipInfo(path.relative_to(PROJECT).as_posix(), _EPOCH)
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return body.getvalue()


def code_sha256(package: bytes) -> str:
    """As Lambda tells it: base64 of the SHA-256."""
    return base64.b64encode(sha256(package).digest()).decode()


def package_of(deployed_sha256: str, packages: Iterable[bytes]) -> bytes | None:
    """The package that was deployed, if it is among these."""
    return next((package for package in packages if code_sha256(package) == deployed_sha256), None)


def unpack(package: bytes, folder: Path) -> None:
    """Unpacks glue and transform. The dependencies beside them are for Lambda's processor; this Python has its own.

    Raises:
        UserError: it is no zip, or holds neither.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            names = [name for name in archive.namelist() if name.partition("/")[0] in _OURS]
            archive.extractall(folder, names)
    except zipfile.BadZipFile:
        raise UserError("the function's package is no zip") from None
    if not names:
        raise UserError("the function's package holds no code of ours")
