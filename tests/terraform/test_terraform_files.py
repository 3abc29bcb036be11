"""What stands in the files of terraform/: nothing is planned."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.terraform import ENVIRONMENTS, PIPELINE, PROJECT, needs_terraform


def test_the_environments_are_the_same_files_but_for_their_values() -> None:
    written = {
        root: {path.name for path in (PROJECT / "terraform" / root).iterdir() if not path.is_symlink()} - _GENERATED
        for root in ENVIRONMENTS
    }
    linked = {
        (path.name, path.resolve().relative_to(PROJECT / "terraform").as_posix())
        for root in ENVIRONMENTS
        for path in (PROJECT / "terraform" / root).iterdir()
        if path.is_symlink()
    }

    assert written == {root: {"terraform.tfvars", "backend.tfbackend"} for root in ENVIRONMENTS}
    shared = {path.name for path in (PROJECT / "terraform" / "environment").iterdir()}
    assert linked == {(name, f"environment/{name}") for name in shared}


_GENERATED = {".terraform", ".terraform.lock.hcl", "plan", "terraform.tfstate"}


@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_an_environment_keeps_its_state_under_its_own_name_in_its_own_account(root: str) -> None:
    account, environment = root.split("/")
    folder = PROJECT / "terraform" / root
    values, backend = (folder / "terraform.tfvars").read_text(), (folder / "backend.tfbackend").read_text()

    assert re.search(rf'^environment += "{environment}"$', values, re.MULTILINE)
    assert re.search(rf'^key += "dmnd-pipeline/{environment}/terraform.tfstate"$', backend, re.MULTILINE)
    assert re.search(rf'^bucket += "prd3292\.{account}\.', backend, re.MULTILINE)
    assert re.search(r"^use_lockfile += true$", backend, re.MULTILINE)


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="no checkout of git")
@pytest.mark.parametrize(
    ("name", "ignored"), [("main.tf", False), (".terraform.lock.hcl", False), ("plan", True), (".terraform/x", True)]
)
@pytest.mark.parametrize("root", ENVIRONMENTS)
def test_git_takes_the_lock_of_an_environment_and_not_its_plan(root: str, name: str, ignored: bool) -> None:
    # --no-index: by its rules alone, whatever is committed already.
    asked = ["git", "check-ignore", "--quiet", "--no-index", f"terraform/{root}/{name}"]

    assert (subprocess.run(asked, cwd=PROJECT, check=False).returncode == 0) == ignored


def test_every_setting_of_the_pipeline_can_be_given_in_an_environment() -> None:
    settings = {
        name
        for path in (PROJECT / "terraform" / PIPELINE).glob("variables*.tf")
        for name in re.findall(r'^variable "(\w+)"', path.read_text(), re.MULTILINE)
    }
    module = (PROJECT / "terraform" / "environment" / "main.tf").read_text().partition('module "pipeline" {')[2]

    assert set(re.findall(r"^  (\w+) +=", module, re.MULTILINE)) - {"source"} == settings


@pytest.mark.parametrize("root", ["environment", "test"])
def test_what_the_pipeline_tells_every_root_tells(root: str) -> None:
    told = re.compile(r'^output "(\w+)"', re.MULTILINE)
    theirs, ours = ((PROJECT / "terraform" / path / "outputs.tf").read_text() for path in (root, PIPELINE))

    assert told.findall(theirs) == told.findall(ours)


def test_production_alone_refuses_to_replace_a_delivery_stream() -> None:
    protects = {root: "protect_streams = true" in _values(root) for root in ENVIRONMENTS}

    assert protects == {root: root.endswith("/prod1") for root in ENVIRONMENTS}


def test_preprod1_and_prod1_need_subscribers_of_alarms_and_readers_of_errors() -> None:
    operated = {root: re.findall(r"^operated += (\w+)$", _values(root), re.MULTILINE) for root in ENVIRONMENTS}

    assert operated == {root: ["true" if root.startswith("tm-prod/") else "false"] for root in ENVIRONMENTS}


def test_no_environment_can_do_without_the_guard_of_its_key() -> None:
    root = PROJECT / "terraform" / "environment"

    assert re.search(r"^  protect_key += true\b", (root / "main.tf").read_text(), re.MULTILINE)
    assert "protect_key" not in (root / "variables.tf").read_text()


def _values(root: str) -> str:
    return (PROJECT / "terraform" / root / "terraform.tfvars").read_text()


def test_every_wildcard_has_its_reason_beside_it() -> None:
    wildcard = re.compile(r'"[^"]*\*"')
    missing = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in sorted((PROJECT / "terraform").glob("modules/*/*.tf"))
        for number, (before, line) in enumerate(_pairs(path.read_text().splitlines()), 1)
        if wildcard.search(line) and "regex" not in line and "fileset" not in line
        if "#" not in line and not before.strip().startswith("#")
    ]

    assert missing == []


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    yield from zip(["", *lines], lines, strict=False)


def test_files_are_formatted() -> None:
    done = subprocess.run(
        [needs_terraform(), "fmt", "-check", "-recursive", "-diff"],
        cwd=PROJECT / "terraform",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["CI", "DMD_TERRAFORM_REQUIRED"])
def test_in_ci_a_missing_terraform_is_no_reason_to_skip(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(pytest.fail.Exception, match="may not be missing"):
        needs_terraform()


def test_elsewhere_a_missing_terraform_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "DMD_TERRAFORM_REQUIRED", "DMD_TERRAFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(pytest.skip.Exception, match="terraform is not installed"):
        needs_terraform()
