"""The package of the jobs on AWS Glue: the script, and the zip of wheels, which installs without a network."""

import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from firehose.pipeline import glue_package
from firehose.pipeline.glue_package import SCRIPT, SCRIPT_NAME, WHEELS_NAME, build
from firehose.pipeline.package import PROJECT, PackageError
from tests.pipeline.test_package import pinned

pytestmark = [pytest.mark.slow, pytest.mark.long]

# What people at a terminal or the tests need, and PySpark, which is Glue's.
LEFT_OUT = {"vl_convert_python", "prompt_toolkit", "aws_kinesis_agg", "pyspark", "py4j", "moto", "pytest"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glue")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def wheels(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked as Glue does."""
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(built / WHEELS_NAME) as archive:
        archive.extractall(folder)
    return folder / "wheels"


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        build(tmp_path)
    finally:
        os.umask(before)

    assert {path.name: digest(path) for path in tmp_path.iterdir()} == {
        path.name: digest(path) for path in built.iterdir()
    }
    assert (built / SCRIPT_NAME).read_bytes() == SCRIPT.read_bytes()


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_it_holds_exactly_the_locked_versions_and_our_own_code(wheels: Path) -> None:
    locked = {re.sub(r"[-_.]+", "_", line) for line in pinned(glue_package.REQUIREMENTS)}
    own = {"dmd_pipeline==0_1_0"}

    written = {re.sub(r"[-_.]+", "_", line) for line in (wheels / "requirements.txt").read_text().split()}

    assert written == locked | own
    assert len(list(wheels.glob("*.whl"))) == len(written)
    assert not {line.partition("==")[0] for line in written} & LEFT_OUT


def test_every_wheel_is_for_glues_processor_and_python(wheels: Path) -> None:
    binary = [path.name for path in wheels.glob("*.whl") if not path.name.endswith("-none-any.whl")]

    assert any(name.startswith("pyarrow-26") for name in binary)
    # pyiceberg-core is built once, for every Python from 3.10 on.
    assert all("x86_64" in name and "manylinux" in name and re.search("-cp311-|-abi3-", name) for name in binary), (
        binary
    )


def test_the_locks_agree_on_every_version() -> None:
    assert pinned(glue_package.REQUIREMENTS) <= pinned(PROJECT / "requirements.txt")


def test_no_file_of_our_own_wheel_names_this_machine_and_all_of_our_code_is_there(wheels: Path) -> None:
    (own,) = wheels.glob("dmd_pipeline-*.whl")
    with zipfile.ZipFile(own) as archive:
        named = [name for name in archive.namelist() if str(PROJECT).encode() in archive.read(name)]
        there = set(archive.namelist())

    ours = [path for top in ("glue", "transform", "firehose") for path in (PROJECT / top).rglob("*")]
    missing = {
        path.relative_to(PROJECT).as_posix() for path in ours if path.is_file() and "__pycache__" not in path.parts
    } - there
    assert named == []
    assert {name for name in missing if not name.endswith(".md")} == set()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the wheels are for Glue's Python, 3.11")
def test_installed_without_a_network_it_has_all_that_each_job_loads(wheels: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    from_zip = [f"--find-links={wheels}", "-r", str(wheels / "requirements.txt"), "--target", str(tmp_path / "site")]
    subprocess.run([*pip, "--no-compile", *from_zip], check=True, env={**os.environ, "PIP_FIND_LINKS": ""})
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import firehose.cli.aws_glue_job as job; "
        "import firehose.cli.backfill, firehose.cli.compact, firehose.cli.erase, firehose.cli.reconcile; "
        "import firehose.lake.erasure.iceberg_tables, firehose.local.iceberg_glue, pyiceberg_core; "
        "import boto3, duckdb, jq, fastavro; from glue.schema import load; print(job.__file__, *load())"
    )

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        str(tmp_path / "site/firehose/cli/aws_glue_job.py"), "demand", "event", "notification", "sale",
    ]  # fmt: skip


def test_a_dependency_with_other_bytes_than_locked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tampered = tmp_path / "requirements.txt"
    tampered.write_text("msgspec==0.22.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(glue_package, "REQUIREMENTS", tampered)

    with pytest.raises(PackageError):
        build(tmp_path / "glue")

    assert "HASH" in capfd.readouterr().err.upper()
    assert not (tmp_path / "glue").exists()
