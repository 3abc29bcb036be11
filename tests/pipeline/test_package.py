"""The zip that Lambda runs: what it holds, and when it is not made."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from firehose.pipeline import package
from firehose.pipeline.package import UNZIPPED_LIMIT_BYTES, PackageError, build
from glue.layout import Format
from tests.given import environment

pytestmark = [pytest.mark.slow, pytest.mark.long]

# The packages that Lambda's Python runtime brings.
RUNTIMES_OWN = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six.py")


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lambda") / "function.zip"
    build(path)
    return path


@pytest.fixture(scope="module")
def for_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for this machine, unpacked: the binaries of the real one are for arm64."""
    folder = tmp_path_factory.mktemp("here")
    build(folder / "function.zip", platforms=())
    with zipfile.ZipFile(folder / "function.zip") as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def test_the_same_source_gives_the_same_bytes(for_lambda: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        build(tmp_path / "again.zip")
    finally:
        os.umask(before)

    assert _digest(tmp_path / "again.zip") == _digest(for_lambda)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_holds_the_function_its_schemas_and_its_dependencies_and_nothing_else(for_lambda: Path) -> None:
    names = zipfile.ZipFile(for_lambda).namelist()

    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {
        "glue", "transform", "aws_lambda_powertools", "fastavro", "jmespath", "msgspec", "pybase64",
        "typing_extensions.py", "zlib_ng",
    }  # fmt: skip
    assert {"transform/handler.py", "glue/schemas/demand.avsc", "glue/tables/demand.json"} <= set(names)
    assert {f"transform/{mode}_mode.py" for mode in Format} <= set(names)
    assert [name for name in names if name.endswith(".pyc")] == []


def test_its_binaries_are_for_lambdas_processor_and_python(for_lambda: Path) -> None:
    binaries = [name for name in zipfile.ZipFile(for_lambda).namelist() if name.endswith(".so")]

    assert binaries
    assert {name.partition(".")[2] for name in binaries} == {"cpython-313-aarch64-linux-gnu.so"}


def test_no_file_of_it_names_this_machine(for_lambda: Path) -> None:
    archive = zipfile.ZipFile(for_lambda)

    named = [name for name in archive.namelist() if str(package.PROJECT).encode() in archive.read(name)]

    assert named == []


def test_unzipped_it_is_a_tenth_of_what_lambda_takes(for_lambda: Path) -> None:
    size = sum(entry.file_size for entry in zipfile.ZipFile(for_lambda).infolist())

    assert size < UNZIPPED_LIMIT_BYTES / 10


def test_lambdas_user_may_read_all_of_it(for_lambda: Path) -> None:
    modes = {entry.external_attr >> 16 & 0o777 for entry in zipfile.ZipFile(for_lambda).infolist()}

    assert modes <= {0o644, 0o755}


def test_the_handler_loads_from_the_zip_with_lambdas_own_libraries_alone(for_here: Path, tmp_path: Path) -> None:
    site = Path(boto3.__file__).parent.parent
    for name in RUNTIMES_OWN:
        (tmp_path / name).symlink_to(site / name)
    paths = [str(for_here), str(tmp_path)]
    code = f"import sys; sys.path[:0] = {paths}; import transform.handler as h; print(h.__file__, *sys.modules)"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**environment("demand", claims=True), "AWS_DEFAULT_REGION": "us-east-1"},
    )

    assert done.returncode == 0, done.stderr
    handler, *loaded = done.stdout.split()
    assert handler == str(for_here / "transform" / "handler.py")
    assert {"typer", "rich", "duckdb", "moto", "pyarrow", "firehose", "boto3", "fastavro"} & set(loaded) == set()


def test_a_dependency_with_other_bytes_than_locked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tampered = tmp_path / "requirements.txt"
    tampered.write_text("msgspec==0.22.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(package, "REQUIREMENTS", tampered)

    with pytest.raises(PackageError):
        build(tmp_path / "function.zip")

    assert "HASH" in capfd.readouterr().err.upper()
    assert not (tmp_path / "function.zip").exists()


def test_a_zip_that_lambda_would_refuse_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNZIPPED_LIMIT_BYTES", 1000)
    (tmp_path / "none.txt").touch()
    monkeypatch.setattr(package, "REQUIREMENTS", tmp_path / "none.txt")

    with pytest.raises(PackageError, match="1,000"):
        build(tmp_path / "function.zip")

    assert not (tmp_path / "function.zip").exists()


def test_the_locks_agree_on_every_version() -> None:
    ours, everything = (pinned(package.PROJECT / name) for name in ("requirements-lambda.txt", "requirements.txt"))

    assert ours <= everything


def pinned(path: Path) -> set[str]:
    return {line.split(" ")[0] for line in path.read_text().splitlines() if "==" in line and line[0] not in " #"}
