"""Terraform as the specifications use it: found on this machine, run in a copy of the project."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
ENVIRONMENTS = ("tm-nonprod/dev1", "tm-nonprod/qa1", "tm-prod/preprod1", "tm-prod/prod1")
ROOTS = (*ENVIRONMENTS, "test")
PIPELINE = "modules/pipeline"

_PROVIDER = Path("registry.terraform.io") / "hashicorp" / "aws"


def _mirror() -> Path | None:
    """A folder that holds the AWS provider: what DMD_TERRAFORM_PLUGINS says, or where people keep such folders."""
    told = os.environ.get("DMD_TERRAFORM_PLUGINS")
    places = (
        [Path(told)] if told else [Path.home() / ".terraform.d" / "plugins", Path("/usr/local/share/terraform/plugins")]
    )
    places += [] if told else [Path("/usr/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in places if (place / _PROVIDER).is_dir()), None)


def needs_terraform() -> str:
    """The path of terraform. Skips where there is none, but never in CI, where it must be."""
    found = os.environ.get("DMD_TERRAFORM") or shutil.which("terraform")
    if found is None:
        _miss("terraform is not installed")
    return str(found)


def _miss(reason: str) -> None:
    if os.environ.get("CI") == "true" or os.environ.get("DMD_TERRAFORM_REQUIRED"):
        pytest.fail(f"{reason}, and may not be missing here")
    pytest.skip(reason)


@dataclass
class Workspace:
    """A copy of terraform/ and of what it reads, to leave the project's own folder alone."""

    folder: Path
    terraform: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, root: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run terraform in a root: run("test", "plan")."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder / "terraform" / root, env=self.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [self.terraform, *arguments, *([] if arguments[0] in {"fmt", "output"} else ["-no-color"])]

    def environment(self) -> dict[str, str]:
        """The environment of a run: none of the user's accounts, endpoints and settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        return kept | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", **self.variables}

    def init(self, root: str, *arguments: str) -> None:
        """Make a root ready. Skips where the provider is not to be had."""
        mirror = _mirror()
        done = self.run(root, "init", *arguments, *([f"-plugin-dir={mirror}"] if mirror else []))
        if done.returncode and mirror is None and "hashicorp/aws" in done.stderr:
            _miss("terraform's AWS provider is neither on this machine (DMD_TERRAFORM_PLUGINS) nor to be had")
        assert done.returncode == 0, done.stderr


def workspace(folder: Path, **variables: str) -> Workspace:
    """A copy of the project's terraform/ in a folder, run with further environment variables."""
    terraform = needs_terraform()
    without = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(PROJECT / "terraform", folder / "terraform", symlinks=True, ignore=without)
    for part in ("tables", "athena"):
        shutil.copytree(PROJECT / "glue" / part, folder / "glue" / part)
    return Workspace(folder, terraform, variables)
