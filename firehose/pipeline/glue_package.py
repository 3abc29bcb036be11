"""Builds what AWS Glue runs a job from: the script, and a zip of wheels. Same source, same bytes.

python -m firehose.pipeline.glue_package build/glue

    build/glue/job.py                     firehose/cli/aws_glue_job.py
    build/glue/jobs.gluewheels.zip        wheels/*.whl and wheels/requirements.txt

Glue installs such a zip on each machine before the script begins, and with `--no-index` from nowhere else. It lacks
PySpark, which Glue has. Source: Glue guide, "Using Python libraries with AWS Glue", appendixes A and B.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from firehose.pipeline.package import PROJECT, PackageError, run_pip, write_zip

BUILT = PROJECT / "build" / "glue"  # `make glue-package` writes it there
REQUIREMENTS = PROJECT / "requirements-glue.txt"
SCRIPT = PROJECT / "firehose" / "cli" / "aws_glue_job.py"
SCRIPT_NAME = "job.py"
WHEELS_NAME = "jobs.gluewheels.zip"  # Glue knows a zip of wheels by this ending

# Glue 5.0 and 5.1 are Amazon Linux 2023, whose glibc is 2.34, on x86.
PYTHON = "3.11"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")

_SOURCES = ("pyproject.toml", "glue", "transform", "firehose")


def build(folder: Path) -> None:
    """Write the script and the zip of wheels into a folder.

    Raises:
        PackageError: a dependency has no wheel for Glue or does not match its locked hash.
    """
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        wheels = temporary / "wheels"
        run_pip("download", REQUIREMENTS, f"--dest={wheels}", platforms=PLATFORMS, python=PYTHON)
        _build_own(temporary, wheels)
        (wheels / "requirements.txt").write_text("".join(f"{_pin(wheel)}\n" for wheel in sorted(wheels.glob("*.whl"))))
        folder.mkdir(parents=True, exist_ok=True)
        write_zip(folder / WHEELS_NAME, {f"wheels/{path.name}": path for path in sorted(wheels.iterdir())})
    shutil.copyfile(SCRIPT, folder / SCRIPT_NAME)


def _pin(wheel: Path) -> str:
    """Return the line of a wheel in requirements: "pyarrow-26.0.1-cp311-..." -> "pyarrow==26.0.1"."""
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version}"


def _build_own(temporary: Path, wheels: Path) -> None:
    """Build our own wheel, from a copy: setuptools would leave files in the checkout, and take old ones in."""
    source, built = temporary / "source", temporary / "built"
    source.mkdir()
    for name in _SOURCES:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(PROJECT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", f"--wheel-dir={built}", str(source)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)  # noqa: S603  pip, with our own arguments
    if done.returncode:
        raise PackageError(f"pip could not build the project's own wheel:\n{done.stderr}")
    (wheel,) = built.iterdir()
    unpacked = temporary / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    files = sorted(path for path in unpacked.rglob("*") if path.is_file())
    write_zip(wheels / wheel.name, {path.relative_to(unpacked).as_posix(): path for path in files})


def main() -> int:
    """Build into the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder to write into: build/glue")
    folder = parser.parse_args().folder
    try:
        build(folder)
    except PackageError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size:,} bytes", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
