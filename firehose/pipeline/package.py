"""Builds the zip that Lambda runs, without tools: glue, transform and dependencies. Same source, same bytes.

python -m firehose.pipeline.package build/function.zip
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

PROJECT = Path(__file__).parents[2]
BUILT = PROJECT / "build" / "function.zip"  # `make package` writes it there
REQUIREMENTS = PROJECT / "requirements-lambda.txt"
WHEELS = PROJECT / ".venv" / "wheels"  # wheels that the Makefile downloads; without them pip uses the package index

# Lambda's runtime python3.13 on arm64 is Amazon Linux 2023, whose glibc is 2.34.
PYTHON = "3.13"
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux2014_aarch64")

# Lambda guide, "Lambda quotas": deployment package, unzipped, with layers.
UNZIPPED_LIMIT_BYTES = 250 * 1024 * 1024

OURS = ("glue/**/*.py", "glue/schemas/*.avsc", "glue/tables/*.json", "transform/**/*.py")
OUR_FOLDERS = ("glue", "transform")
# Left out: scripts name this machine's interpreter in their first line, and RECORD has their hash; bytecode is for the
# Python that builds, which may not be Lambda's.
_LEFT_OUT = {"bin", "__pycache__"}
_LEFT_OUT_OF_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}

# The oldest time that a zip can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The zip cannot be made, or Lambda would refuse it."""


def build(zip_path: Path, *, platforms: Sequence[str] = PLATFORMS, python: str = PYTHON) -> int:
    """Write the zip and return its unzipped size in bytes: 7_104_331.

    `platforms` are wheel tags; without them the zip is for this machine and its Python.

    Raises:
        PackageError: a dependency has no wheel for the platform or does not match its locked hash, or the zip is too
            large.
    """
    with tempfile.TemporaryDirectory() as folder:
        run_pip("install", REQUIREMENTS, "--no-compile", f"--target={folder}", platforms=platforms, python=python)
        files = dict(sorted([*_dependencies(Path(folder)), *_ours()]))
        size = sum(path.stat().st_size for path in files.values())
        if size > UNZIPPED_LIMIT_BYTES:
            raise PackageError(f"{size:,} bytes unzipped; Lambda takes {UNZIPPED_LIMIT_BYTES:,}")
        zip_path.parent.mkdir(parents=True, exist_ok=True)
        write_zip(zip_path, files)
    return size


def checkout_package() -> bytes:
    """Return a zip of the function's own code as it stands in this checkout, without its dependencies.

    That is enough to run it with this Python, which has the dependencies. For Lambda use `make package`.
    """
    body = io.BytesIO()
    write_zip(body, dict(sorted(_ours())))
    return body.getvalue()


def run_pip(action: str, requirements: Path, *options: str, platforms: Sequence[str], python: str) -> None:
    """Install or download the wheels of locked requirements. Without `platforms` they are for this machine.

    Raises:
        PackageError: a dependency has no wheel for the platform, or does not match its locked hash.
    """
    target = [f"--platform={platform}" for platform in platforms]
    if platforms:
        target.append(f"--python-version={python}")
    command = [sys.executable, "-m", "pip", action, "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--no-deps", "--require-hashes", "--requirement", str(requirements)]
    command += ["--no-index", f"--find-links={WHEELS}"] if WHEELS.is_dir() else []
    done = subprocess.run([*command, *target, *options], check=False)  # noqa: S603  pip, with our own arguments
    if done.returncode:
        raise PackageError(f"pip could not {action} the wheels of {requirements.name}: its own message is above")


def _dependencies(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        metadata = name.parts[0].endswith(".dist-info")
        if path.is_file() and not _LEFT_OUT & set(name.parts) and not (metadata and path.name in _LEFT_OUT_OF_METADATA):
            yield name.as_posix(), path


def _ours() -> Iterator[tuple[str, Path]]:
    for pattern in OURS:
        for path in PROJECT.glob(pattern):
            yield path.relative_to(PROJECT).as_posix(), path


def write_zip(target: Path | BinaryIO, files: dict[str, Path]) -> None:
    """Zip files in the given order, without their times and owners; everybody may read them, as Lambda's user must."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, on any system that builds it
            entry.external_attr = 0o100755 << 16 if path.suffix == ".so" else 0o100644 << 16
            method = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), method)


def main() -> int:
    """Build the zip that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path, help="the file to write: build/function.zip")
    parser.add_argument("--platform", nargs="*", default=PLATFORMS, help="wheel tags; an empty list is this machine")
    parser.add_argument("--python", default=PYTHON, help="Lambda's Python")
    arguments = parser.parse_args()
    try:
        size = build(arguments.zip, platforms=arguments.platform, python=arguments.python)
    except PackageError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(f"{arguments.zip}: {arguments.zip.stat().st_size:,} bytes, {size:,} unzipped", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
