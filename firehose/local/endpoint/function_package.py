"""The code of a deployed function, unpacked to be run by this Python."""

import base64
import io
import sys
import zipfile
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from firehose.local.user_error import UserError

_COMPILED = (".so", ".pyd")


def code_sha256(package: bytes) -> str:
    """Return a package's hash as Lambda reports it: base64 of the SHA-256."""
    return base64.b64encode(sha256(package).digest()).decode()


def unpack(package: bytes, folder: Path) -> list[str]:
    """Unpack a package, and return the names of the modules that were left out.

    A package's dependencies may be compiled for Lambda's processor or Python. Of those that this Python cannot load it
    uses the ones that are installed for it.

    Raises:
        UserError: it is not a zip.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            names = archive.namelist()
            compiled = [name for name in names if name.endswith(_COMPILED)]
            left_out = {_module(name) for name in compiled if not _loads(name, archive)}
            archive.extractall(folder, [name for name in names if _module(name) not in left_out])
    except zipfile.BadZipFile:
        raise UserError("the function's package is not a zip") from None
    return sorted(left_out)


def _module(name: str) -> str:
    """Return the module that a file belongs to: "msgspec/_core.cpython-313-aarch64-linux-gnu.so" -> "msgspec"."""
    top, _, below = name.partition("/")
    return top if below else top.partition(".")[0]


def _loads(name: str, archive: zipfile.ZipFile) -> bool:
    """Return whether a compiled file is for this Python and processor: a tag in its name, and its header, say so."""
    suffix = "." + name.rpartition("/")[2].partition(".")[2]
    with archive.open(name) as file, Path(sys.executable).open("rb") as python:
        return suffix in EXTENSION_SUFFIXES and _machine(file.read(_HEADER_BYTES)) == _machine(
            python.read(_HEADER_BYTES)
        )


# Of an ELF file: magic number, class and byte order are the first six bytes, the processor is the last two here.
_HEADER_BYTES = 20


def _machine(header: bytes) -> tuple[bytes, bytes]:
    return header[:6], header[18:]
