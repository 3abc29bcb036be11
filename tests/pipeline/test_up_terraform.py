"""`dmd up` runs terraform on a copy, against the endpoint, with nothing of the user's account."""

import json
import sys
from pathlib import Path

import pytest

from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.endpoint.function_package import code_sha256
from firehose.local.user_error import UserError
from firehose.pipeline.package import PROJECT, checkout_package
from firehose.pipeline.up import terraform
from firehose.pipeline.up.prepare import prepare
from glue.layout import FILE_FORMATS, Format

pytestmark = pytest.mark.slow

ENDPOINT = Endpoint("http://127.0.0.1:9")

# Records how it was called; fails if the test asks for that.
FAKE = """#!{python}
import json, os, sys
calls = os.path.join({folder!r}, "calls.jsonl")
with open(calls, "a") as file:
    print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]), file=file)
if sys.argv[1] == {fails!r}:
    sys.exit("Error: told by the test")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its own terraform/, and a terraform that only records its calls."""
    project = tmp_path / "project"
    for part in ("terraform/test", "glue/tables", "glue/athena"):
        (project / part).mkdir(parents=True)
        (project / part / "main.tf").touch()
    (project / "terraform" / "test" / "terraform.tfstate").write_text("somebody's own")
    monkeypatch.setattr(terraform, "PROJECT", project)
    monkeypatch.setattr(terraform, "ROOT", project / "terraform" / "test")
    monkeypatch.setenv("DMD_TERRAFORM", str(tmp_path / "terraform"))
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.setenv("TF_VAR_environment", "prod1")
    fake(tmp_path)
    return tmp_path


def fake(folder: Path, fails: str = "") -> None:
    path = folder / "terraform"
    path.write_text(FAKE.format(python=sys.executable, folder=str(folder), fails=fails))
    path.chmod(0o755)


def apply(folder: Path) -> list[tuple[list[str], str, dict[str, str]]]:
    command = terraform.terraform_command()
    assert command is not None
    terraform.apply_test(command, ENDPOINT, FILE_FORMATS, folder / "function.zip", folder / "state")
    return [tuple(json.loads(line)) for line in (folder / "calls.jsonl").read_text().splitlines()]


def test_terraform_is_initialised_and_applied_on_a_copy(folder: Path) -> None:
    init, applied = apply(folder)

    assert init[0][0] == "init"
    assert applied[0] == ["apply", "-no-color", "-auto-approve"]
    root = folder / "state" / "terraform" / "terraform" / "test"
    assert init[1] == applied[1] == str(root)
    assert (root / "main.tf").is_file()
    assert not (root / "terraform.tfstate").exists()
    assert (folder / "state" / "terraform" / "glue" / "tables" / "main.tf").is_file()


def test_terraform_is_led_to_the_endpoint_and_gets_nothing_of_the_users_account(folder: Path) -> None:
    _, (_, _, environment) = apply(folder)

    assert environment["AWS_ENDPOINT_URL"] == ENDPOINT.url
    assert environment["TF_VAR_modes"] == '["parquet","avro"]'
    assert environment["TF_VAR_package"] == str(folder / "function.zip")
    assert "AWS_PROFILE" not in environment
    assert "TF_VAR_environment" not in environment


def test_a_state_that_is_there_is_kept(folder: Path) -> None:
    apply(folder)
    state = folder / "state" / "terraform" / "terraform" / "test" / "terraform.tfstate"
    state.write_text("ours")

    apply(folder)

    assert state.read_text() == "ours"


def test_what_terraform_cannot_do_is_told_in_its_own_words(folder: Path) -> None:
    fake(folder, fails="apply")

    with pytest.raises(UserError, match=r"terraform apply failed in terraform/test:\nError: told by the test"):
        apply(folder)


def test_the_functions_code_in_this_checkout_is_what_is_deployed(folder: Path) -> None:
    said: list[str] = []

    prepare(ENDPOINT, [Format.PARQUET], None, folder / "state", said.append)

    deployed = (folder / "state" / "function.zip").read_bytes()
    assert code_sha256(deployed) == code_sha256(checkout_package())
    assert said == [f"applying terraform/test to {ENDPOINT.url}; that takes about a minute"]


def test_a_package_that_is_named_is_deployed_instead(folder: Path) -> None:
    (folder / "own.zip").write_bytes(b"own")

    prepare(ENDPOINT, [], folder / "own.zip", folder / "state", print)

    assert (folder / "state" / "function.zip").read_bytes() == b"own"


def test_without_terraform_or_its_root_there_is_nothing_to_apply(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert terraform.terraform_command() == str(folder / "terraform")
    monkeypatch.setattr(terraform, "ROOT", PROJECT / "no such root")

    assert terraform.terraform_command() is None
